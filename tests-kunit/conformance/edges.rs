// SPDX-License-Identifier: GPL-2.0

//! The ends of the range: nothing, more than there is, and failure.

use core::alloc::Layout;

use kernel::{
    alloc::flags::__GFP_NOWARN,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    property::{
        ensure,
        layout,
        powers_of_two,
        Outcome, //
    },
    subject::Subject, //
};

/// "If the requested size is zero, `realloc` behaves equivalent to `free`", "if `old_layout` is
/// zero-sized `p` does not need to be a pointer returned by this `Allocator`", and what is returned
/// is "aligned to `layout.align()`" all the same.
pub(crate) fn zero_sizes(subject: Subject, limits: &Limits) -> Outcome {
    for align in powers_of_two(limits.align() / 2) {
        let (old, new) = (layout(0, align)?, layout(0, 2 * align)?);
        let mut block = Block::new(subject, old, GFP_KERNEL)?;

        ensure!(
            block.is_aligned_to(align),
            "what stands for no block is misaligned",
            old
        );
        // In turn: from nothing to nothing, to something, and back.
        block.resize(new, GFP_KERNEL)?;
        ensure!(
            block.is_aligned_to(new.align()),
            "what stands for no block is misaligned",
            old => new
        );
        let some = limits.only_or(layout(100, align)?);
        if align <= PAGE_SIZE / 2 && limits.fit(some) {
            block.resize(some, GFP_KERNEL)?;
            ensure!(
                block.is_aligned_to(some.align()),
                "a block that was nothing before is misaligned",
                new => some
            );
            block.fill(1);
            ensure!(
                block.matches(1, some.size()),
                "a block that was nothing before does not keep what is written",
                new => some
            );
            block.resize(old, GFP_KERNEL)?;
            ensure!(
                block.is_aligned_to(align),
                "what stands for no block is misaligned",
                some => old
            );
        }
    }
    Ok(())
}

/// "[...] returns a buffer represented as `NonNull<[u8]>` that satisfies the layout constraints":
/// or an error, where no machine has that much.
pub(crate) fn too_large_is_refused(subject: Subject, _: &Limits) -> Outcome {
    for (size, align) in [
        (isize::MAX as usize, 1),
        (isize::MAX as usize - (PAGE_SIZE - 1), PAGE_SIZE),
        (1 << (usize::BITS - 3), 64),
    ] {
        let new = layout(size, align)?;

        ensure!(
            Block::new(subject, new, GFP_KERNEL | __GFP_NOWARN).is_err(),
            "more than there is was not refused",
            new
        );
    }
    Ok(())
}

/// Checks that a block of a layout, which must be within the limits, survives a failure.
fn check_failure(subject: Subject, old: Layout, limits: &Limits) -> Outcome {
    let new = layout(isize::MAX as usize - (PAGE_SIZE - 1), PAGE_SIZE)?;

    for n in 0..limits.live {
        let mut block = Block::new(subject, old, GFP_KERNEL)?;
        let before = block.address();

        block.fill(n as u64);
        ensure!(
            block.resize(new, GFP_KERNEL | __GFP_NOWARN).is_err(),
            "more than there is was not refused",
            old => new
        );
        // Another block would be given the place if it had been freed.
        let other = Block::new(subject, old, GFP_KERNEL)?;
        other.fill(!0);
        ensure!(
            block.address() == before && block.matches(n as u64, old.size()),
            "a block was lost when its reallocation failed",
            old => new
        );
    }
    Ok(())
}

/// "When the return value is `Err(AllocError)`, then `ptr` is still valid."
pub(crate) fn failure_keeps_the_block(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        return check_failure(subject, only, limits);
    }
    for size in [1, 8, 96, PAGE_SIZE, 3 * PAGE_SIZE] {
        let old = layout(size, 8)?;

        if limits.fit(old) {
            check_failure(subject, old, limits)?;
        }
    }
    Ok(())
}
