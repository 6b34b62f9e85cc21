// SPDX-License-Identifier: GPL-2.0

//! The trait, in its two forms, and one form of its calls for [`Box`](super::Box) and
//! [`Vec`](super::Vec).

use core::{
    alloc::Layout,
    ptr::NonNull, //
};

#[cfg(slab_api = "krealloc_node_align")]
use super::NumaNode;
use super::{
    AllocError,
    Flags, //
};

/// An allocator, as since Linux 6.18.
///
/// # Safety
///
/// As for the kernel's own (`rust/kernel/alloc.rs`).
#[cfg(slab_api = "krealloc_node_align")]
pub unsafe trait Allocator {
    /// The least alignment of a block, in bytes.
    const MIN_ALIGN: usize;

    /// Allocates a block.
    fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError>;

    /// Reallocates a block, or allocates one if there is none.
    ///
    /// # Safety
    ///
    /// `ptr` must be a live block of this allocator with `old_layout`, if that is not of size zero.
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `ptr` must be a live block of this allocator with `layout`, if that is not of size zero.
    unsafe fn free(ptr: NonNull<u8>, layout: Layout);
}

/// An allocator, as before Linux 6.18.
///
/// # Safety
///
/// As for the kernel's own (`rust/kernel/alloc.rs`).
#[cfg(slab_api = "krealloc")]
pub unsafe trait Allocator {
    /// Allocates a block.
    fn alloc(layout: Layout, flags: Flags) -> Result<NonNull<[u8]>, AllocError>;

    /// Reallocates a block, or allocates one if there is none.
    ///
    /// # Safety
    ///
    /// `ptr` must be a live block of this allocator with `old_layout`, if that is not of size zero.
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `ptr` must be a live block of this allocator with `layout`, if that is not of size zero.
    unsafe fn free(ptr: NonNull<u8>, layout: Layout);
}

/// Calls `A::alloc`.
pub(super) fn alloc<A: Allocator>(
    layout: Layout,
    flags: Flags,
) -> Result<NonNull<[u8]>, AllocError> {
    A::alloc(
        layout,
        flags,
        #[cfg(slab_api = "krealloc_node_align")]
        NumaNode::NO_NODE,
    )
}

/// Calls `A::realloc`.
///
/// # Safety
///
/// As for `A::realloc`.
pub(super) unsafe fn realloc<A: Allocator>(
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old_layout: Layout,
    flags: Flags,
) -> Result<NonNull<[u8]>, AllocError> {
    // SAFETY: The requirements are the same as of this function.
    unsafe {
        A::realloc(
            ptr,
            layout,
            old_layout,
            flags,
            #[cfg(slab_api = "krealloc_node_align")]
            NumaNode::NO_NODE,
        )
    }
}
