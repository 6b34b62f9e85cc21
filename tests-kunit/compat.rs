// SPDX-License-Identifier: GPL-2.0

//! Any kernel [`Allocator`](kernel::alloc::Allocator), called in one form on every kernel.
//!
//! The only file of the suites and of the bench that differs by kernel: before Linux 6.18 the trait
//! has neither NUMA nodes nor `MIN_ALIGN` (`../allocator/slab_api.mk`).

pub(crate) use self::api::{
    alloc,
    min_align,
    node,
    realloc, //
};

/// Since Linux 6.18.
#[cfg(slab_api = "krealloc_node_align")]
mod api {
    use core::{
        alloc::Layout,
        ptr::NonNull, //
    };

    use kernel::{
        alloc::{
            AllocError,
            Allocator,
            Flags, //
        },
        error::Error, //
    };

    use crate::allocator::NumaNode;

    /// Calls `A::alloc`.
    #[inline]
    pub(crate) fn alloc<A: Allocator>(
        layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        A::alloc(layout, flags, nid)
    }

    /// Calls `A::realloc`.
    ///
    /// # Safety
    ///
    /// As for `A::realloc`.
    #[inline]
    pub(crate) unsafe fn realloc<A: Allocator>(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: The requirements are the same as of this function.
        unsafe { A::realloc(ptr, layout, old_layout, flags, nid) }
    }

    /// Returns the alignment in bytes that `A` promises for every block.
    pub(crate) fn min_align<A: Allocator>() -> usize {
        A::MIN_ALIGN
    }

    /// Returns the NUMA node `id`.
    pub(crate) fn node(id: i32) -> Result<NumaNode, Error> {
        NumaNode::new(id)
    }
}

/// Linux 6.12 to 6.17.
#[cfg(slab_api = "krealloc")]
mod api {
    use core::{
        alloc::Layout,
        ptr::NonNull, //
    };

    use kernel::{
        alloc::{
            AllocError,
            Allocator,
            Flags, //
        },
        error::{
            code::ENOTSUPP,
            Error, //
        },
    };

    use crate::allocator::NumaNode;

    /// Calls `A::alloc`.
    #[inline]
    pub(crate) fn alloc<A: Allocator>(
        layout: Layout,
        flags: Flags,
        _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        A::alloc(layout, flags)
    }

    /// Calls `A::realloc`.
    ///
    /// # Safety
    ///
    /// As for `A::realloc`.
    #[inline]
    pub(crate) unsafe fn realloc<A: Allocator>(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: The requirements are the same as of this function.
        unsafe { A::realloc(ptr, layout, old_layout, flags) }
    }

    /// Returns the alignment in bytes that `A` promises for every block: none.
    #[allow(
        clippy::extra_unused_type_parameters,
        reason = "the same form on every kernel"
    )]
    pub(crate) fn min_align<A: Allocator>() -> usize {
        1
    }

    /// Fails with `ENOTSUPP`: no allocator takes a NUMA node.
    pub(crate) fn node(_id: i32) -> Result<NumaNode, Error> {
        Err(ENOTSUPP)
    }
}
