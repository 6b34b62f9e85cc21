// SPDX-License-Identifier: GPL-2.0

//! "`Flags` are honored": `__GFP_ZERO`.

use kernel::{
    alloc::{
        flags::__GFP_ZERO,
        Allocator, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    property::{
        ensure,
        layout,
        several,
        Outcome, //
    },
};

/// Leaves dirty blocks behind for a later allocation of the same size to find.
fn leave_dirt<A: Allocator>(size: usize, align: usize, limits: &Limits) -> Outcome {
    for block in several::<A>(layout(size, align)?, GFP_KERNEL, limits)?.iter() {
        block.fill(1);
    }
    Ok(())
}

/// A fresh block reads as zero, also where it was used before.
pub(crate) fn fresh_blocks_are_zeroed<A: Allocator>(limits: &Limits) -> Outcome {
    for (size, align) in [
        (1, 1),
        (8, 8),
        (24, 64),
        (96, 32),
        (PAGE_SIZE, 64),
        (3 * PAGE_SIZE, 4096),
    ] {
        let new = layout(size, align)?;

        if !limits.fit(new) {
            continue;
        }
        leave_dirt::<A>(size, align, limits)?;
        for block in several::<A>(new, GFP_KERNEL | __GFP_ZERO, limits)?.iter() {
            ensure!(block.is_zero(0..size), "a fresh block is not zeroed", new);
            block.fill(1);
        }
    }
    Ok(())
}

/// What a reallocation grows by reads as zero, though the calls before did not ask for that: what
/// lay there before a block was shrunk must be gone.
pub(crate) fn growth_is_zeroed<A: Allocator>(limits: &Limits) -> Outcome {
    for (small, large, align) in [
        (40, 64, 8),
        (1, 8, 1),
        (100, 128, 32),
        (8, 72, 8),
        (40, 400, 64),
        (PAGE_SIZE, 3 * PAGE_SIZE, 8),
        (3 * PAGE_SIZE, 4 * PAGE_SIZE, 8),
    ] {
        let (old, new) = (layout(small, 8)?, layout(large, align)?);

        if !limits.fit(new) {
            continue;
        }
        leave_dirt::<A>(large, align, limits)?;
        for _ in 0..limits.live {
            let mut block = Block::<A>::new(layout(large, 8)?, GFP_KERNEL)?;

            block.fill(3);
            block.resize(old, GFP_KERNEL)?;
            block.resize(new, GFP_KERNEL | __GFP_ZERO)?;
            ensure!(
                block.is_zero(small..large),
                "what a block has grown by is not zeroed",
                old => new
            );
        }
    }
    Ok(())
}

/// It is about what is new; the old bytes stay.
pub(crate) fn zeroing_keeps_contents<A: Allocator>(limits: &Limits) -> Outcome {
    for (from, to) in [
        (96, 8),
        (96, 97),
        (40, 64),
        (96, 2000),
        (PAGE_SIZE, 2 * PAGE_SIZE),
    ] {
        let (old, new) = (layout(from, 8)?, layout(to, 8)?);

        if !limits.fit(old) || !limits.fit(new) {
            continue;
        }
        for _ in 0..limits.live {
            let mut block = Block::<A>::new(old, GFP_KERNEL)?;

            block.fill(5);
            block.resize(new, GFP_KERNEL | __GFP_ZERO)?;
            ensure!(
                block.matches(5, from.min(to)),
                "a block that was reallocated with __GFP_ZERO lost its contents",
                old => new
            );
        }
    }
    Ok(())
}
