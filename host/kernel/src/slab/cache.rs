// SPDX-License-Identifier: GPL-2.0

//! A model of `kmem_cache`: objects that are exactly as large and as aligned as was asked for, and
//! an end of the program wherever C would warn, leave a stack trace in the log, or not look.

use core::ptr::{
    null_mut,
    NonNull, //
};
use std::{
    ffi::CStr,
    sync::{
        Mutex,
        MutexGuard,
        PoisonError, //
    },
};

use super::{
    check_request,
    object::Object,
    table::table, //
};
use crate::{
    constants::{
        _slab_flag_bits__SLAB_HWCACHE_ALIGN,
        _slab_flag_bits__SLAB_NO_MERGE,
        _slab_flag_bits__SLAB_POISON,
        _slab_flag_bits__SLAB_RED_ZONE,
        gfp_t,
        slab_flags_t,
        ARCH_SLAB_MINALIGN,
        KMALLOC_MAX_SIZE,
        __GFP_ZERO, //
    },
    context::{
        self,
        bug, //
    },
};

/// How many caches there can be at once.
const CACHES: usize = 64;

/// How long a name may be, with its end.
const NAME: usize = 64;

/// The flags by which something lies beside an object.
const DEBUG: slab_flags_t =
    (1 << _slab_flag_bits__SLAB_POISON) | (1 << _slab_flag_bits__SLAB_RED_ZONE);

/// What is known of a cache.
#[derive(Clone, Copy)]
struct Cache {
    /// Its number, which no other ever has; 0 if there is no cache in this place.
    number: usize,
    name: [u8; NAME],
    size: usize,
    align: usize,
    flags: slab_flags_t,
}

impl Cache {
    /// Returns what is granted of an object: with guards or a pattern nothing of what lies beside
    /// it (`slab_ksize()`).
    fn granted(&self) -> usize {
        if self.flags & DEBUG == 0 {
            self.size.next_multiple_of(self.align)
        } else {
            self.size
        }
    }
}

/// All caches.
struct Caches {
    places: [Cache; CACHES],
    last: usize,
}

static ALL: Mutex<Caches> = Mutex::new(Caches {
    places: [Cache {
        number: 0,
        name: [0; NAME],
        size: 0,
        align: 0,
        flags: 0,
    }; CACHES],
    last: 0,
});

/// Returns all caches, locked.
fn all() -> MutexGuard<'static, Caches> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Caches {
    /// Returns the cache of this number, which must be there.
    fn find(&mut self, number: usize) -> &mut Cache {
        match self.places.iter_mut().find(|cache| cache.number == number) {
            Some(cache) if number != 0 => cache,
            _ => bug("what is no cache was used", None),
        }
    }

    /// Returns the cache of this name, if there is one.
    fn named(&self, name: &[u8]) -> Option<&Cache> {
        self.places.iter().find(|cache| {
            cache.number != 0 && cache.name.split(|&byte| byte == 0).next() == Some(name)
        })
    }
}

/// Returns whether a cache has this name.
pub(crate) fn has_cache(name: &CStr) -> bool {
    all().named(name.to_bytes()).is_some()
}

/// Returns the flags that the cache of this name was created with; none if there is no cache.
pub(crate) fn flags_of(name: &CStr) -> slab_flags_t {
    all().named(name.to_bytes()).map_or(0, |cache| cache.flags)
}

/// Creates a cache and returns its number; 0 if there is no memory.
pub(crate) fn create(name: &CStr, size: usize, align: usize, flags: slab_flags_t) -> usize {
    // What may lie beside an object: its guards, which are as far away as it is aligned, twice.
    let beside = if flags & DEBUG == 0 {
        0
    } else {
        2 * align + 64
    };
    // On the machine of this stand-in a cache line has 64 bytes (`calculate_alignment()`).
    let line = if flags & (1 << _slab_flag_bits__SLAB_HWCACHE_ALIGN) != 0 && size > 32 {
        64
    } else {
        1
    };
    let wanted = align.max(ARCH_SLAB_MINALIGN).max(line);
    let mut caches = all();

    if context::is_atomic() {
        bug("a cache is created where nothing may sleep", None);
    }
    if size == 0 || !align.is_power_of_two() || size + beside > KMALLOC_MAX_SIZE as usize {
        bug("a cache that can't be", Some((size, align)));
    }
    if flags & (1 << _slab_flag_bits__SLAB_NO_MERGE) == 0 {
        bug("a cache that is merged with others", Some((size, align)));
    }
    if caches.named(name.to_bytes()).is_some() {
        bug("two caches of one name", None);
    }
    if context::must_fail() {
        return 0;
    }
    caches.last += 1;
    let mut cache = Cache {
        number: caches.last,
        name: [0; NAME],
        size,
        align: wanted,
        flags,
    };
    for (to, &from) in cache.name.iter_mut().take(NAME - 1).zip(name.to_bytes()) {
        *to = from;
    }
    match caches.places.iter_mut().find(|place| place.number == 0) {
        Some(place) => *place = cache,
        None => bug("more caches than there is room for", None),
    }
    cache.number
}

/// Allocates an object; null if there is no memory.
pub(crate) fn alloc_from(number: usize, flags: gfp_t, node: i32) -> *mut u8 {
    let cache = *all().find(number);

    check_request(flags, node);
    if context::must_fail() {
        return null_mut();
    }
    let layout = (cache.size, cache.granted(), cache.align);
    match Object::of_cache(number, layout, node.max(0), flags & __GFP_ZERO != 0) {
        None => null_mut(),
        Some(object) => {
            let start = object.start();

            table().insert(object);
            start.as_ptr()
        }
    }
}

/// Frees an object, which must be one of the cache.
pub(crate) fn free_to(number: usize, object: *mut u8) {
    all().find(number);
    match NonNull::new(object) {
        Some(start) => table().free(start, number),
        None => bug("no object was freed to a cache", None),
    }
}

/// Returns whether objects are live; never, where the slab doesn't count them.
pub(crate) fn shrink(number: usize) -> bool {
    if context::is_atomic() {
        bug("a cache is shrunk where nothing may sleep", None);
    }
    all().find(number);
    cfg!(CONFIG_SLUB_DEBUG) && table().count(number) != 0
}

/// Destroys a cache.
pub(crate) fn destroy(number: usize) {
    let mut caches = all();
    let cache = caches.find(number);

    if context::is_atomic() {
        bug("a cache is destroyed where nothing may sleep", None);
    }
    if table().count(number) != 0 {
        bug("a cache was destroyed that has live objects", None);
    }
    cache.number = 0;
}
