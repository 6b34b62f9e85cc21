// SPDX-License-Identifier: GPL-2.0

//! What a block goes through, for both traits: allocate, reallocate, free.

use core::{
    alloc::Layout,
    cmp::min,
    ptr::NonNull, //
};

use kernel::alloc::AllocError;

use super::{
    bucket::Bucket,
    layout,
    slab::{
        self,
        Gfp,
        Node, //
    }, //
};

/// Returns a new block for `new`; a dangling pointer if it is of size zero.
///
/// # Errors
///
/// [`AllocError`] if the padded size exceeds `KMALLOC_MAX_SIZE` or there is no memory.
#[inline(always)]
pub(super) fn allocate(new: Layout, gfp: Gfp, node: Node) -> Result<NonNull<u8>, AllocError> {
    let size = layout::slab_size(new, slab::MIN_ALIGN);

    if !slab::PICKS {
        return allocate_unpicked(new, size, gfp, node);
    }
    match Bucket::of(size) {
        Some(bucket) if node.is_none() => slab::kmalloc_bucket(bucket, size, gfp),
        None if node.is_none() && size.wrapping_sub(1) < slab::KMALLOC_MAX_SIZE => {
            slab::kmalloc_large(size, gfp)
        }
        _ => allocate_otherwise(new, size, gfp, node),
    }
}

/// Returns a new block for `new` as [`allocate`] does, for one of no bytes or on a NUMA node; and
/// refuses one that is too large.
///
/// Not inline: it would be in the way of the others.
///
/// # Errors
///
/// As [`allocate`].
#[cold]
#[inline(never)]
fn allocate_otherwise(
    new: Layout,
    size: usize,
    gfp: Gfp,
    node: Node,
) -> Result<NonNull<u8>, AllocError> {
    allocate_unpicked(new, size, gfp, node)
}

/// Returns a new block for `new` as [`allocate`] does, and leaves it to the slab to pick the
/// bucket. `size` is that of `new` as the slab is to be asked for it.
///
/// # Errors
///
/// As [`allocate`].
#[inline]
fn allocate_unpicked(
    new: Layout,
    size: usize,
    gfp: Gfp,
    node: Node,
) -> Result<NonNull<u8>, AllocError> {
    match size {
        0 => Ok(layout::dangling(new, slab::MIN_ALIGN)),
        1..=slab::KMALLOC_MAX_SIZE => slab::kmalloc(size, new.align(), gfp, node),
        _ => Err(AllocError),
    }
}

/// Makes the block at `ptr` one for `new`, in place or by moving it, and keeps its first
/// `min(old.size(), new.size())` bytes.
///
/// # Errors
///
/// As [`allocate`]; the block is unchanged and still valid then.
///
/// # Safety
///
/// `ptr` must be a live block with the layout `old`; anything if `old` is of size zero. On success
/// it must not be used any more.
#[inline(always)]
pub(super) unsafe fn reallocate(
    ptr: NonNull<u8>,
    old: Layout,
    new: Layout,
    gfp: Gfp,
    node: Node,
) -> Result<NonNull<u8>, AllocError> {
    if old.size() == 0 {
        return allocate(new, gfp, node);
    }

    let size = layout::slab_size(new, slab::MIN_ALIGN);
    let grows = new.size() > old.size();

    // One comparison for both ends.
    if size.wrapping_sub(1) >= slab::KMALLOC_MAX_SIZE {
        if size != 0 {
            return Err(AllocError);
        }
        // SAFETY: The caller hands over a live block with this layout.
        unsafe { free(ptr, old) };
        return Ok(layout::dangling(new, slab::MIN_ALIGN));
    }

    // No kernel's `krealloc()` can be trusted with a block that lacks the new alignment: up to 6.17
    // it has no alignment argument and may keep such a block in place, and the one of 6.18.15
    // copies all of the old block into a new one that may be smaller. A block that has the
    // alignment can stay, and where it is moved the padded size gives the new one its alignment.
    if new.align() > slab::MIN_ALIGN && !layout::is_aligned(ptr, new.align()) {
        // SAFETY: The caller hands over a live block with this layout, not of size zero.
        return unsafe { relocate(ptr, size, new.align(), gfp, node, old.size()) };
    }

    // One that is to be no larger stays without a call: that is what `krealloc()` would do on every
    // kernel, and the flags and the node have no say in it. What the old size was padded with does
    // not count: a block that was shrunk to a larger alignment may not have that much.
    if !slab::WATCHED && !grows {
        return Ok(ptr);
    }

    // SAFETY: The caller hands over a live block. It is not of size zero, so it is the slab's.
    let block = unsafe { slab::krealloc(Some(ptr), size, new.align(), gfp, node) }?;

    if gfp.zeroes() && grows {
        // The slab zeroes only what it knows to have been unused, which is less than this if an
        // earlier call shrank the block or did not ask for zeroes.
        //
        // SAFETY: The block is live and has `new.size()` bytes.
        unsafe {
            block
                .as_ptr()
                .add(old.size())
                .write_bytes(0, new.size() - old.size())
        };
    }

    Ok(block)
}

/// Moves the block at `ptr`, of `old` bytes, to a new one of `new` bytes, as [`reallocate`] does.
///
/// Not inline: it is the rare case, and would be in the way of the others. The arguments are no
/// more than there are registers for: one on the stack would cost each call around this one.
///
/// # Errors
///
/// As [`reallocate`].
///
/// # Safety
///
/// `ptr` must be a live block that was allocated or reallocated with `old` bytes. Neither size may
/// be zero, and `new` must be at most `KMALLOC_MAX_SIZE` and a multiple of `align`. On success the
/// block must not be used any more.
#[cold]
#[inline(never)]
unsafe fn relocate(
    ptr: NonNull<u8>,
    new: usize,
    align: usize,
    gfp: Gfp,
    node: Node,
    old: usize,
) -> Result<NonNull<u8>, AllocError> {
    let block = slab::kmalloc(new, align, gfp, node)?;

    // SAFETY: Both blocks are live, have at least that many bytes and, as two live blocks, do not
    // overlap.
    unsafe {
        block
            .as_ptr()
            .copy_from_nonoverlapping(ptr.as_ptr(), min(old, new))
    };

    // SAFETY: The block is live and not of size zero, so it is the slab's.
    unsafe { slab::kfree(ptr) };
    Ok(block)
}

/// Frees the block at `ptr`; nothing is done if `old` is of size zero.
///
/// # Safety
///
/// `ptr` must be a live block with the layout `old`, and must not be used any more; anything if
/// `old` is of size zero.
#[inline]
pub(super) unsafe fn free(ptr: NonNull<u8>, old: Layout) {
    if old.size() != 0 {
        // SAFETY: The block is live by the safety requirements of this function. It is not of size
        // zero, so it is the slab's.
        unsafe { slab::kfree(ptr) };
    }
}
