// SPDX-License-Identifier: GPL-2.0

//! [`KernelAllocator`] as a [`core::alloc::GlobalAlloc`].
//!
//! The trait has no place for flags and nodes: all requests are `GFP_KERNEL`, so the caller must be
//! able to sleep, and come from any node. Other than the trait asks for, a layout of size zero is
//! fine here.

use core::{
    alloc::{
        GlobalAlloc,
        Layout, //
    },
    ptr::{
        self,
        NonNull, //
    },
};

use super::{
    block,
    layout,
    slab::{
        Gfp,
        Node,
        KMALLOC_MAX_SIZE, //
    },
    KernelAllocator, //
};

// SAFETY: The functions never unwind and give what the layouts ask for, by the contracts of
// `block`.
unsafe impl GlobalAlloc for KernelAllocator {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        block::allocate(layout, Gfp::KERNEL, Node::NONE).map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        block::allocate(layout, Gfp::KERNEL_ZERO, Node::NONE)
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` is a live block with `layout` by the trait's contract, and so not null.
        unsafe { block::free(NonNull::new_unchecked(ptr), layout) };
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(new) = layout::resized(layout, new_size, KMALLOC_MAX_SIZE) else {
            return ptr::null_mut();
        };

        // SAFETY: `ptr` is a live block with `layout` by the trait's contract, and so not null.
        unsafe {
            block::reallocate(
                NonNull::new_unchecked(ptr),
                layout,
                new,
                Gfp::KERNEL,
                Node::NONE,
            )
        }
        .map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}
