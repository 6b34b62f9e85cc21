// SPDX-License-Identifier: GPL-2.0

//! Any kernel [`Allocator`], called in one form on every kernel.
//!
//! The only file of the suites that differs by kernel: before Linux 6.18 the trait has neither NUMA
//! nodes nor `MIN_ALIGN` (`../allocator/slab_api.mk`).

use core::{
    alloc::Layout,
    ptr::NonNull, //
};

use kernel::alloc::{
    AllocError,
    Allocator,
    Flags, //
};

use crate::{
    allocator::NumaNode,
    suite::Stop, //
};

/// Calls `A::alloc`.
pub(crate) fn alloc<A: Allocator>(
    layout: Layout,
    flags: Flags,
    nid: NumaNode,
) -> Result<NonNull<[u8]>, AllocError> {
    #[cfg(slab_api = "krealloc_node_align")]
    return A::alloc(layout, flags, nid);

    #[cfg(slab_api = "krealloc")]
    return (A::alloc(layout, flags), nid).0;
}

/// Calls `A::realloc`.
///
/// # Safety
///
/// As for `A::realloc`.
pub(crate) unsafe fn realloc<A: Allocator>(
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old_layout: Layout,
    flags: Flags,
    nid: NumaNode,
) -> Result<NonNull<[u8]>, AllocError> {
    // SAFETY: The requirements are the same as of this function.
    #[cfg(slab_api = "krealloc_node_align")]
    return unsafe { A::realloc(ptr, layout, old_layout, flags, nid) };

    // SAFETY: The requirements are the same as of this function.
    #[cfg(slab_api = "krealloc")]
    return unsafe { (A::realloc(ptr, layout, old_layout, flags), nid).0 };
}

/// Returns the alignment in bytes that `A` promises for every block.
pub(crate) fn min_align<A: Allocator>() -> usize {
    #[cfg(slab_api = "krealloc_node_align")]
    return A::MIN_ALIGN;

    #[cfg(slab_api = "krealloc")]
    return 1;
}

/// Returns the NUMA node `id`; skips the case where allocators take none.
pub(crate) fn node(id: i32) -> Result<NumaNode, Stop> {
    #[cfg(slab_api = "krealloc_node_align")]
    return NumaNode::new(id).map_err(|_| Stop::Failed);

    #[cfg(slab_api = "krealloc")]
    return Err((
        Stop::Skipped(c"before Linux 6.18 an Allocator takes no NUMA node"),
        id,
    )
        .0);
}
