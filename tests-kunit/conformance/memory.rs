// SPDX-License-Identifier: GPL-2.0

//! Memory over time: given back, and freed in any order.

use core::alloc::Layout;

use kernel::{
    alloc::flags::__GFP_NOWARN,
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
        Stop,
        Violation,
        BEYOND_LIMITS, //
    },
    rng::{
        Numbers,
        Rng, //
    },
    subject::Subject, //
};

/// The size of the blocks that go through, in bytes; less where no block is that large.
const SIZE: usize = 2 * PAGE_SIZE;

/// How much goes through by each path at a time, in bytes.
const AMOUNT: usize = 16 << 20;

/// How often it is looked, beside as often as it takes to lose an eighth of all memory.
const TRIES: usize = 6;

/// Returns for how long losses must go on: longer than for what may lawfully be held back. The page
/// allocator keeps pages for each CPU, up to an eighth of a zone (`mm/page_alloc.c`,
/// `zone_highsize()`), and an allocator may do the like.
fn tries() -> usize {
    TRIES + probe::total_pages() / 8 / (AMOUNT / PAGE_SIZE)
}

/// What is available may vary by this much without a leak, in bytes: a quarter of what goes
/// through.
const SLACK: usize = AMOUNT / 4;

/// More memory than a guest has, in bytes, is not filled.
const SMALL: usize = 2 << 30;

/// Returns how many pages are available. All of them can have more bytes than an `isize` counts.
fn available() -> isize {
    probe::available_pages() as isize
}

/// Returns by how many bytes less is available when many blocks were allocated, reallocated and
/// freed.
fn lost_by(subject: Subject, old: Layout, new: Layout) -> Result<isize, Stop> {
    let before = available();

    for _ in 0..AMOUNT / old.size() {
        let mut block = Block::new(subject, old, GFP_KERNEL)?;

        if new != old {
            let _ = block.resize(new, GFP_KERNEL | __GFP_NOWARN);
        }
    }
    Ok((before - available()) * PAGE_SIZE as isize)
}

/// "[...] free an existing memory allocation", by every path on which a block or a copy of it goes.
pub(crate) fn all_is_given_back(subject: Subject, limits: &Limits) -> Outcome {
    if cfg!(CONFIG_KASAN_GENERIC) {
        return Err(Stop::NotApplicable(
            c"KASAN keeps what is freed for a while",
        ));
    }
    let size = limits
        .only
        .map_or(SIZE.min(limits.max / 2), |only| only.size());
    let old = limits.only_or(layout(size, 8)?);
    let paths = [
        ("a freed block was not given back", old),
        (
            "a block that was grown was not given back",
            layout(2 * size, 8)?,
        ),
        (
            "a block that was shrunk was not given back",
            layout(size.min(64), limits.only.map_or(8, |_| 1))?,
        ),
        (
            "a block that was moved was not given back",
            layout(size, 4 * size.next_power_of_two())?,
        ),
        (
            "a block that was shrunk to nothing was not given back",
            layout(0, 1)?,
        ),
        (
            "a block whose reallocation failed was not given back",
            layout(isize::MAX as usize, 1)?,
        ),
    ];

    let most = tries();
    for (what, new) in paths {
        // What is refused is one of the paths, for an allocator that has other layouts.
        let is_tried = limits.only.is_none() || limits.fit_resized(new) || new.size() > limits.max;
        if new.align() > limits.align() || !is_tried {
            continue;
        }
        // What is given back late, or used by others meanwhile, does not add up; a leak does.
        let mut tries = 0;
        while tries < most && lost_by(subject, old, new)? > SLACK as isize {
            tries += 1;
        }
        if tries == most {
            return Err(Stop::Violated(Violation {
                what,
                old: Some(old),
                new,
            }));
        }
    }
    Ok(())
}

/// A block that was shrunk takes no more memory than it needs: so many are shrunk that they would
/// not all have fitted before. No measure decides, only whether there is memory for the next.
pub(crate) fn shrinking_gives_back(subject: Subject, limits: &Limits) -> Outcome {
    if !limits.gives_back {
        return Err(Stop::NotApplicable(
            c"it does not say that shrinking gives memory back",
        ));
    }
    let (old, new) = (layout(16 * PAGE_SIZE, 8)?, layout(64, 8)?);

    if cfg!(CONFIG_KASAN_GENERIC) {
        return Err(Stop::NotApplicable(
            c"KASAN looks at each byte, which takes a minute",
        ));
    }
    if !limits.fit(old) {
        return Err(BEYOND_LIMITS);
    }
    if probe::total_pages() > SMALL / PAGE_SIZE {
        return Err(Stop::NotApplicable(
            c"this machine has too much memory to fill it",
        ));
    }
    let mut live = KVec::new();
    for _ in 0..2 * probe::total_pages() / (old.size() / PAGE_SIZE) {
        let block = Block::new(subject, old, GFP_KERNEL | __GFP_NOWARN);

        ensure!(
            block.is_ok(),
            "a block that was shrunk kept its memory",
            old => new
        );
        let mut block = block?;
        block.resize(new, GFP_KERNEL)?;
        live.push(block, GFP_KERNEL)?;
    }
    Ok(())
}

/// Checks that the others are what they were while blocks of a layout, which must be within the
/// limits, are freed: forward, in reverse, at random.
fn check_order(subject: Subject, new: Layout, limits: &Limits) -> Outcome {
    let mut rng = Rng::quiet(1);

    for order in 0..3 {
        let mut live = KVec::<Option<Block>>::new();

        for n in 0..2 * limits.live {
            let block = Block::new(subject, new, GFP_KERNEL)?;
            block.fill(n as u64);
            live.push(Some(block), GFP_KERNEL)?;
        }
        for step in 0..live.len() {
            let n = match order {
                0 => step,
                1 => live.len() - 1 - step,
                _ => rng.below(live.len()),
            };
            live[n] = None;
            let mut rest = live
                .iter()
                .enumerate()
                .filter_map(|(n, block)| Some((n, block.as_ref()?)));
            ensure!(
                rest.all(|(n, block)| block.matches(n as u64, new.size())),
                "a live block changed when another was freed",
                new
            );
        }
    }
    Ok(())
}

/// A block may be freed at any time, whatever the others do.
pub(crate) fn any_order_of_freeing(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        return check_order(subject, only, limits);
    }
    for (size, align) in [(8, 8), (24, 64), (200, 8), (5000, 64)] {
        let new = layout(size, align)?;

        if limits.fit(new) {
            check_order(subject, new, limits)?;
        }
    }
    Ok(())
}
