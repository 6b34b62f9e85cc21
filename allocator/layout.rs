// SPDX-License-Identifier: GPL-2.0

//! The arithmetic between a [`Layout`] and what the slab is asked for.

use core::{
    alloc::Layout,
    cmp::max,
    ptr::NonNull, //
};

/// Returns the number of bytes to ask the slab for, so that the block has the alignment of
/// `layout`, where every block has the alignment `min`.
///
/// Above `min` that is the size padded to a multiple of the alignment: the slab aligns a block to
/// the largest power of two that divides its size (`include/linux/slab.h`, `kmalloc()`). Rounding
/// up to a power of two, as was needed before that guarantee, would cost more memory and give
/// nothing.
#[inline(always)]
pub(super) fn slab_size(layout: Layout, min: usize) -> usize {
    if layout.align() <= min {
        return layout.size();
    }
    // Can't overflow: a `Layout` keeps its size, rounded up to its alignment, within `isize::MAX`.
    layout.pad_to_align().size()
}

/// Returns `layout` with another size; `None` if there is no such layout, or if it has more than
/// `max` bytes, which is at most half of `isize::MAX`.
///
/// `Layout::from_size_align()` does the same by a call, which is not inlined.
#[inline(always)]
pub(super) fn resized(layout: Layout, size: usize, max: usize) -> Option<Layout> {
    if size > max {
        return None;
    }
    if layout.align() > max {
        return Layout::from_size_align(size, layout.align()).ok();
    }
    // SAFETY: The alignment is that of a layout. Size and alignment are both at most `max`, so the
    // one rounded up to the other is less than twice that, which is no more than `isize::MAX`.
    Some(unsafe { Layout::from_size_align_unchecked(size, layout.align()) })
}

/// Returns whether `ptr` is a multiple of `align`, a power of two.
#[inline(always)]
pub(super) fn is_aligned(ptr: NonNull<u8>, align: usize) -> bool {
    ptr.as_ptr() as usize & (align - 1) == 0
}

/// Returns the pointer that stands for a block of size zero: not null, aligned to `layout.align()`
/// and `min_align`, both powers of two, never dereferenced.
#[inline]
pub(super) fn dangling(layout: Layout, min_align: usize) -> NonNull<u8> {
    // SAFETY: An alignment is a power of two, and so not zero.
    unsafe { NonNull::new_unchecked(max(layout.align(), min_align) as *mut u8) }
}
