// SPDX-License-Identifier: GPL-2.0

//! C's constants, of `include/linux/`, as bindgen sees them.
//!
//! They have the values of Linux 7.3 on x86_64. That the bits of the flags overlap as they do there
//! matters to `allocator/gfp.rs`.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "the names are C's"
)]

use core::ffi::c_ulong;

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
pub(crate) const __GFP_ACCOUNT: gfp_t = 1 << 22;
pub(crate) const __GFP_BITS_MASK: gfp_t = (1 << 27) - 1;

pub const GFP_ATOMIC: gfp_t = __GFP_HIGH | __GFP_KSWAPD_RECLAIM;
pub const GFP_KERNEL: gfp_t = __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS;
pub const GFP_KERNEL_ACCOUNT: gfp_t = GFP_KERNEL | __GFP_ACCOUNT;
pub const GFP_NOWAIT: gfp_t = __GFP_KSWAPD_RECLAIM | __GFP_NOWARN;

/// Flags of a cache, and their bits (`include/linux/slab.h`).
pub type slab_flags_t = u32;

pub const _slab_flag_bits__SLAB_RED_ZONE: u32 = 1;
pub const _slab_flag_bits__SLAB_POISON: u32 = 2;
pub const _slab_flag_bits__SLAB_HWCACHE_ALIGN: u32 = 4;
pub const _slab_flag_bits__SLAB_NO_MERGE: u32 = 12;
pub const _slab_flag_bits__SLAB_RECLAIM_ACCOUNT: u32 = 14;

/// The largest request, in bytes.
pub const KMALLOC_MAX_SIZE: c_ulong = 4 << 20;

/// The largest request that a bucket serves, the logarithm of that, and the smallest bucket.
pub const KMALLOC_MAX_CACHE_SIZE: u32 = 1 << KMALLOC_SHIFT_HIGH;
pub const KMALLOC_SHIFT_HIGH: u32 = 13;
pub const KMALLOC_MIN_SIZE: u32 = 8;

/// The types of bucket, of a kernel with memory control groups.
pub type kmalloc_cache_type = u32;
pub const kmalloc_cache_type_KMALLOC_NORMAL: kmalloc_cache_type = 0;
pub const kmalloc_cache_type_KMALLOC_CGROUP: kmalloc_cache_type = 2;

/// The least alignment of any slab object, in bytes.
pub const ARCH_SLAB_MINALIGN: usize = 8;

/// The least alignment of a block from kmalloc, in bytes.
pub const ARCH_KMALLOC_MINALIGN: usize = 8;

pub const NUMA_NO_NODE: i32 = -1;
pub const MAX_NUMNODES: u32 = 64;
pub const node_states_N_ONLINE: u32 = 1;

/// The NUMA nodes that are there, a bit for each: two.
pub(crate) const ONLINE: c_ulong = 0b11;
