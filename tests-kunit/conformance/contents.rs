// SPDX-License-Identifier: GPL-2.0

//! Contents of live blocks, and of blocks that are reallocated.

use core::{
    alloc::Layout,
    cmp::{
        max,
        min, //
    },
};

use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    guard::{
        self,
        Neighbours, //
    },
    limits::Limits,
    property::{
        ensure,
        layout,
        several,
        Outcome,
        Stop,
        BEYOND_LIMITS,
        ONE_LAYOUT, //
    },
    subject::Subject, //
};

/// Checks that blocks of a layout, which must be within the limits, don't overlap.
///
/// All blocks are filled before any is read: a byte that two of them share can't be right in both.
fn check_overlap(subject: Subject, new: Layout, limits: &Limits) -> Outcome {
    let many = Limits {
        live: 4 * limits.live,
        ..*limits
    };
    let blocks = several(subject, new, GFP_KERNEL, &many)?;

    for (n, block) in blocks.iter().enumerate() {
        block.fill(n as u64);
    }
    for (n, block) in blocks.iter().enumerate() {
        ensure!(
            block.matches(n as u64, new.size()),
            "a live block was overwritten by another",
            new
        );
    }
    Ok(())
}

/// "[...] valid for reads and writes for `layout.size()` bytes, until it is passed to
/// `Allocator::free` or `Allocator::realloc`."
pub(crate) fn live_blocks_do_not_overlap(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        return check_overlap(subject, only, limits);
    }
    for size in [1, 7, 8, 40, 95, 96, 97, 193, PAGE_SIZE - 1, 3 * PAGE_SIZE] {
        for align in [1, 16, 64, PAGE_SIZE] {
            let new = layout(size, align)?;

            if limits.fit(new) {
                check_overlap(subject, new, limits)?;
            }
        }
    }
    Ok(())
}

/// Reallocates blocks, with blocks of both layouts living around them, and checks alignment and
/// contents of all. What is beyond the limits is not tried.
pub(crate) fn check(
    subject: Subject,
    from: (usize, usize),
    to: (usize, usize),
    limits: &Limits,
) -> Outcome {
    let (old, new) = (layout(from.0, from.1)?, layout(to.0, to.1)?);
    if !limits.fit(old) || !limits.fit_resized(new) {
        return Ok(());
    }
    let kept = min(old.size(), new.size());
    let mut moved = KVec::<Block>::new();
    let mut neighbours = KVec::<Block>::new();

    for n in 0..limits.live {
        moved.push(Block::new(subject, old, GFP_KERNEL)?, GFP_KERNEL)?;
        neighbours.push(Block::new(subject, old, GFP_KERNEL)?, GFP_KERNEL)?;
        neighbours.push(
            Block::new(subject, limits.only_or(new), GFP_KERNEL)?,
            GFP_KERNEL,
        )?;
        moved[n].fill(n as u64);
    }
    for (n, block) in neighbours.iter().enumerate() {
        block.fill((limits.live + n) as u64);
    }

    for (n, block) in moved.iter_mut().enumerate() {
        block.resize(new, GFP_KERNEL)?;
        ensure!(
            block.is_aligned_to(new.align()),
            "a reallocated block is misaligned",
            old => new
        );
        ensure!(
            block.matches(n as u64, kept),
            "a reallocated block lost its contents",
            old => new
        );
        // The rest must be there as well: it is overwritten here, and the neighbours are read
        // below.
        block.fill(n as u64);
    }
    for (n, block) in neighbours.iter().enumerate() {
        ensure!(
            block.matches((limits.live + n) as u64, block.size()),
            "a neighbour of a reallocated block was overwritten",
            old => new
        );
    }
    Ok(())
}

/// "[...] the contents of the memory pointed to by `p` are preserved up to the lesser of the new
/// and old size": on growth.
pub(crate) fn kept_on_growth(subject: Subject, limits: &Limits) -> Outcome {
    if limits.only.is_some() {
        return Err(ONE_LAYOUT);
    }
    for (from, to) in [
        (8, 16),
        (33, 64),
        (96, 128),
        (1, 4000),
        (PAGE_SIZE, 3 * PAGE_SIZE),
    ] {
        // The last is more than any kernel's least alignment, which is 64 on arm.
        for align in [1, 8, 32, 128] {
            check(subject, (from, align), (to, align), limits)?;
        }
    }
    Ok(())
}

/// The same on shrinking.
pub(crate) fn kept_on_shrinking(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        let (size, align) = (only.size(), only.align());

        for to in [size, size - 1, size.div_ceil(2), 1] {
            check(subject, (size, align), (max(to, 1), align), limits)?;
            check(subject, (size, align), (max(to, 1), 1), limits)?;
        }
        return Ok(());
    }
    for (from, to) in [
        (16, 8),
        (192, 64),
        (192, 65),
        (3 * PAGE_SIZE, 100),
        (5000, 1),
    ] {
        for align in [1, 8, 64] {
            check(subject, (from, align), (to, align), limits)?;
        }
    }
    Ok(())
}

/// The same, and "[...] aligned to `layout.align()`", where a reallocation raises the alignment.
///
/// Shrinking at the same time is left to [`neighbours_survive_shrinking_with_alignment_raised`] if
/// the allocator can't be trusted with it.
pub(crate) fn kept_and_aligned_when_alignment_rises(subject: Subject, limits: &Limits) -> Outcome {
    if limits.only.is_some() {
        return Err(ONE_LAYOUT);
    }
    let is_dangerous = limits.slab && guard::may_overwrite(subject, limits)?;

    for size in [1, 24, 72, 96, 192, 520] {
        for to in [1, 8, 24, 64, 96, 200, 520, 2000] {
            for (align, to_align) in [(1, 16), (8, 64), (32, 128), (64, 256), (8, 4096)] {
                if to >= size || !is_dangerous {
                    check(subject, (size, align), (to, to_align), limits)?;
                }
            }
        }
    }
    Ok(())
}

/// The same where it lowers the alignment.
pub(crate) fn kept_when_alignment_falls(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        return check(
            subject,
            (only.size(), only.align()),
            (only.size(), 1),
            limits,
        );
    }
    for (from, to) in [(64, 96), (64, 24), (4096, 5000), (5000, 100)] {
        for (align, to_align) in [(64, 8), (4096, 16), (128, 1)] {
            check(subject, (from, align), (to, to_align), limits)?;
        }
    }
    Ok(())
}

/// "[...] valid for reads and writes for `layout.size()` bytes": nobody else's are written to when
/// a block is shrunk while its alignment is raised.
pub(crate) fn neighbours_survive_shrinking_with_alignment_raised(
    subject: Subject,
    limits: &Limits,
) -> Outcome {
    let (mut seen, mut tried) = (false, false);

    if limits.only.is_some() {
        return Err(ONE_LAYOUT);
    }
    if !limits.slab {
        return Err(Stop::NotApplicable(c"its blocks are pages apart"));
    }
    for (from, to) in guard::PAIRS {
        let (old, new) = (layout(from.0, from.1)?, layout(to.0, to.1)?);
        if !limits.fit(old) || !limits.fit(new) {
            continue;
        }
        tried = true;
        let neighbours = guard::shrink(subject, old, new)?;

        ensure!(
            neighbours != Neighbours::Overwritten,
            "a neighbour of a reallocated block was overwritten",
            old => new
        );
        seen |= neighbours == Neighbours::Intact;
    }
    if seen {
        Ok(())
    } else if tried {
        Err(Stop::NotApplicable(
            c"no block was moved among others of ours",
        ))
    } else {
        Err(BEYOND_LIMITS)
    }
}
