// SPDX-License-Identifier: GPL-2.0

//! Random operations on many live blocks, against what is known of each.

use kernel::{
    alloc::flags::__GFP_ZERO,
    prelude::*, //
};

use crate::{
    allocator::KernelAllocator,
    block::{
        layout,
        Block, //
    },
    rng::Rng,
    suite::Outcome, //
};

kunit_suite! {
    /// Random sequences; the seed is logged, and the `seed` parameter runs one again.
    name: rust_alloc_random,
    cases: [
        sequence,
    ],
}

/// How many operations a sequence has.
const STEPS: usize = 20_000;

/// How many blocks are live at the most.
const SLOTS: usize = 64;

/// Draws a layout: sizes of all magnitudes up to 16 KiB, alignments up to a page.
fn draw(rng: &mut Rng) -> Result<core::alloc::Layout, kernel::alloc::AllocError> {
    let magnitude = 1 << rng.below(15);

    layout(rng.below(magnitude), 1 << rng.below(13))
}

fn sequence() -> Outcome {
    let mut rng = Rng::new("sequence");
    // Each slot has a block, filled with the seed beside it.
    let mut slots = KVec::<Option<(Block<KernelAllocator>, u64)>>::new();

    for _ in 0..SLOTS {
        slots.push(None, GFP_KERNEL)?;
    }

    for step in 0..STEPS {
        let slot = &mut slots[rng.below(SLOTS)];
        let new = draw(&mut rng)?;
        let zeroed = rng.below(2) == 0;
        let flags = if zeroed {
            GFP_KERNEL | __GFP_ZERO
        } else {
            GFP_KERNEL
        };

        let (mut block, seed, kept) = match slot.take() {
            None => (Block::new(new, flags)?, 0, 0),
            Some((block, seed)) => {
                check!(
                    block.matches(seed, block.size()),
                    "step {step}: {:?} was overwritten",
                    block.layout()
                );
                if rng.below(3) == 0 {
                    continue;
                }
                let kept = block.size().min(new.size());
                (block, seed, kept)
            }
        };

        if block.layout() != new {
            block.resize(new, flags)?;
        }
        check!(block.is_aligned(), "step {step}: {new:?} is misaligned");
        check!(
            block.matches(seed, kept),
            "step {step}: {new:?} lost its first {kept} bytes"
        );
        check!(
            !zeroed || block.is_zero(kept..new.size()),
            "step {step}: {new:?} is not zero after its first {kept} bytes"
        );

        block.fill(step as u64);
        *slot = Some((block, step as u64));
    }
    Ok(())
}
