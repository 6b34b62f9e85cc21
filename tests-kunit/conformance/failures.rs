// SPDX-License-Identifier: GPL-2.0

//! Allocations that fail: each one of which a request is made, in turn.

use core::{
    alloc::Layout,
    cmp::min, //
};

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        Allocator, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    probe,
    property::{
        ensure,
        layout,
        Outcome,
        Stop, //
    },
};

/// Checks that a request for a fresh block of a layout is refused for a failure, and for no other
/// reason.
fn check_fresh<A: Allocator>(new: Layout) -> Outcome {
    let ended = probe::until_none_fails(|nth| {
        let flags = GFP_KERNEL | __GFP_NOWARN;
        let (block, failed) = probe::with_failure(nth, || Block::<A>::new(new, flags));

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

/// "When the return value is `Err(AllocError)`, then `ptr` is still valid", and a request is
/// refused only if there is no memory.
pub(crate) fn failed_allocations_are_survived<A: Allocator>(limits: &Limits) -> Outcome {
    if !probe::can_fail() {
        return Err(Stop::NotApplicable(c"this kernel fails no allocations"));
    }
    if let Some(only) = limits.only {
        // In place no allocation can fail.
        return check_fresh::<A>(only);
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
        check_fresh::<A>(old)?;
        let ended = probe::until_none_fails(|nth| {
            let mut block = Block::<A>::new(old, flags)?;

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
