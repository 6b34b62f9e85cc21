// SPDX-License-Identifier: GPL-2.0

//! "`Flags` are honored": `__GFP_ZERO`.

use core::alloc::Layout;

use kernel::{
    alloc::flags::__GFP_ZERO,
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
    subject::Subject, //
};

/// Leaves dirty blocks behind for a later allocation of the same size to find.
fn leave_dirt(subject: Subject, layout: Layout, limits: &Limits) -> Outcome {
    for block in several(subject, layout, GFP_KERNEL, limits)?.iter() {
        block.fill(1);
    }
    Ok(())
}

/// Checks that fresh blocks of a layout, which must be within the limits, are zeroed.
fn check_fresh(subject: Subject, new: Layout, limits: &Limits) -> Outcome {
    leave_dirt(subject, new, limits)?;
    for block in several(subject, new, GFP_KERNEL | __GFP_ZERO, limits)?.iter() {
        ensure!(
            block.is_zero(0..new.size()),
            "a fresh block is not zeroed",
            new
        );
        block.fill(1);
    }
    Ok(())
}

/// A fresh block reads as zero, also where it was used before.
pub(crate) fn fresh_blocks_are_zeroed(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        return check_fresh(subject, only, limits);
    }
    for (size, align) in [
        (1, 1),
        (8, 8),
        (24, 64),
        (96, 32),
        (PAGE_SIZE, 64),
        (3 * PAGE_SIZE, 4096),
    ] {
        let new = layout(size, align)?;

        if limits.fit(new) {
            check_fresh(subject, new, limits)?;
        }
    }
    Ok(())
}

/// Checks that what a block grows by is zeroed, after it was shrunk from `large` to `old`.
fn check_growth(
    subject: Subject,
    large: Layout,
    old: Layout,
    new: Layout,
    limits: &Limits,
) -> Outcome {
    leave_dirt(subject, limits.only_or(new), limits)?;
    for _ in 0..limits.live {
        let mut block = Block::new(subject, large, GFP_KERNEL)?;

        block.fill(3);
        block.resize(old, GFP_KERNEL)?;
        block.resize(new, GFP_KERNEL | __GFP_ZERO)?;
        ensure!(
            block.is_zero(old.size()..new.size()),
            "what a block has grown by is not zeroed",
            old => new
        );
    }
    Ok(())
}

/// What a reallocation grows by reads as zero, though the calls before did not ask for that: what
/// lay there before a block was shrunk must be gone.
pub(crate) fn growth_is_zeroed(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        for small in [1, only.size().div_ceil(2), only.size()] {
            check_growth(subject, only, layout(small, 1)?, only, limits)?;
        }
        return Ok(());
    }
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

        if limits.fit(new) {
            check_growth(subject, layout(large, 8)?, old, new, limits)?;
        }
    }
    Ok(())
}

/// It is about what is new; the old bytes stay.
pub(crate) fn zeroing_keeps_contents(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        let old = layout(only.size().div_ceil(2), 1)?;
        let mut block = Block::new(subject, only, GFP_KERNEL)?;

        block.resize(old, GFP_KERNEL)?;
        block.fill(5);
        block.resize(only, GFP_KERNEL | __GFP_ZERO)?;
        ensure!(
            block.matches(5, old.size()),
            "a block that was reallocated with __GFP_ZERO lost its contents",
            old => only
        );
        return Ok(());
    }
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
            let mut block = Block::new(subject, old, GFP_KERNEL)?;

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
