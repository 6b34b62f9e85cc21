// SPDX-License-Identifier: GPL-2.0

//! Allocations that fail: each one of which a request is made, in turn, where the kernel fails them
//! when asked; and on every small machine for want of memory.

use core::{
    alloc::Layout,
    cmp::min,
    mem::swap, //
};

use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    probe::{
        self,
        LargeBlocks, //
    },
    property::{
        ensure,
        layout,
        Outcome,
        Stop, //
    },
    subject::Subject, //
};

/// Checks that a request for a fresh block of a layout is refused for a failure, and for no other
/// reason.
fn check_fresh(subject: Subject, new: Layout) -> Outcome {
    let ended = probe::until_none_fails(|nth| {
        let flags = GFP_KERNEL | __GFP_NOWARN;
        let (block, failed) = probe::with_failure(nth, || Block::new(subject, new, flags));

        ensure!(
            block.is_ok() || failed,
            "a request was refused though no allocation failed",
            new
        );
        if let Ok(block) = block {
            block.fill(1);
            ensure!(
                block.is_aligned() && block.matches(1, new.size()),
                "a block is not right though the request was granted",
                new
            );
        }
        Ok::<_, Stop>(failed)
    })?;

    ensure!(ended, "there is no end of a request's allocations", new);
    Ok(())
}

/// The largest block of the slab, in bytes.
const LARGEST: usize = bindings::KMALLOC_MAX_SIZE as usize;

/// How often those large blocks are taken as well that have come back, before it is said that there
/// is no end of them.
const TRIES: usize = 100;

/// How many blocks are looked at for the place of one that was freed by mistake.
const OTHERS: u64 = 64;

/// Checks that a block is what it was after a reallocation for which there is no memory. Returns
/// whether there was none.
fn check_without_memory(subject: Subject, old: Layout, new: Layout) -> Result<bool, Stop> {
    // Neither sleeps, nor wakes kswapd, which would go on to make room.
    let flags = __GFP_NOWARN;
    let mut taken = LargeBlocks::none();

    for _ in 0..TRIES {
        // Others each time: one that has grown and is shrunk again may keep its place. Of two, one
        // at least lacks a large alignment, and would have to move.
        let mut block = Block::new(subject, old, GFP_KERNEL)?;
        let mut other = Block::new(subject, old, GFP_KERNEL)?;
        if block.is_aligned_to(new.align()) {
            swap(&mut block, &mut other);
        }
        let before = block.address();

        block.fill(OTHERS);
        if !taken.take_all() {
            return Ok(false);
        }
        // There may be one that was freed meanwhile.
        if Block::new(subject, new, flags).is_ok() || block.resize(new, flags).is_ok() {
            continue;
        }
        drop(taken);

        // One of these would be given the place if it had been freed.
        let mut others = KVec::new();
        for n in 0..OTHERS {
            let other = Block::new(subject, old, GFP_KERNEL)?;

            other.fill(n);
            others.push(other, GFP_KERNEL)?;
        }
        ensure!(
            block.address() == before && block.matches(OTHERS, old.size()),
            "a block was changed when an allocation for it failed",
            old => new
        );
        return Ok(true);
    }
    Ok(false)
}

/// Checks what becomes of blocks for which there is no memory. Returns whether that could be tried:
/// for an allocator that may be asked for the largest block of the slab, and may not wait for it.
fn check_all_without_memory(subject: Subject, limits: &Limits) -> Result<bool, Stop> {
    if limits.max != LARGEST || !limits.atomic || limits.only.is_some() {
        return Ok(false);
    }
    for (old, new) in [
        ((200, 8), (LARGEST, 8)),
        ((3 * PAGE_SIZE, 8), (LARGEST, 8)),
        ((96, 8), (8, LARGEST)),
        ((5000, 64), (5000, LARGEST)),
    ] {
        let (old, new) = (layout(old.0, old.1)?, layout(new.0, new.1)?);

        if limits.fit(new) && !check_without_memory(subject, old, new)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// "When the return value is `Err(AllocError)`, then `ptr` is still valid", and a request is
/// refused only if there is no memory.
pub(crate) fn failed_allocations_are_survived(subject: Subject, limits: &Limits) -> Outcome {
    if !probe::can_fail() {
        return match check_all_without_memory(subject, limits)? {
            true => Ok(()),
            false => Err(Stop::NotApplicable(
                c"no allocation can be made to fail here",
            )),
        };
    }
    if let Some(only) = limits.only {
        // In place no allocation can fail.
        return check_fresh(subject, only);
    }
    let flags = GFP_KERNEL | __GFP_NOWARN;

    for (from, to) in [
        ((8, 8), (24, 16)),
        ((24, 8), (200, 64)),
        ((200, 8), (5000, 8)),
        ((5000, 64), (3 * PAGE_SIZE, 256)),
        ((3 * PAGE_SIZE, 8), (5 * PAGE_SIZE, 8)),
        ((3 * PAGE_SIZE, 8), (100, 8)),
    ] {
        let (old, new) = (layout(from.0, from.1)?, layout(to.0, to.1)?);

        if !limits.fit(old) || !limits.fit(new) {
            continue;
        }
        check_fresh(subject, old)?;
        let ended = probe::until_none_fails(|nth| {
            let mut block = Block::new(subject, old, flags)?;

            block.fill(2);
            let (resized, failed) = probe::with_failure(nth, || block.resize(new, flags));
            ensure!(
                resized.is_ok() || failed,
                "a request was refused though no allocation failed",
                old => new
            );
            ensure!(
                block.is_aligned() && block.matches(2, min(old.size(), block.size())),
                "a block was changed when an allocation for it failed",
                old => new
            );
            Ok::<_, Stop>(failed)
        })?;
        ensure!(ended, "there is no end of a request's allocations", old => new);
    }
    Ok(())
}
