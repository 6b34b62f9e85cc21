// SPDX-License-Identifier: GPL-2.0

//! C as bindgen sees it: constants, KUnit's types, and the slab's functions.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "the names are C's"
)]

use core::ffi::{
    c_ulong,
    c_void, //
};

pub use crate::{
    constants::*,
    kunit::*, //
};
use crate::{
    context,
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

/// Returns a random number.
///
/// # Safety
///
/// None.
pub unsafe extern "C" fn get_random_u64() -> u64 {
    context::random()
}
