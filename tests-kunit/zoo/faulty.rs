// SPDX-License-Identifier: GPL-2.0

//! Allocators that each break one promise.
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
    sync::atomic::Ordering, //
};

use kernel::{
    alloc::{
        flags::__GFP_ZERO,
        AllocError,
        Flags, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

use super::parts::{
    alloc_off,
    alloc_pool,
    free_unless_pool,
    is_pool,
    lose,
    pool,
    sound,
    spoil,
    Memory,
    BROKEN,
    COUNT,
    INSIDE,
    LATEST,
    OFF, //
};
use crate::{
    allocator::{
        kernel_allocator,
        KernelAllocator,
        NodeAllocator,
        NumaNode,
        KMALLOC_MAX_SIZE, //
    },
    conformance::probe, //
};

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
            pub(super) struct $name;

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
            unsafe { sound::free(NonNull::new_unchecked(ptr.as_ptr().sub(OFF)), layout) }
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
            unsafe { sound::free(NonNull::new_unchecked(ptr.as_ptr().sub(1)), layout) }
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
            unsafe { sound::free(NonNull::new_unchecked(ptr.as_ptr().sub(off)), layout) }
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
            unsafe { block.cast::<u8>().as_ptr().write_bytes(0xa5, layout.size()) };
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
                unsafe { block.cast::<u8>().as_ptr().add(new.size() - 1).write(1) };
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
                unsafe { block.cast::<u8>().as_ptr().write_bytes(0, new.size()) };
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
            let granted = if layout.size() > 1 << (usize::BITS - 4) {
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
                unsafe { ptr.as_ptr().write_bytes(0x6b, old.size()) };
            }
            block
        }
    }

    /// A block that there is no memory to move is spoilt.
    SpoilsWhatItCannotMove {
        realloc(ptr, old, new, flags, nid) {
            // SAFETY: By the requirements of this function.
            let block = unsafe { sound::realloc(ptr, old, new, flags, nid) };
            if block.is_err() && old.size() != 0 && new.size() <= KMALLOC_MAX_SIZE {
                // SAFETY: The block is live and has at least that byte.
                unsafe { spoil(NonNull::slice_from_raw_parts(ptr, 1), 0) };
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
                for _ in 0..1 << 22 {
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

    /// Freed blocks are held back, up to an eighth of all memory: that is no fault.
    HoldsBack {
        free(ptr, layout) {
            let held = COUNT.fetch_add(layout.size(), Ordering::Relaxed);
            if layout.size() < 8 || held / PAGE_SIZE >= probe::total_pages() / 8 {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::free(ptr, layout) };
            }
            // SAFETY: The block is live and nobody uses it any more.
            unsafe { lose(ptr, layout) }
        }
    }

    /// A block that is shrunk is moved to one of its size: that is no fault.
    GivesBack {
        realloc(ptr, old, new, flags, nid) {
            if new.size() == 0 || new.size() >= old.size() {
                // SAFETY: By the requirements of this function.
                return unsafe { sound::realloc(ptr, old, new, flags, nid) };
            }
            // SAFETY: By the requirements of this function.
            unsafe { sound::move_with(sound::alloc, sound::free, (ptr, old, new), flags, nid) }
        }
    }

    /// A block that is shrunk stays as it is, though the limits say that it gives memory back.
    KeepsWhatItShrinks {}

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
                // As much as a block that the property asks for, so that it counts.
                let made = sound::alloc(Layout::new::<[u8; 2 * PAGE_SIZE]>(), flags, nid)?.cast();
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
                unsafe { pool.cast::<u8>().as_ptr().write_bytes(0, layout.size()) };
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
