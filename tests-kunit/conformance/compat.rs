// SPDX-License-Identifier: GPL-2.0

//! Any kernel [`Allocator`](kernel::alloc::Allocator), called in one form on every kernel.
//!
//! The only file here that differs by kernel: before Linux 6.18 the trait has neither NUMA nodes
//! nor `MIN_ALIGN` (`conformance.mk`).

pub(crate) use self::api::{
    alloc,
    min_align,
    node,
    realloc,
    NumaNode, //
};

#[cfg(not(any(slab_api = "krealloc", slab_api = "krealloc_node_align")))]
compile_error!(
    "the cfg `slab_api` is not set; have your Kbuild include conformance/conformance.mk, as \
     conformance/README.md says"
);

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

    pub(crate) use kernel::alloc::NumaNode;

    /// Calls `A::alloc`, for a block on the NUMA node `nid`.
    ///
    /// # Errors
    ///
    /// As `A::alloc`.
    #[inline]
    pub(crate) fn alloc<A: Allocator>(
        layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        A::alloc(layout, flags, nid)
    }

    /// Calls `A::realloc`; a new block comes from the NUMA node `nid`.
    ///
    /// # Errors
    ///
    /// As `A::realloc`.
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
    pub(crate) const fn min_align<A: Allocator>() -> usize {
        A::MIN_ALIGN
    }

    /// Returns the NUMA node `id`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there can't be such a node.
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

    /// What stands for the kernel crate's `NumaNode`.
    #[derive(Clone, Copy, PartialEq)]
    pub(crate) struct NumaNode(());

    impl NumaNode {
        /// No node in particular.
        pub(crate) const NO_NODE: Self = Self(());
    }

    /// Calls `A::alloc`.
    ///
    /// # Errors
    ///
    /// As `A::alloc`.
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
    /// # Errors
    ///
    /// As `A::realloc`.
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
    pub(crate) const fn min_align<A: Allocator>() -> usize {
        1
    }

    /// Would return the NUMA node of that number.
    ///
    /// # Errors
    ///
    /// `ENOTSUPP`, always: no allocator takes a NUMA node.
    pub(crate) fn node(_id: i32) -> Result<NumaNode, Error> {
        Err(ENOTSUPP)
    }
}
