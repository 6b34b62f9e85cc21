// SPDX-License-Identifier: GPL-2.0

//! Allocators that each break one promise, and the property that must notice.
//!
//! All of their memory is [`KernelAllocator`]'s. What they do wrong stays within blocks of the
//! suite's own, so it can be looked at and nobody else is hurt.

use core::{
    alloc::Layout,
    cmp::min,
    hint::spin_loop,
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
        flags::__GFP_ZERO,
        AllocError,
        Flags, //
    },
    prelude::*, //
};

use crate::{
    allocator::{
        kernel_allocator,
        KernelAllocator,
        NodeAllocator,
        NumaNode, //
    },
    conformance::{
        alignment,
        calls,
        contents,
        edges,
        memory,
        zeroing,
        Limits,
        Property,
        Stop as Found, //
    },
    probe,
    suite::{
        Outcome,
        Stop, //
    },
};

type Memory = Result<NonNull<[u8]>, AllocError>;

/// The sound functions that the faulty ones are made of.
mod sound {
    use super::*;

    pub(super) fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
        <KernelAllocator as NodeAllocator>::alloc(layout, flags, nid)
    }

    /// # Safety
    ///
    /// As for `NodeAllocator::realloc`.
    pub(super) unsafe fn realloc(
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
    pub(super) unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: The requirements are the same as of this function.
        unsafe { <KernelAllocator as NodeAllocator>::free(ptr, layout) };
    }

    /// Reallocates by moving, with these functions.
    ///
    /// # Safety
    ///
    /// As for `NodeAllocator::realloc`; `alloc` and `free` must belong together.
    pub(super) unsafe fn move_with(
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

/// Declares faulty allocators: what they do instead of the sound thing.
macro_rules! faulty {
    ($(
        $(#[$doc:meta])+
        $name:ident {
            $(alloc($layout:ident, $flags:ident, $nid:ident) $alloc:block)?
            $(realloc($ptr:ident, $old:ident, $new:ident, $rflags:ident, $rnid:ident)
                $realloc:block)?
            $(free($fptr:ident, $flayout:ident) $free:block)?
        }
    )+) => {
        $(
            $(#[$doc])+
            struct $name;

            impl $name {
                fn get(layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
                    $(
                        let ($layout, $flags, $nid) = (layout, flags, nid);
                        return $alloc;
                    )?
                    #[allow(unreachable_code)]
                    sound::alloc(layout, flags, nid)
                }

                /// # Safety
                ///
                /// As for `NodeAllocator::free`.
                unsafe fn put(ptr: NonNull<u8>, layout: Layout) {
                    $(
                        let ($fptr, $flayout) = (ptr, layout);
                        return $free;
                    )?
                    #[allow(unreachable_code)]
                    // SAFETY: By the requirements of this function.
                    unsafe {
                        sound::free(ptr, layout)
                    }
                }
            }

            // SAFETY: None for what it is about: it breaks a promise, on purpose. All memory is
            // live and as large as asked for, and is given back in the end.
            unsafe impl NodeAllocator for $name {
                const MIN_ALIGN: usize = <KernelAllocator as NodeAllocator>::MIN_ALIGN;

                fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
                    Self::get(layout, flags, nid)
                }

                unsafe fn realloc(
                    ptr: Option<NonNull<u8>>,
                    layout: Layout,
                    old_layout: Layout,
                    flags: Flags,
                    nid: NumaNode,
                ) -> Memory {
                    let Some(ptr) = ptr else {
                        return Self::get(layout, flags, nid);
                    };
                    $(
                        let ($ptr, $old, $new, $rflags, $rnid) =
                            (ptr, old_layout, layout, flags, nid);
                        return $realloc;
                    )?
                    #[allow(unreachable_code)]
                    // SAFETY: By the requirements of this function.
                    unsafe {
                        sound::realloc(ptr, old_layout, layout, flags, nid)
                    }
                }

                unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
                    // SAFETY: By the requirements of this function.
                    unsafe { Self::put(ptr, layout) };
                }
            }

            kernel_allocator!($name);
        )+
    };
}

/// One block that several owners are given, where an allocator's fault is that.
static POOL: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// The size and alignment of the pool, in bytes.
const POOL_LAYOUT: Layout = match Layout::from_size_align(64 * 1024, 4096) {
    Ok(layout) => layout,
    Err(_) => Layout::new::<()>(),
};

/// Returns the pool as a block, if it is large enough.
fn pool(layout: Layout) -> Option<NonNull<[u8]>> {
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
fn is_pool(ptr: NonNull<u8>) -> bool {
    ptr.as_ptr() == POOL.load(Ordering::Acquire)
}

/// Frees a block that may be the pool, which stays.
///
/// # Safety
///
/// As for `NodeAllocator::free`.
unsafe fn free_unless_pool(ptr: NonNull<u8>, layout: Layout) {
    if !is_pool(ptr) {
        // SAFETY: By the requirements of this function.
        unsafe { sound::free(ptr, layout) };
    }
}

/// The last block that was lost; each has the one before in its first bytes.
static LOST: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Loses a block, where an allocator's fault is that; [`clean_up`] finds it.
///
/// # Safety
///
/// `ptr` must be a live block of at least eight bytes that nobody uses any more.
unsafe fn lose(ptr: NonNull<u8>, _layout: Layout) {
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
fn clean_up() {
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
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// How many CPUs are at the list of [`RacesForFreeBlocks`], and whether two were at once.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
static BROKEN: AtomicBool = AtomicBool::new(false);

/// The block that was allocated last.
static LATEST: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// How far a block is off its place, in bytes.
const OFF: usize = 32;

/// Returns a block that is `off` bytes, at most [`OFF`], from a multiple of `align`.
fn alloc_off(off: usize, align: usize, layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
    let room = Layout::from_size_align(layout.size().saturating_add(OFF), align)
        .map_err(|_| AllocError)?;
    let block = sound::alloc(room, flags, nid)?.cast::<u8>();

    // SAFETY: The block has that much room.
    let block = unsafe { block.add(off) };
    Ok(NonNull::slice_from_raw_parts(block, layout.size()))
}

/// Returns the pool, or a block where that is too small.
fn alloc_pool(layout: Layout, flags: Flags, nid: NumaNode) -> Memory {
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
unsafe fn spoil(ptr: NonNull<[u8]>, offset: usize) {
    let byte = ptr.cast::<u8>().as_ptr().wrapping_add(offset);

    // SAFETY: By the requirements of this function.
    unsafe { byte.write(!byte.read()) };
}

faulty! {
    /// Blocks with an alignment of 64 are half of that off.
    MisalignsAt64 {
        alloc(layout, flags, nid) {
            if layout.align() != 64 || layout.size() == 0 {
                return sound::alloc(layout, flags, nid);
            }
            alloc_off(OFF, layout.align(), layout, flags, nid)
        }
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(Self::get, Self::put, (ptr, old, new), flags, nid) }
        }
        free(ptr, layout) {
            if layout.align() != 64 || layout.size() == 0 {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::free(ptr, layout) };
            }
            // SAFETY: The block begins there; what is freed is not of size zero.
            unsafe { sound::free(ptr.sub(OFF), layout) }
        }
    }

    /// Small blocks lie at odd addresses.
    IgnoresMinAlign {
        alloc(layout, flags, nid) {
            if layout.align() != 1 || layout.size() == 0 {
                return sound::alloc(layout, flags, nid);
            }
            alloc_off(1, layout.align(), layout, flags, nid)
        }
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(Self::get, Self::put, (ptr, old, new), flags, nid) }
        }
        free(ptr, layout) {
            if layout.align() != 1 || layout.size() == 0 {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::free(ptr, layout) };
            }
            // SAFETY: The block begins there; what is freed is not of size zero.
            unsafe { sound::free(ptr.sub(1), layout) }
        }
    }

    /// All blocks are the same memory.
    Overlaps {
        alloc(layout, flags, nid) {
            alloc_pool(layout, flags, nid)
        }
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(Self::get, Self::put, (ptr, old, new), flags, nid) }
        }
        free(ptr, layout) {
            // SAFETY: By the requirements of this function.
            unsafe { free_unless_pool(ptr, layout) }
        }
    }

    /// The last byte is gone when a block has grown.
    LosesLastByteOnGrowth {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) }?;
            if old.size() != 0 && new.size() > old.size() {
                // SAFETY: The block has more than that.
                unsafe { spoil(block, old.size() - 1) };
            }
            Ok(block)
        }
    }

    /// The last byte is gone when a block has shrunk.
    LosesLastByteOnShrinking {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) }?;
            if new.size() != 0 && new.size() < old.size() {
                // SAFETY: It is the block's last byte.
                unsafe { spoil(block, new.size() - 1) };
            }
            Ok(block)
        }
    }

    /// A block stays where it is if it is large enough, whatever its alignment: Linux 6.12.
    IgnoresRaisedAlignment {
        alloc(layout, flags, nid) {
            if layout.align() > 32 || layout.size() == 0 {
                return sound::alloc(layout, flags, nid);
            }
            // Never by luck aligned to more than 32.
            alloc_off(OFF, 64, layout, flags, nid)
        }
        realloc(ptr, old, new, flags, nid) {
            if new.size() != 0 && old.size() >= new.size() {
                return Ok(NonNull::slice_from_raw_parts(ptr, new.size()));
            }
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(Self::get, Self::put, (ptr, old, new), flags, nid) }
        }
        free(ptr, layout) {
            if layout.size() == 0 {
                return;
            }
            let off = ptr.as_ptr() as usize % 64;
            // SAFETY: Blocks begin at a multiple of 64, or else that far off; what is freed is not
            // of size zero.
            unsafe { sound::free(ptr.sub(off), layout) }
        }
    }

    /// The contents are gone when the alignment was lowered.
    LosesContentsWhenAlignmentFalls {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) }?;
            if new.align() < old.align() && min(old.size(), new.size()) != 0 {
                // SAFETY: The block is not of size zero.
                unsafe { spoil(block, 0) };
            }
            Ok(block)
        }
    }

    /// All of the old block is copied into a smaller new one: Linux 6.18.15.
    CopiesTooMuch {
        realloc(ptr, old, new, flags, nid) {
            let aligned = ptr.as_ptr() as usize % new.align() == 0;
            if aligned || old.size() == 0 || new.size() == 0 {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::realloc(ptr, old, new, flags, nid) };
            }
            let block = sound::alloc(new, flags, nid)?;
            // SAFETY: Not if the block is smaller than the old one. It is called so among blocks of
            // the suite only (`conformance/guard.rs`), which are what is written to then.
            unsafe { ptr::copy(ptr.as_ptr(), block.cast().as_ptr(), old.size()) };
            // SAFETY: By the requirements of this function.
            unsafe { sound::free(ptr, old) };
            Ok(block)
        }
    }

    /// Fresh memory is what the last user left.
    IgnoresZero {
        alloc(layout, flags, nid) {
            let block = sound::alloc(layout, flags & !__GFP_ZERO, nid)?;
            // What it may be by luck, it is not.
            // SAFETY: The block has that many bytes.
            unsafe { block.cast::<u8>().write_bytes(0xa5, layout.size()) };
            Ok(block)
        }
    }

    /// What a block has grown by is what lay there.
    IgnoresZeroOnGrowth {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) }?;
            if new.size() > old.size() {
                // SAFETY: It is the block's last byte.
                unsafe { block.cast::<u8>().add(new.size() - 1).write(1) };
            }
            Ok(block)
        }
    }

    /// With `__GFP_ZERO` a reallocation zeroes all.
    ZeroesContents {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) }?;
            if flags.contains(__GFP_ZERO) {
                // SAFETY: The block has that many bytes.
                unsafe { block.cast::<u8>().write_bytes(0, new.size()) };
            }
            Ok(block)
        }
    }

    /// What stands for no block has no alignment.
    MisalignsNothing {
        alloc(layout, flags, nid) {
            if layout.size() == 0 {
                return Ok(NonNull::slice_from_raw_parts(NonNull::<u8>::dangling(), 0));
            }
            sound::alloc(layout, flags, nid)
        }
    }

    /// A request for more than there is gets a page.
    AcceptsTooLarge {
        alloc(layout, flags, nid) {
            let granted = if layout.size() > 1 << 40 {
                Layout::new::<[u8; 4096]>()
            } else {
                layout
            };
            let block = sound::alloc(granted, flags, nid)?.cast::<u8>();
            Ok(NonNull::slice_from_raw_parts(block, layout.size()))
        }
    }

    /// The old block is used for something else though its reallocation failed.
    LosesBlockOnFailure {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) };
            if block.is_err() && old.size() != 0 {
                // SAFETY: The block is live and has that many bytes.
                unsafe { ptr.write_bytes(0x6b, old.size()) };
            }
            block
        }
    }

    /// There is no memory for those who may not sleep.
    RefusesAtomic {
        alloc(layout, flags, nid) {
            if !flags.contains(GFP_KERNEL) {
                return Err(AllocError);
            }
            sound::alloc(layout, flags, nid)
        }
    }

    /// The node is not passed on.
    IgnoresNode {
        alloc(layout, flags, _nid) {
            sound::alloc(layout, flags, NumaNode::NO_NODE)
        }
        realloc(ptr, old, new, flags, _nid) {
            // SAFETY: By the requirements of this function.
            unsafe { sound::realloc(ptr, old, new, flags, NumaNode::NO_NODE) }
        }
    }

    /// A list of free blocks without a lock: when two CPUs have taken a block from it at once, it
    /// is broken, and gives all the same one.
    RacesForFreeBlocks {
        alloc(layout, flags, nid) {
            if INSIDE.fetch_add(1, Ordering::AcqRel) != 0 {
                BROKEN.store(true, Ordering::Release);
            } else if COUNT.fetch_add(1, Ordering::Relaxed) == 0 {
                // The first time long enough for another CPU to get here as well.
                for _ in 0..1 << 24 {
                    if BROKEN.load(Ordering::Acquire) {
                        break;
                    }
                    spin_loop();
                }
            }
            INSIDE.fetch_sub(1, Ordering::AcqRel);
            if BROKEN.load(Ordering::Acquire) {
                alloc_pool(layout, flags, nid)
            } else {
                sound::alloc(layout, flags, nid)
            }
        }
        realloc(ptr, old, new, flags, nid) {
            if is_pool(ptr) && pool(new).is_some() {
                return Ok(NonNull::slice_from_raw_parts(ptr, new.size()));
            }
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(Self::get, Self::put, (ptr, old, new), flags, nid) }
        }
        free(ptr, layout) {
            // SAFETY: By the requirements of this function.
            unsafe { free_unless_pool(ptr, layout) }
        }
    }

    /// Freed blocks are kept.
    LeaksOnFree {
        free(ptr, layout) {
            if layout.size() < 8 {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::free(ptr, layout) };
            }
            // SAFETY: The block is live and nobody uses it any more.
            unsafe { lose(ptr, layout) }
        }
    }

    /// The old block is kept when a smaller one takes its place.
    LeaksOnShrinking {
        realloc(ptr, old, new, flags, nid) {
            if new.size() == 0 || new.size() >= old.size() || old.size() < 8 {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::realloc(ptr, old, new, flags, nid) };
            }
            // SAFETY: By the requirements of this function; `lose` takes what `free` would.
            unsafe { sound::move_with(sound::alloc, lose, (ptr, old, new), flags, nid) }
        }
    }

    /// What was made for a reallocation is kept when that fails.
    LeaksOnFailure {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) };
            if block.is_err() {
                let made = sound::alloc(Layout::new::<[u64; 1024]>(), flags, nid)?.cast();
                // SAFETY: The block was just allocated, and is nobody's.
                unsafe { lose(made, new) };
            }
            block
        }
    }

    /// To free a block other than the last one writes to that.
    FreesInReverseOnly {
        alloc(layout, flags, nid) {
            let block = sound::alloc(layout, flags, nid)?;
            if layout.size() != 0 {
                LATEST.store(block.cast::<u8>().as_ptr(), Ordering::Relaxed);
            }
            Ok(block)
        }
        free(ptr, layout) {
            let latest = LATEST.load(Ordering::Relaxed);
            if ptr.as_ptr() == latest {
                LATEST.store(ptr::null_mut(), Ordering::Relaxed);
            } else if let Some(latest) = NonNull::new(latest) {
                // SAFETY: It is live: it would not be there if it had been freed.
                unsafe { spoil(NonNull::slice_from_raw_parts(latest, 1), 0) };
            }
            // SAFETY: By the requirements of this function.
            unsafe { sound::free(ptr, layout) }
        }
    }

    /// Now and then a block is one that somebody has.
    OverlapsNowAndThen {
        alloc(layout, flags, nid) {
            if COUNT.fetch_add(1, Ordering::Relaxed) % 512 < 500 {
                return sound::alloc(layout, flags, nid);
            }
            let Some(pool) = pool(layout) else {
                return sound::alloc(layout, flags, nid);
            };
            if flags.contains(__GFP_ZERO) {
                // SAFETY: The block has that many bytes.
                unsafe { pool.cast::<u8>().write_bytes(0, layout.size()) };
            }
            Ok(pool)
        }
        realloc(ptr, old, new, flags, nid) {
            if new.size() == 0 {
                // SAFETY: By the requirements of this function.
                unsafe { Self::put(ptr, old) };
                return sound::alloc(new, flags, nid);
            }
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(Self::get, Self::put, (ptr, old, new), flags, nid) }
        }
        free(ptr, layout) {
            // SAFETY: By the requirements of this function.
            unsafe { free_unless_pool(ptr, layout) }
        }
    }

    /// Warns where a block can't have a larger alignment, as Linux 7.3 does for `Vmalloc`.
    Warns {
        realloc(ptr, old, new, flags, nid) {
            if new.align() > 4096 && old.align() < new.align() {
                probe::warn();
                return Err(AllocError);
            }
            // SAFETY: By the requirements of this function.
            unsafe { sound::realloc(ptr, old, new, flags, nid) }
        }
    }
}

/// Holds a faulty allocator to a property, which must not hold for the reason that is given.
fn reject(property: Property, name: &str, why: &str) -> Outcome {
    if cfg!(CONFIG_KASAN) && name.starts_with("neighbours") {
        return Err(Stop::Skipped(c"KASAN would report it first"));
    }
    let outcome = property(&Limits::SLAB);

    clean_up();
    match outcome {
        Err(Found::Violated(violation)) => {
            check!(
                violation.what.ends_with(why),
                "rejected because {}",
                violation.what
            );
            Ok(())
        }
        Err(Found::NotApplicable(reason)) => Err(Stop::Skipped(reason)),
        Err(Found::NoMemory) => Err(AllocError.into()),
        Ok(()) => {
            check!(false, "it was found sound");
            Ok(())
        }
    }
}

/// Registers a case for each faulty allocator, with the property that it violates and how what is
/// said of that must end.
macro_rules! cases {
    ($($case:ident: $name:ident, $module:ident::$property:ident, $why:literal;)+) => {
        $(
            // One property only: all of them would take the compiler a minute.
            fn $case() -> Outcome {
                reject($module::$property::<$name>, stringify!($property), $why)
            }
        )+
    };
}

cases! {
    misaligns_at_64: MisalignsAt64, alignment::fresh_blocks_are_aligned,
        "a fresh block is misaligned";
    ignores_min_align: IgnoresMinAlign, alignment::every_block_has_min_align,
        "a block is not aligned to MIN_ALIGN";
    overlaps: Overlaps, contents::live_blocks_do_not_overlap,
        "a live block was overwritten by another";
    loses_last_byte_on_growth: LosesLastByteOnGrowth, contents::kept_on_growth,
        "a reallocated block lost its contents";
    loses_last_byte_on_shrinking: LosesLastByteOnShrinking, contents::kept_on_shrinking,
        "a reallocated block lost its contents";
    ignores_raised_alignment: IgnoresRaisedAlignment,
        contents::kept_and_aligned_when_alignment_rises,
        "a reallocated block is misaligned";
    loses_contents_when_alignment_falls: LosesContentsWhenAlignmentFalls,
        contents::kept_when_alignment_falls, "a reallocated block lost its contents";
    copies_too_much: CopiesTooMuch, contents::neighbours_survive_shrinking_with_alignment_raised,
        "a neighbour of a reallocated block was overwritten";
    ignores_zero: IgnoresZero, zeroing::fresh_blocks_are_zeroed, "a fresh block is not zeroed";
    ignores_zero_on_growth: IgnoresZeroOnGrowth, zeroing::growth_is_zeroed,
        "what a block has grown by is not zeroed";
    zeroes_contents: ZeroesContents, zeroing::zeroing_keeps_contents,
        "a block that was reallocated with __GFP_ZERO lost its contents";
    misaligns_nothing: MisalignsNothing, edges::zero_sizes,
        "what stands for no block is misaligned";
    accepts_too_large: AcceptsTooLarge, edges::too_large_is_refused,
        "more than there is was not refused";
    loses_block_on_failure: LosesBlockOnFailure, edges::failure_keeps_the_block,
        "a block was lost when its reallocation failed";
    refuses_atomic: RefusesAtomic, calls::usable_in_atomic_context,
        "a request that may not sleep was refused";
    ignores_node: IgnoresNode, calls::block_comes_from_its_node, "is not on its node";
    races_for_free_blocks: RacesForFreeBlocks, calls::many_cpus_at_once,
        "a block was overwritten or misaligned with all CPUs at it";
    leaks_on_free: LeaksOnFree, memory::all_is_given_back, "a freed block was not given back";
    leaks_on_shrinking: LeaksOnShrinking, memory::all_is_given_back,
        "a block that was shrunk was not given back";
    leaks_on_failure: LeaksOnFailure, memory::all_is_given_back,
        "a block whose reallocation failed was not given back";
    frees_in_reverse_only: FreesInReverseOnly, memory::any_order_of_freeing,
        "a live block changed when another was freed";
    overlaps_now_and_then: OverlapsNowAndThen, memory::random_sequence, "in a random run";
    warns: Warns, calls::reallocation_does_not_warn, "the kernel warned of a reallocation";
}

kunit_suite! {
    /// Faulty allocators, each of which the suite must reject for the right reason.
    name: rust_alloc_zoo,
    cases: [
        misaligns_at_64,
        ignores_min_align,
        overlaps,
        loses_last_byte_on_growth,
        loses_last_byte_on_shrinking,
        ignores_raised_alignment,
        loses_contents_when_alignment_falls,
        copies_too_much,
        ignores_zero,
        ignores_zero_on_growth,
        zeroes_contents,
        misaligns_nothing,
        accepts_too_large,
        loses_block_on_failure,
        refuses_atomic,
        ignores_node,
        races_for_free_blocks,
        leaks_on_free,
        leaks_on_shrinking,
        leaks_on_failure,
        frees_in_reverse_only,
        overlaps_now_and_then,
        warns,
    ],
}
