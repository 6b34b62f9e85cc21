// SPDX-License-Identifier: GPL-2.0

//! Memory over time: given back, freed in any order, and a long random run.

use core::alloc::Layout;

use kernel::{
    alloc::{
        flags::{
            __GFP_NOWARN,
            __GFP_ZERO, //
        },
        Allocator, //
    },
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    ensure,
    guard,
    layout,
    zeroing,
    Limits,
    Outcome,
    Stop,
    Violation, //
};
use crate::{
    block::Block,
    rng::Rng, //
};

/// The size of the blocks that go through.
const SIZE: usize = 2 * PAGE_SIZE;

/// How many blocks go through by each path: 16 MiB on a kernel with pages of 4 KiB.
const ROUNDS: usize = 2048;

/// How often it is looked.
const TRIES: usize = 3;

/// What is available may vary by this much without a leak, in bytes: a quarter of what goes
/// through.
const SLACK: usize = ROUNDS * SIZE / 4;

/// Returns how much memory is available, in bytes.
fn available() -> isize {
    // SAFETY: The function has no requirements.
    unsafe { bindings::si_mem_available() as isize * PAGE_SIZE as isize }
}

/// Returns by how many bytes less is available when many blocks were allocated, reallocated and
/// freed.
fn lost_by<A: Allocator>(old: Layout, new: Layout) -> Result<isize, Stop> {
    let before = available();

    for _ in 0..ROUNDS {
        let mut block = Block::<A>::new(old, GFP_KERNEL)?;

        if new != old {
            let _ = block.resize(new, GFP_KERNEL | __GFP_NOWARN);
        }
    }
    Ok(before - available())
}

/// "[...] free an existing memory allocation", by every path on which a block or a copy of it goes.
pub(crate) fn all_is_given_back<A: Allocator>(limits: &Limits) -> Outcome {
    let old = layout(SIZE, 8)?;
    let paths = [
        ("a freed block was not given back", old),
        (
            "a block that was grown was not given back",
            layout(2 * SIZE, 8)?,
        ),
        ("a block that was shrunk was not given back", layout(64, 8)?),
        (
            "a block that was moved was not given back",
            layout(SIZE, 4 * SIZE)?,
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

    for (what, new) in paths {
        if new.align() > limits.max {
            continue;
        }
        // What is given back late, or used by others meanwhile, does not add up; a leak does.
        let mut leaked = true;
        for _ in 0..TRIES {
            leaked &= lost_by::<A>(old, new)? > SLACK as isize;
        }
        if leaked {
            return Err(Stop::Violated(Violation {
                what,
                old: Some(old),
                new,
            }));
        }
    }
    Ok(())
}

/// A block may be freed at any time, whatever the others do: forward, in reverse, at random.
pub(crate) fn any_order_of_freeing<A: Allocator>(limits: &Limits) -> Outcome {
    let mut rng = Rng::quiet(1);

    for order in 0..3 {
        for (size, align) in [(8, 8), (24, 64), (200, 8), (5000, 64)] {
            let new = layout(size, align)?;
            let mut live = KVec::<Option<Block<A>>>::new();

            for n in 0..2 * limits.live {
                let block = Block::new(new, GFP_KERNEL)?;
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
                    rest.all(|(n, block)| block.matches(n as u64, size)),
                    "a live block changed when another was freed",
                    new
                );
            }
        }
    }
    Ok(())
}

/// How many operations a random run has.
const STEPS: usize = 20_000;

/// How many blocks are live at the most.
const SLOTS: usize = 64;

/// All promises at once, in a long random run against what is known of each block.
///
/// The seed is logged; the module's `seed` parameter runs one again.
pub(crate) fn random_sequence<A: Allocator>(limits: &Limits) -> Outcome {
    let is_dangerous = limits.slab && guard::may_overwrite::<A>()?;
    // Where this is known not to hold nothing else would be seen.
    let zeroes = zeroing::growth_is_zeroed::<A>(limits).is_ok();
    let mut rng = Rng::new("random_sequence");
    // Each slot has a block, filled with the seed beside it.
    let mut slots = KVec::<Option<(Block<A>, u64)>>::new();

    for _ in 0..SLOTS {
        slots.push(None, GFP_KERNEL)?;
    }

    for step in 0..STEPS * limits.live / Limits::SLAB.live {
        let magnitude = 1 << rng.below(15);
        let mut new = layout(rng.below(magnitude), 1 << rng.below(13))?;
        let zeroed = rng.below(2) == 0;
        let flags = if zeroed {
            GFP_KERNEL | __GFP_ZERO
        } else {
            GFP_KERNEL
        };
        let slot = &mut slots[rng.below(SLOTS)];

        let (mut block, seed) = match slot.take() {
            None => (Block::new(new, flags)?, 0),
            Some(filled) => filled,
        };
        let (old, kept) = match seed {
            0 => (new, 0),
            _ => (block.layout(), block.size()),
        };
        ensure!(
            block.matches(seed, kept),
            "a live block was overwritten in a random run",
            old
        );
        if seed != 0 && rng.below(3) == 0 {
            continue;
        }
        // A block that was shrunk before may be much larger than its layout says.
        if is_dangerous && block.address() % new.align() != 0 {
            new = layout(new.size(), old.align())?;
        }
        let kept = kept.min(new.size());
        if old != new {
            block.resize(new, flags)?;
        }
        ensure!(
            block.address() % new.align() == 0,
            "a block is misaligned in a random run",
            old => new
        );
        ensure!(
            block.matches(seed, kept),
            "a block lost its contents in a random run",
            old => new
        );
        ensure!(
            !zeroed || !zeroes || block.is_zero(kept..new.size()),
            "a block is not zeroed in a random run",
            old => new
        );
        block.fill(step as u64 + 1);
        *slot = Some((block, step as u64 + 1));
    }
    Ok(())
}
