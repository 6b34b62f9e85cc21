// SPDX-License-Identifier: GPL-2.0

//! What faulty allocators are made of: the sound functions, and memory that is kept back so that
//! nobody is hurt, until [`clean_up`].

use core::{
    alloc::Layout,
    cmp::min,
    ptr::{
        self,
        NonNull, //
    },
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        AtomicUsize,
        Ordering, //
    },
};

use kernel::{
    alloc::{
        AllocError,
        Flags, //
    },
    prelude::*, //
};

use crate::allocator::{
    KernelAllocator,
    NodeAllocator,
    NumaNode, //
};

pub(super) type Memory = Result<NonNull<[u8]>, AllocError>;

/// The sound functions that the faulty ones are made of.
pub(super) mod sound {
    use super::*;

    pub(in crate::zoo) fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
        <KernelAllocator as NodeAllocator>::alloc(layout, flags, nid)
    }

    /// # Safety
    ///
    /// As for `NodeAllocator::realloc`.
    pub(in crate::zoo) unsafe fn realloc(
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Memory {
        // SAFETY: The requirements are the same as of this function.
        unsafe { <KernelAllocator as NodeAllocator>::realloc(Some(ptr), new, old, flags, nid) }
    }

    /// # Safety
    ///
    /// As for `NodeAllocator::free`.
    pub(in crate::zoo) unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: The requirements are the same as of this function.
        unsafe { <KernelAllocator as NodeAllocator>::free(ptr, layout) };
    }

    /// Reallocates by moving, with these functions.
    ///
    /// # Safety
    ///
    /// As for `NodeAllocator::realloc`; `alloc` and `free` must belong together.
    pub(in crate::zoo) unsafe fn move_with(
        alloc: fn(Layout, Flags, NumaNode) -> Memory,
        free: unsafe fn(NonNull<u8>, Layout),
        (ptr, old, new): (NonNull<u8>, Layout, Layout),
        flags: Flags,
        nid: NumaNode,
    ) -> Memory {
        let block = alloc(new, flags, nid)?;

        // SAFETY: Both have that many bytes and are two blocks, or one that is copied to itself.
        unsafe {
            ptr::copy(
                ptr.as_ptr(),
                block.cast().as_ptr(),
                min(old.size(), new.size()),
            );
        }
        // SAFETY: By the requirements of this function.
        unsafe { free(ptr, old) };
        Ok(block)
    }
}

/// One block that several owners are given, where an allocator's fault is that.
pub(super) static POOL: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// The size and alignment of the pool, in bytes.
pub(super) const POOL_LAYOUT: Layout = match Layout::from_size_align(64 * 1024, 4096) {
    Ok(layout) => layout,
    Err(_) => Layout::new::<()>(),
};

/// Returns the pool as a block, if it is large enough.
pub(super) fn pool(layout: Layout) -> Option<NonNull<[u8]>> {
    if layout.size() == 0
        || layout.size() > POOL_LAYOUT.size()
        || layout.align() > POOL_LAYOUT.align()
    {
        return None;
    }
    let mut pool = POOL.load(Ordering::Acquire);
    if pool.is_null() {
        let made = sound::alloc(POOL_LAYOUT, GFP_ATOMIC, NumaNode::NO_NODE).ok()?;
        let made = made.cast::<u8>();
        let null = ptr::null_mut();
        pool = match POOL.compare_exchange(null, made.as_ptr(), Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => made.as_ptr(),
            Err(other) => {
                // SAFETY: The block was just allocated, and is nobody's.
                unsafe { sound::free(made, POOL_LAYOUT) };
                other
            }
        };
    }
    Some(NonNull::slice_from_raw_parts(
        NonNull::new(pool)?,
        layout.size(),
    ))
}

/// Returns whether a block is the pool.
pub(super) fn is_pool(ptr: NonNull<u8>) -> bool {
    ptr.as_ptr() == POOL.load(Ordering::Acquire)
}

/// Frees a block that may be the pool, which stays.
///
/// # Safety
///
/// As for `NodeAllocator::free`.
pub(super) unsafe fn free_unless_pool(ptr: NonNull<u8>, layout: Layout) {
    if !is_pool(ptr) {
        // SAFETY: By the requirements of this function.
        unsafe { sound::free(ptr, layout) };
    }
}

/// The last block that was lost; each has the one before in its first bytes.
pub(super) static LOST: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Loses a block, where an allocator's fault is that; [`clean_up`] finds it.
///
/// # Safety
///
/// `ptr` must be a live block of at least eight bytes that nobody uses any more.
pub(super) unsafe fn lose(ptr: NonNull<u8>, _layout: Layout) {
    let mut last = LOST.load(Ordering::Relaxed);

    loop {
        // SAFETY: By the requirements of this function.
        unsafe { ptr.as_ptr().cast::<*mut u8>().write_unaligned(last) };
        match LOST.compare_exchange(last, ptr.as_ptr(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => last = now,
        }
    }
}

/// Gives back what the faulty allocators have kept.
pub(super) fn clean_up() {
    let word = Layout::new::<*mut u8>();
    let mut lost = LOST.swap(ptr::null_mut(), Ordering::Acquire);

    while let Some(block) = NonNull::new(lost) {
        // SAFETY: It was lost by `lose`, which wrote there.
        lost = unsafe { block.as_ptr().cast::<*mut u8>().read_unaligned() };
        // SAFETY: It is a live block that nobody uses; all that counts of the layout is that it is
        // not of size zero.
        unsafe { sound::free(block, word) };
    }
    if let Some(pool) = NonNull::new(POOL.swap(ptr::null_mut(), Ordering::AcqRel)) {
        // SAFETY: The property has ended, and its blocks with it.
        unsafe { sound::free(pool, POOL_LAYOUT) };
    }
    COUNT.store(0, Ordering::Relaxed);
    BROKEN.store(false, Ordering::Relaxed);
    LATEST.store(ptr::null_mut(), Ordering::Relaxed);
}

/// How often something was done, for faults that show now and then.
pub(super) static COUNT: AtomicUsize = AtomicUsize::new(0);

/// How many CPUs are at the list of [`RacesForFreeBlocks`](super::faulty::RacesForFreeBlocks), and
/// whether two were at once.
pub(super) static INSIDE: AtomicUsize = AtomicUsize::new(0);
pub(super) static BROKEN: AtomicBool = AtomicBool::new(false);

/// The block that was allocated last.
pub(super) static LATEST: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// How far a block is off its place, in bytes.
pub(super) const OFF: usize = 32;

/// Returns a block that is `off` bytes, at most [`OFF`], from a multiple of `align`.
pub(super) fn alloc_off(
    off: usize,
    align: usize,
    layout: Layout,
    flags: Flags,
    nid: NumaNode,
) -> Memory {
    let room = Layout::from_size_align(layout.size().saturating_add(OFF), align)
        .map_err(|_| AllocError)?;
    let block = sound::alloc(room, flags, nid)?.cast::<u8>();

    // SAFETY: The block has that much room.
    let block = unsafe { NonNull::new_unchecked(block.as_ptr().add(off)) };
    Ok(NonNull::slice_from_raw_parts(block, layout.size()))
}

/// Returns the pool, or a block where that is too small.
pub(super) fn alloc_pool(layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
    match pool(layout) {
        Some(pool) => Ok(pool),
        None => sound::alloc(layout, flags, nid),
    }
}

/// Writes to the byte at `offset` what was not there.
///
/// # Safety
///
/// `ptr` must be a live block with that byte.
pub(super) unsafe fn spoil(ptr: NonNull<[u8]>, offset: usize) {
    let byte = ptr.cast::<u8>().as_ptr().wrapping_add(offset);

    // SAFETY: By the requirements of this function.
    unsafe { byte.write(!byte.read()) };
}
