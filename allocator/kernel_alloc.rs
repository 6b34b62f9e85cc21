// SPDX-License-Identifier: GPL-2.0

//! [`KernelAllocator`] as a [`kernel::alloc::Allocator`].

use core::{
    alloc::Layout,
    ptr::NonNull, //
};

use kernel::alloc::{
    AllocError,
    Flags, //
};

use super::{
    block,
    slab::{
        self,
        NodeAllocator,
        NumaNode, //
    },
    KernelAllocator, //
};

// SAFETY:
// - A block stays valid until it is freed: nothing but `free` and a `realloc` that succeeds gives
//   it back to the slab.
// - All three functions go through `block`, so a block from one is valid for the others.
// - The guarantees of the functions are those of `block`; blocks are aligned to `MIN_ALIGN` because
//   the slab aligns every block to `ARCH_KMALLOC_MINALIGN` (`include/linux/slab.h`).
unsafe impl NodeAllocator for KernelAllocator {
    const MIN_ALIGN: usize = slab::MIN_ALIGN;

    // Where the flags are constants, as they mostly are, nothing is left of turning them into bits.
    #[inline(always)]
    fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError> {
        let ptr = block::allocate(layout, flags.try_into()?, nid.try_into()?)?;

        Ok(NonNull::slice_from_raw_parts(ptr, layout.size()))
    }

    #[inline(always)]
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let Some(ptr) = ptr else {
            return <Self as NodeAllocator>::alloc(layout, flags, nid);
        };
        let (gfp, node) = (flags.try_into()?, nid.try_into()?);

        // SAFETY: `ptr` is a live block with `old_layout` by the safety requirements of this
        // function.
        let ptr = unsafe { block::reallocate(ptr, old_layout, layout, gfp, node) }?;

        Ok(NonNull::slice_from_raw_parts(ptr, layout.size()))
    }

    #[inline]
    unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: `ptr` is a live block with `layout` by the safety requirements of this function.
        unsafe { block::free(ptr, layout) };
    }
}

slab::kernel_allocator!(KernelAllocator);
