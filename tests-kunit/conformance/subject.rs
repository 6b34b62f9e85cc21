// SPDX-License-Identifier: GPL-2.0

//! An allocator under test, as a value.
//!
//! A property is one function for all allocators: there are dozens of them in a module's suites,
//! and to compile each property for each of them takes the compiler most of a minute. All that is
//! compiled for an allocator is the functions of a table.

use core::{
    alloc::Layout,
    marker::PhantomData,
    ptr::NonNull, //
};

use kernel::alloc::{
    AllocError,
    Allocator,
    Flags, //
};

use super::compat::{
    self,
    NumaNode, //
};

/// A block that was granted, or a refusal.
type Granted = Result<NonNull<[u8]>, AllocError>;

/// The functions of an allocator, in the form of [`compat`].
struct Functions {
    alloc: fn(Layout, Flags, NumaNode) -> Granted,
    realloc: unsafe fn(Option<NonNull<u8>>, Layout, Layout, Flags, NumaNode) -> Granted,
    free: unsafe fn(NonNull<u8>, Layout),
    min_align: usize,
}

/// The functions of `A`.
struct Of<A>(PhantomData<A>);

impl<A: Allocator> Of<A> {
    const FUNCTIONS: &'static Functions = &Functions {
        alloc: compat::alloc::<A>,
        realloc: compat::realloc::<A>,
        free: A::free,
        min_align: compat::min_align::<A>(),
    };
}

/// An allocator under test.
///
/// # Invariants
///
/// All of the functions are those of one implementation of [`Allocator`].
#[derive(Clone, Copy)]
pub(crate) struct Subject(&'static Functions);

impl Subject {
    /// Returns the allocator `A`.
    pub(crate) const fn of<A: Allocator>() -> Self {
        // INVARIANT: They are those of `A`.
        Self(Of::<A>::FUNCTIONS)
    }

    /// Calls its `alloc`, for a block on the NUMA node `nid`.
    ///
    /// # Errors
    ///
    /// As [`Allocator::alloc`].
    pub(crate) fn alloc(self, layout: Layout, flags: Flags, nid: NumaNode) -> Granted {
        (self.0.alloc)(layout, flags, nid)
    }

    /// Calls its `realloc`; a new block comes from the NUMA node `nid`.
    ///
    /// # Errors
    ///
    /// As [`Allocator::realloc`].
    ///
    /// # Safety
    ///
    /// As for [`Allocator::realloc`], of this allocator.
    pub(crate) unsafe fn realloc(
        self,
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Granted {
        // SAFETY: By the type invariants it is the allocator's own function, and its requirements
        // are those of this one.
        unsafe { (self.0.realloc)(ptr, layout, old_layout, flags, nid) }
    }

    /// Calls its `free`.
    ///
    /// # Safety
    ///
    /// As for [`Allocator::free`], of this allocator.
    pub(crate) unsafe fn free(self, ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: By the type invariants it is the allocator's own function, and its requirements
        // are those of this one.
        unsafe { (self.0.free)(ptr, layout) };
    }

    /// Returns the alignment in bytes that it promises for every block.
    pub(crate) fn min_align(self) -> usize {
        self.0.min_align
    }
}
