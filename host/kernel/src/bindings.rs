// SPDX-License-Identifier: GPL-2.0

//! C as bindgen sees it: constants, KUnit's types, and the slab's functions.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "the names are C's"
)]

use core::{
    ffi::{
        c_ulong,
        c_void, //
    },
    ptr::{
        addr_of_mut,
        null_mut, //
    },
};

pub use crate::{
    caches::*,
    constants::*,
    kunit::*, //
};
use crate::{
    context::{
        self,
        bug, //
    },
    slab, //
};

/// A bit for each NUMA node.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct nodemask_t {
    pub bits: [c_ulong; 1],
}

/// The nodes that are possible, and those that are online.
pub static mut node_states: [nodemask_t; 2] = [nodemask_t { bits: [ONLINE] }; 2];

/// A bucket of `kmalloc()`; one that was created is known by its address only.
pub struct kmem_cache {
    kind: kmalloc_cache_type,
    index: usize,
}

/// The buckets of one type, by what `kmalloc_index()` returns.
pub type kmem_buckets = [*mut kmem_cache; KMALLOC_SHIFT_HIGH as usize + 1];

/// How many types of bucket there are.
const KINDS: usize = 3;

const CACHES: [[kmem_cache; KMALLOC_SHIFT_HIGH as usize + 1]; KINDS] = {
    const NONE: kmem_cache = kmem_cache { kind: 0, index: 0 };
    let mut caches = [const { [NONE; KMALLOC_SHIFT_HIGH as usize + 1] }; KINDS];
    let mut kind = 0;

    while kind < KINDS {
        let mut index = 0;

        while index < caches[kind].len() {
            caches[kind][index] = kmem_cache {
                kind: kind as kmalloc_cache_type,
                index,
            };
            index += 1;
        }
        kind += 1;
    }
    caches
};

static mut CACHE: [[kmem_cache; KMALLOC_SHIFT_HIGH as usize + 1]; KINDS] = CACHES;

/// All buckets; where there is none, as at index 0, there is null.
pub static mut kmalloc_caches: [kmem_buckets; KINDS] = {
    let mut all = [[null_mut(); KMALLOC_SHIFT_HIGH as usize + 1]; KINDS];
    let mut kind = 0;

    while kind < KINDS {
        let mut index = 1;

        while index < all[kind].len() {
            // SAFETY: Nothing is read or written, and the place lies in the array.
            all[kind][index] = unsafe { addr_of_mut!(CACHE[kind][index]) };
            index += 1;
        }
        kind += 1;
    }
    all
};

/// Returns what C's inline of that name does (`include/linux/slab.h`), step for step.
fn kmalloc_index(size: usize) -> usize {
    match size {
        0 => 0,
        1..=8 => 3,
        9..=16 => 4,
        17..=32 => 5,
        33..=64 => 6,
        65..=96 => 1,
        97..=128 => 7,
        129..=192 => 2,
        193..=256 => 8,
        257..=512 => 9,
        513..=1024 => 10,
        1025..=2048 => 11,
        2049..=4096 => 12,
        4097..=8192 => 13,
        _ => bug("kmalloc_index() of more than any bucket has", None),
    }
}

/// Allocates a block from a bucket, which must be the one that C picks for the size and the flags.
///
/// # Safety
///
/// `cache` must be one of [`kmalloc_caches`]; null ends the program.
pub unsafe extern "C" fn __kmalloc_cache_noprof(
    cache: *mut kmem_cache,
    flags: gfp_t,
    size: usize,
) -> *mut c_void {
    // SAFETY: By the requirements of this function; nobody writes to it.
    let Some(cache) = (unsafe { cache.as_ref() }) else {
        bug("a request to a bucket that is not there", None);
    };
    let kind = match flags & __GFP_ACCOUNT {
        0 => kmalloc_cache_type_KMALLOC_NORMAL,
        _ => kmalloc_cache_type_KMALLOC_CGROUP,
    };

    if (cache.kind, cache.index) != (kind, kmalloc_index(size)) {
        bug("a request to a bucket that C would not pick", None);
    }
    slab::kmalloc(size, flags, NUMA_NO_NODE).cast()
}

/// Allocates a block that is larger than any bucket, from any node.
///
/// # Safety
///
/// As [`kfree`].
pub unsafe extern "C" fn __kmalloc_large_noprof(size: usize, flags: gfp_t) -> *mut c_void {
    if size <= KMALLOC_MAX_CACHE_SIZE as usize {
        bug(
            "a request for whole pages that a bucket should have served",
            None,
        );
    }
    slab::kmalloc(size, flags, NUMA_NO_NODE).cast()
}

/// Allocates a block, from any node.
///
/// # Safety
///
/// As [`kfree`].
pub unsafe extern "C" fn __kmalloc_noprof(size: usize, flags: gfp_t) -> *mut c_void {
    slab::kmalloc(size, flags, NUMA_NO_NODE).cast()
}

/// Frees a block; nothing is done for null and what stands for no block.
///
/// # Safety
///
/// None, other than in C: what is no live block ends the program.
pub unsafe extern "C" fn kfree(block: *const c_void) {
    slab::kfree(block.cast());
}

/// Returns how many bytes were granted for a block, 0 for none.
///
/// # Safety
///
/// As [`kfree`].
pub unsafe extern "C" fn ksize(block: *const c_void) -> usize {
    slab::ksize(block.cast())
}

/// Makes a block `size` bytes large, or a new one if it is null, as Linux 6.12 does.
///
/// # Safety
///
/// As [`kfree`].
#[cfg(slab_api = "krealloc")]
pub unsafe extern "C" fn krealloc(block: *const c_void, size: usize, flags: gfp_t) -> *mut c_void {
    slab::krealloc(block.cast(), size, 1, flags, NUMA_NO_NODE).cast()
}

/// The same without the macro that counts allocations.
#[cfg(slab_api = "krealloc")]
pub use self::krealloc as krealloc_noprof;

/// Makes a block `size` bytes large, or a new one if it is null, as Linux 7.3 does.
///
/// # Safety
///
/// As [`kfree`].
#[cfg(slab_api = "krealloc_node_align")]
pub unsafe extern "C" fn krealloc_node_align(
    block: *const c_void,
    size: usize,
    align: usize,
    flags: gfp_t,
    node: i32,
) -> *mut c_void {
    slab::krealloc(block.cast(), size, align, flags, node).cast()
}

/// The same without the macro that counts allocations.
#[cfg(slab_api = "krealloc_node_align")]
pub use self::krealloc_node_align as krealloc_node_align_noprof;

/// Returns a random number.
///
/// # Safety
///
/// None.
pub unsafe extern "C" fn get_random_u64() -> u64 {
    context::random()
}
