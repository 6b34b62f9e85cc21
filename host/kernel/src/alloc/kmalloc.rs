// SPDX-License-Identifier: GPL-2.0

//! `Kmalloc`: where the suites keep what is their own.

use core::{
    alloc::Layout,
    ptr::NonNull, //
};
use std::alloc::{
    GlobalAlloc,
    System, //
};

#[cfg(slab_api = "krealloc_node_align")]
use super::NumaNode;
use super::{
    AllocError,
    Allocator,
    Flags, //
};

/// An allocator whose memory is the system's and not the slab's, other than its namesake's: the
/// slab under test has the blocks under test and nothing else.
pub struct Kmalloc;

/// Allocates a block.
fn allocate(layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
    let ptr = match layout.size() {
        0 => layout.align() as *mut u8,
        // SAFETY: The layout is not of size zero.
        _ => unsafe { System.alloc(layout) },
    };

    NonNull::new(ptr)
        .map(|ptr| NonNull::slice_from_raw_parts(ptr, layout.size()))
        .ok_or(AllocError)
}

/// Reallocates a block by moving it.
///
/// # Safety
///
/// As for `Allocator::realloc`.
unsafe fn reallocate(
    ptr: Option<NonNull<u8>>,
    new: Layout,
    old: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    let block = allocate(new)?;

    if let Some(ptr) = ptr {
        // SAFETY: Both are live and have that many bytes.
        unsafe {
            ptr.as_ptr()
                .copy_to_nonoverlapping(block.cast().as_ptr(), old.size().min(new.size()));
        }
        // SAFETY: By the requirements of this function.
        unsafe { Kmalloc::free(ptr, old) };
    }
    Ok(block)
}

// SAFETY: The system's allocator keeps what the trait asks for, and a block that is moved is copied
// before the old one is freed.
unsafe impl Allocator for Kmalloc {
    #[cfg(slab_api = "krealloc_node_align")]
    const MIN_ALIGN: usize = 1;

    fn alloc(
        layout: Layout,
        _flags: Flags,
        #[cfg(slab_api = "krealloc_node_align")] _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        allocate(layout)
    }

    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        _flags: Flags,
        #[cfg(slab_api = "krealloc_node_align")] _nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: The requirements are the same as of this function.
        unsafe { reallocate(ptr, layout, old_layout) }
    }

    unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: The block is live with this layout by the requirements of this function.
            unsafe { System.dealloc(ptr.as_ptr(), layout) };
        }
    }
}
