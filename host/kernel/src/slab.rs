// SPDX-License-Identifier: GPL-2.0

//! A model of the slab: kmalloc's promises to the letter, and the worst of everything else.
//!
//! What is promised (`include/linux/slab.h`, `kmalloc()`): a block is aligned to the largest power
//! of two that divides its size, and at least to `ARCH_KMALLOC_MINALIGN`. Here it is never aligned
//! to more. Fresh memory is dirty. Nobody may write past the bytes that were asked for, though more
//! were granted, nor for a while to what was freed. Who breaks a rule ends the program, with a line
//! that says which.

mod cache;
mod object;
mod table;

use core::{
    cmp::min,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};

pub(crate) use self::cache::*;
pub use self::table::Live;
use self::{
    object::Object,
    table::table, //
};
use crate::{
    constants::{
        gfp_t,
        KMALLOC_MAX_SIZE,
        NUMA_NO_NODE,
        ONLINE,
        __GFP_BITS_MASK,
        __GFP_DIRECT_RECLAIM,
        __GFP_DMA32,
        __GFP_HIGHMEM,
        __GFP_NOWARN,
        __GFP_ZERO, //
    },
    context::{
        self,
        bug, //
    },
};

/// What a request for no bytes gets. It stands for no block, as null does.
const ZERO_SIZE_PTR: *mut u8 = 16 as *mut u8;

/// Returns the block at `ptr`, if it does not stand for none.
fn block(ptr: *const u8) -> Option<NonNull<u8>> {
    NonNull::new(ptr.cast_mut()).filter(|ptr| ptr.as_ptr() != ZERO_SIZE_PTR)
}

/// Ends the program if a request is one that the slab warns of, or comes to grief over.
fn check_request(flags: gfp_t, node: i32) {
    if flags & (__GFP_DMA32 | __GFP_HIGHMEM | !__GFP_BITS_MASK) != 0 {
        bug("flags that the slab can't honour", None);
    }
    if flags & __GFP_DIRECT_RECLAIM != 0 && context::is_atomic() {
        bug("a request that may sleep, where nothing may", None);
    }
    if node != NUMA_NO_NODE && (node < 0 || ONLINE.checked_shr(node as u32).unwrap_or(0) & 1 == 0) {
        bug("a request for a NUMA node that is not online", None);
    }
}

/// Allocates a block; null if there is no memory.
pub(crate) fn kmalloc(size: usize, flags: gfp_t, node: i32) -> *mut u8 {
    check_request(flags, node);
    if size == 0 {
        return ZERO_SIZE_PTR;
    }
    if size > KMALLOC_MAX_SIZE as usize {
        if flags & __GFP_NOWARN == 0 {
            context::warn("a request for more than KMALLOC_MAX_SIZE");
        }
        return null_mut();
    }
    if context::must_fail() {
        return null_mut();
    }
    match Object::new(size, node.max(0), flags & __GFP_ZERO != 0) {
        None => null_mut(),
        Some(object) => {
            let start = object.start();

            table().insert(object);
            start.as_ptr()
        }
    }
}

/// Gives a block another size. It stays where it is if it is large enough and has the alignment
/// (`__do_krealloc()` in `mm/slub.c` of Linux 7.3); before 6.18 there was no `align`, which 1 is.
///
/// What it grows by is zero only if all calls for the block had `__GFP_ZERO`: anything else is more
/// than `krealloc()` promises.
pub(crate) fn krealloc(
    ptr: *const u8,
    size: usize,
    align: usize,
    flags: gfp_t,
    node: i32,
) -> *mut u8 {
    check_request(flags, node);
    let Some(start) = block(ptr) else {
        return kmalloc(size, flags, node);
    };
    if size == 0 {
        kfree(ptr);
        return ZERO_SIZE_PTR;
    }

    let zero = flags & __GFP_ZERO != 0;
    let mut table = table();
    let Some(object) = table.find(start) else {
        bug("what is no live block was reallocated", None);
    };
    object.check();
    if size <= object.granted() && ptr as usize % align == 0 {
        table.resize(start, size, zero);
        return ptr.cast_mut();
    }
    let (old_size, zero) = (object.size(), zero && object.is_zeroed());
    drop(table);

    let new = kmalloc(size, flags, node);
    if let Some(new) = NonNull::new(new) {
        // SAFETY: Both are live, as the caller answers for, and have that many bytes.
        unsafe {
            new.as_ptr()
                .copy_from_nonoverlapping(ptr, min(old_size, size))
        };
        if let Some(object) = crate::slab::table().find(new) {
            object.grown_from(old_size, zero);
        }
        kfree(ptr);
    }
    new
}

/// Frees a block.
pub(crate) fn kfree(ptr: *const u8) {
    if let Some(start) = block(ptr) {
        table().free(start, 0);
    }
}

/// Returns how many bytes were granted for a block.
pub(crate) fn ksize(ptr: *const u8) -> usize {
    block(ptr).map_or(0, |start| match table().find(start) {
        Some(object) => object.granted(),
        None => bug("ksize() of what is no live block", None),
    })
}

/// Returns the NUMA node of a block, which must not be one of no size.
pub(crate) fn node_of(ptr: *const u8) -> i32 {
    match block(ptr).and_then(|start| Some(table().find(start)?.node())) {
        Some(node) => node,
        None => bug("the node of what is no live block", None),
    }
}

/// Returns what is live.
pub(crate) fn live() -> Live {
    table().live()
}

/// Looks at every block that is live or was freed of late.
pub(crate) fn check() {
    table().check();
}
