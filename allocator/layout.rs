// SPDX-License-Identifier: GPL-2.0

//! The arithmetic between a [`Layout`] and what the slab is asked for.

use core::{
    alloc::Layout,
    ptr::NonNull, //
};

use kernel::alloc::AllocError;

/// Returns the number of bytes to ask the slab for, so that the block has the alignment of
/// `layout`.
///
/// That is the size padded to a multiple of the alignment: the slab aligns a block to the largest
/// power of two that divides its size (`include/linux/slab.h`, `kmalloc()`). Rounding up to a power
/// of two, as was needed before that guarantee, would cost more memory and give nothing.
///
/// # Errors
///
/// [`AllocError`] if the padded size exceeds `max` bytes.
#[inline]
pub(super) fn slab_size(layout: Layout, max: usize) -> Result<usize, AllocError> {
    // Can't overflow: a `Layout` keeps its size, rounded up to its alignment, within `isize::MAX`.
    let size = layout.pad_to_align().size();

    if size > max {
        return Err(AllocError);
    }
    Ok(size)
}

/// Returns whether `ptr` is a multiple of `align`, a power of two.
#[inline]
pub(super) fn is_aligned(ptr: NonNull<u8>, align: usize) -> bool {
    ptr.as_ptr() as usize & (align - 1) == 0
}

/// Returns the pointer that stands for a block of size zero: not null, aligned, never dereferenced.
#[inline]
pub(super) fn dangling(layout: Layout) -> NonNull<u8> {
    // SAFETY: An alignment is a power of two, and so not zero.
    unsafe { NonNull::new_unchecked(layout.align() as *mut u8) }
}
