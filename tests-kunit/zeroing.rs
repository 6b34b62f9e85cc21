// SPDX-License-Identifier: GPL-2.0

//! Memory reads as zero where that was asked for.

use kernel::{
    alloc::flags::__GFP_ZERO,
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::KernelAllocator,
    block::{
        layout,
        Block, //
    },
    suite::Outcome, //
};

kunit_suite! {
    /// Zeroed memory, fresh, reused and grown.
    name: rust_alloc_zeroing,
    cases: [
        reused_block_is_zeroed,
        growth_in_place_is_zeroed,
        growth_that_moves_is_zeroed,
        growth_that_realigns_is_zeroed,
        zeroed_realloc_keeps_contents,
    ],
}

/// Leaves dirty blocks behind for a later allocation of the same size to find.
fn leave_dirt(size: usize, align: usize) -> Outcome {
    let mut blocks = KVec::<Block<KernelAllocator>>::new();

    for n in 0..32 {
        let block = Block::new(layout(size, align)?, GFP_KERNEL)?;

        block.fill(n);
        blocks.push(block, GFP_KERNEL)?;
    }
    Ok(())
}

fn reused_block_is_zeroed() -> Outcome {
    for (size, align) in [
        (8, 8),
        (24, 64),
        (96, 32),
        (PAGE_SIZE, 64),
        (3 * PAGE_SIZE, 4096),
    ] {
        leave_dirt(size, align)?;
        for _ in 0..32 {
            let block =
                Block::<KernelAllocator>::new(layout(size, align)?, GFP_KERNEL | __GFP_ZERO)?;

            check!(
                block.is_zero(0..size),
                "size {size}, align {align}: a block that was used before is not zeroed"
            );
            block.fill(1);
        }
    }
    Ok(())
}

/// Shrinks a dirty block and grows it again with `__GFP_ZERO`: what lay in between must be gone.
///
/// The calls before did not ask for zeroes, which is what `krealloc()` would need (see the comment
/// on it in `include/linux/slab.h`).
fn check_growth(small: (usize, usize), large: (usize, usize)) -> Outcome {
    leave_dirt(large.0, large.1)?;
    for _ in 0..16 {
        let mut block = Block::<KernelAllocator>::new(layout(large.0, small.1)?, GFP_KERNEL)?;

        block.fill(3);
        block.resize(layout(small.0, small.1)?, GFP_KERNEL)?;
        block.resize(layout(large.0, large.1)?, GFP_KERNEL | __GFP_ZERO)?;
        check!(
            block.matches(3, small.0),
            "{small:?} to {large:?} (size, align): the contents were lost"
        );
        check!(
            block.is_zero(small.0..large.0),
            "{small:?} to {large:?} (size, align): what was grown is not zeroed"
        );
    }
    Ok(())
}

fn growth_in_place_is_zeroed() -> Outcome {
    check_growth((40, 8), (64, 8))?;
    check_growth((1, 1), (8, 1))?;
    check_growth((100, 32), (128, 32))?;
    check_growth((3 * PAGE_SIZE, 8), (4 * PAGE_SIZE, 8))
}

fn growth_that_moves_is_zeroed() -> Outcome {
    for (small, large) in [(8, 72), (40, 400), (PAGE_SIZE, 3 * PAGE_SIZE)] {
        leave_dirt(large, 8)?;
        for _ in 0..16 {
            let mut block = Block::<KernelAllocator>::new(layout(small, 8)?, GFP_KERNEL)?;

            block.fill(4);
            block.resize(layout(large, 8)?, GFP_KERNEL | __GFP_ZERO)?;
            check!(
                block.matches(4, small) && block.is_zero(small..large),
                "{small} to {large} bytes: not the contents and then zeroes"
            );
        }
    }
    Ok(())
}

fn growth_that_realigns_is_zeroed() -> Outcome {
    check_growth((40, 8), (72, 64))?;
    check_growth((96, 32), (100, 128))
}

/// `__GFP_ZERO` is about what is new; the old bytes stay.
fn zeroed_realloc_keeps_contents() -> Outcome {
    for to in [8, 96, 200] {
        let mut block = Block::<KernelAllocator>::new(layout(96, 8)?, GFP_KERNEL)?;

        block.fill(5);
        block.resize(layout(to, 64)?, GFP_KERNEL | __GFP_ZERO)?;
        check!(
            block.matches(5, to.min(96)),
            "96 to {to} bytes: the contents were lost"
        );
    }
    Ok(())
}
