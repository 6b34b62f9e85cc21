// SPDX-License-Identifier: GPL-2.0

//! Allocators over another one, sound and faulty, as modules have them around the kernel's.

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

use crate::conformance::compat::{
    self,
    NumaNode, //
};

/// What an allocator does differently from the one that it stands on.
pub(crate) trait Way {
    /// Returns what is asked of that one for a layout, which must have the same size.
    fn asked(layout: Layout) -> Result<Layout, AllocError> {
        Ok(layout)
    }

    /// Does something to a block that was just reallocated from `old` to `new`, and was `moved`.
    ///
    /// # Safety
    ///
    /// The block must be live and have the layout `new`.
    unsafe fn reallocated(_block: NonNull<u8>, _old: Layout, _new: Layout, _moved: bool) {}
}

/// The allocator `A`, but for what the way `W` is about.
pub(crate) struct Newtype<A, W = Sound>(PhantomData<(A, W)>);

/// Nothing is different.
pub(crate) struct Sound;

impl Way for Sound {}

/// Nothing is different, but layouts of more than `MAX` bytes are refused.
pub(crate) struct AtMost<const MAX: usize>;

impl<const MAX: usize> Way for AtMost<MAX> {
    fn asked(layout: Layout) -> Result<Layout, AllocError> {
        if layout.align() > MAX || layout.pad_to_align().size() > MAX {
            return Err(AllocError);
        }
        Ok(layout)
    }
}

/// The last byte is gone when a block has grown.
pub(crate) struct LosesLastByte;

impl Way for LosesLastByte {
    unsafe fn reallocated(block: NonNull<u8>, old: Layout, new: Layout, _moved: bool) {
        if new.size() > old.size() && old.size() != 0 {
            let byte = block.as_ptr().wrapping_add(old.size() - 1);

            // SAFETY: The block has more bytes than `old`, by the requirements of this function,
            // and those up to `old` were kept.
            unsafe { byte.write(!byte.read()) };
        }
    }
}

/// A block that is moved to a smaller one for its alignment is copied as a whole, as in Linux
/// 6.18.15.
pub(crate) struct CopiesTooMuch;

impl Way for CopiesTooMuch {
    unsafe fn reallocated(block: NonNull<u8>, old: Layout, new: Layout, moved: bool) {
        if moved && old.size() > new.size() && old.align() < new.align() {
            let end = block.as_ptr().wrapping_add(new.size());

            // SAFETY: They are not the block's bytes. It is called so among blocks of the suite
            // only (`conformance/guard.rs`), which are what is written to then.
            unsafe { end.write_bytes(0x5a, old.size() - new.size()) };
        }
    }
}

/// An alignment of more than eight bytes is not passed on.
pub(crate) struct IgnoresAlignment;

impl Way for IgnoresAlignment {
    fn asked(layout: Layout) -> Result<Layout, AllocError> {
        Layout::from_size_align(layout.size(), layout.align().min(8)).map_err(|_| AllocError)
    }
}

// SAFETY: All memory is `A`'s, which satisfies the trait's requirements, for layouts of the same
// size. What a faulty way does not satisfy is what its test is about.
unsafe impl<A: Allocator, W: Way> Allocator for Newtype<A, W> {
    #[cfg(slab_api = "krealloc_node_align")]
    const MIN_ALIGN: usize = A::MIN_ALIGN;

    fn alloc(
        layout: Layout,
        flags: Flags,
        #[cfg(slab_api = "krealloc_node_align")] nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        #[cfg(slab_api = "krealloc")]
        let nid = NumaNode::NO_NODE;

        compat::alloc::<A>(W::asked(layout)?, flags, nid)
    }

    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        #[cfg(slab_api = "krealloc_node_align")] nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        #[cfg(slab_api = "krealloc")]
        let nid = NumaNode::NO_NODE;
        let (new, old) = (W::asked(layout)?, W::asked(old_layout)?);

        // SAFETY: The block is one of `A` with `old`, which it was asked for with.
        let block = unsafe { compat::realloc::<A>(ptr, new, old, flags, nid) }?;
        if let Some(ptr) = ptr {
            // SAFETY: It was just reallocated to that.
            unsafe { W::reallocated(block.cast(), old, new, block.cast() != ptr) };
        }
        Ok(block)
    }

    unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        // A block that there is was not refused.
        if let Ok(layout) = W::asked(layout) {
            // SAFETY: The block is one of `A` with this layout, which it was asked for with.
            unsafe { A::free(ptr, layout) };
        }
    }
}
