// SPDX-License-Identifier: GPL-2.0

//! C as bindgen sees it: constants of `include/linux/`, and the slab's functions.
//!
//! Constants have the values of Linux 7.3 on x86_64. That the bits of the flags overlap as they do
//! there matters to `allocator/gfp.rs`.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "the names are C's"
)]

use core::ffi::{
    c_long,
    c_ulong,
    c_void, //
};

use crate::{
    context,
    page::PAGE_SIZE,
    slab, //
};

/// Flags of an allocation (`include/linux/gfp_types.h`).
pub type gfp_t = u32;

pub const __GFP_HIGHMEM: gfp_t = 1 << 1;
pub(crate) const __GFP_DMA32: gfp_t = 1 << 2;
const __GFP_HIGH: gfp_t = 1 << 5;
const __GFP_IO: gfp_t = 1 << 6;
const __GFP_FS: gfp_t = 1 << 7;
pub const __GFP_ZERO: gfp_t = 1 << 8;
pub(crate) const __GFP_DIRECT_RECLAIM: gfp_t = 1 << 10;
const __GFP_KSWAPD_RECLAIM: gfp_t = 1 << 11;
pub const __GFP_NOWARN: gfp_t = 1 << 13;
const __GFP_ACCOUNT: gfp_t = 1 << 22;
pub(crate) const __GFP_BITS_MASK: gfp_t = (1 << 27) - 1;

pub const GFP_ATOMIC: gfp_t = __GFP_HIGH | __GFP_KSWAPD_RECLAIM;
pub const GFP_KERNEL: gfp_t = __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS;
pub const GFP_KERNEL_ACCOUNT: gfp_t = GFP_KERNEL | __GFP_ACCOUNT;
pub const GFP_NOWAIT: gfp_t = __GFP_KSWAPD_RECLAIM | __GFP_NOWARN;

/// The largest request, in bytes.
pub const KMALLOC_MAX_SIZE: c_ulong = 4 << 20;

/// The least alignment of any slab object, in bytes.
pub const ARCH_SLAB_MINALIGN: usize = 8;

/// The least alignment of a block from kmalloc, in bytes.
pub const ARCH_KMALLOC_MINALIGN: usize = 8;

pub const NUMA_NO_NODE: i32 = -1;
pub const MAX_NUMNODES: u32 = 64;
pub const node_states_N_ONLINE: u32 = 1;

/// A bit for each NUMA node.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct nodemask_t {
    pub bits: [c_ulong; 1],
}

/// The NUMA nodes that are there, a bit for each: two.
pub(crate) const ONLINE: c_ulong = 0b11;

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

/// Returns how much memory is available, in pages: a made-up total without what is live.
///
/// # Safety
///
/// None.
pub unsafe extern "C" fn si_mem_available() -> c_long {
    const TOTAL: usize = 1 << 40;

    ((TOTAL - slab::live().granted) / PAGE_SIZE) as c_long
}

/// Returns a random number.
///
/// # Safety
///
/// None.
pub unsafe extern "C" fn get_random_u64() -> u64 {
    context::random()
}
