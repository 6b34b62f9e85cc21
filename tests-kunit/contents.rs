// SPDX-License-Identifier: GPL-2.0

//! What is written to a block stays there: over reallocation, and next to other blocks.

use core::cmp::min;

use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::{
        KernelAllocator,
        KMALLOC_MAX_SIZE, //
    },
    block::{
        layout,
        Block, //
    },
    suite::Outcome, //
};

kunit_suite! {
    /// Contents of live blocks.
    name: rust_alloc_contents,
    cases: [
        whole_block_is_writable,
        live_blocks_do_not_overlap,
        kept_on_growth,
        kept_on_shrinking,
        kept_when_alignment_rises,
        kept_when_alignment_falls,
        kept_through_every_pair_of_layouts,
        neighbours_stay_intact,
        kept_when_realloc_fails,
    ],
}

/// How many neighbours live around the blocks that are reallocated.
const NEIGHBOURS: usize = 32;

fn whole_block_is_writable() -> Outcome {
    for size in [
        1,
        7,
        8,
        95,
        96,
        97,
        191,
        192,
        193,
        PAGE_SIZE - 1,
        3 * PAGE_SIZE,
        KMALLOC_MAX_SIZE,
    ] {
        for align in [1, 16, 64, 4096] {
            let block = Block::<KernelAllocator>::new(layout(size, align)?, GFP_KERNEL)?;

            block.fill(1);
            check!(
                block.matches(1, size),
                "size {size}, align {align}: what was written is not there"
            );
        }
    }
    Ok(())
}

/// Fills all blocks before reading any: a byte that two of them share can't be right in both.
fn live_blocks_do_not_overlap() -> Outcome {
    for (size, align) in [
        (1, 1),
        (8, 8),
        (24, 64),
        (40, 32),
        (96, 32),
        (100, 128),
        (5000, 4096),
    ] {
        let mut blocks = KVec::<Block<KernelAllocator>>::new();

        for n in 0..128 {
            blocks.push(Block::new(layout(size, align)?, GFP_KERNEL)?, GFP_KERNEL)?;
            blocks[n].fill(n as u64);
        }
        for (n, block) in blocks.iter().enumerate() {
            check!(
                block.matches(n as u64, size),
                "size {size}, align {align}: object {n} was overwritten by another"
            );
        }
    }
    Ok(())
}

/// Reallocates blocks from one layout to another, with blocks of both layouts living around them,
/// and checks alignment and contents of all.
fn check_realloc(from: (usize, usize), to: (usize, usize)) -> Outcome {
    let (old, new) = (layout(from.0, from.1)?, layout(to.0, to.1)?);
    let kept = min(old.size(), new.size());
    let mut moved = KVec::<Block<KernelAllocator>>::new();
    let mut neighbours = KVec::<Block<KernelAllocator>>::new();

    for n in 0..NEIGHBOURS {
        moved.push(Block::new(old, GFP_KERNEL)?, GFP_KERNEL)?;
        neighbours.push(Block::new(old, GFP_KERNEL)?, GFP_KERNEL)?;
        neighbours.push(Block::new(new, GFP_KERNEL)?, GFP_KERNEL)?;
        moved[n].fill(n as u64);
    }
    for (n, block) in neighbours.iter().enumerate() {
        block.fill((NEIGHBOURS + n) as u64);
    }

    for (n, block) in moved.iter_mut().enumerate() {
        block.resize(new, GFP_KERNEL)?;
        check!(
            block.is_aligned(),
            "{from:?} to {to:?} (size, align): block {n} is misaligned"
        );
        check!(
            block.matches(n as u64, kept),
            "{from:?} to {to:?} (size, align): block {n} lost its contents"
        );
        // The rest must be there as well: it is overwritten here, and the neighbours are read
        // below.
        block.fill(n as u64);
    }
    for (n, block) in neighbours.iter().enumerate() {
        check!(
            block.matches((NEIGHBOURS + n) as u64, block.size()),
            "{from:?} to {to:?} (size, align): a neighbour was overwritten"
        );
    }
    Ok(())
}

fn kept_on_growth() -> Outcome {
    check_realloc((8, 8), (16, 8))?;
    check_realloc((33, 1), (64, 1))?;
    check_realloc((96, 32), (128, 32))?;
    check_realloc((4096, 64), (3 * PAGE_SIZE, 64))
}

fn kept_on_shrinking() -> Outcome {
    check_realloc((16, 8), (8, 8))?;
    check_realloc((192, 64), (64, 64))?;
    check_realloc((3 * PAGE_SIZE, 64), (100, 64))
}

/// The direction that stock kernels get wrong, on growth and on shrinking.
fn kept_when_alignment_rises() -> Outcome {
    check_realloc((72, 8), (8, 64))?;
    check_realloc((72, 8), (72, 64))?;
    check_realloc((96, 32), (40, 128))?;
    check_realloc((96, 32), (200, 128))?;
    check_realloc((192, 64), (16, 256))?;
    check_realloc((192, 64), (192, 4096))?;
    check_realloc((2 * PAGE_SIZE, 8), (8, 4 * PAGE_SIZE))
}

fn kept_when_alignment_falls() -> Outcome {
    check_realloc((64, 64), (96, 8))?;
    check_realloc((64, 64), (24, 1))?;
    check_realloc((4096, 4096), (5000, 16))
}

fn kept_through_every_pair_of_layouts() -> Outcome {
    const SIZES: [usize; 7] = [1, 24, 64, 72, 96, 192, 520];
    const ALIGNS: [usize; 5] = [1, 8, 32, 64, 512];

    for from in SIZES {
        for to in SIZES {
            for from_align in ALIGNS {
                for to_align in ALIGNS {
                    check_realloc((from, from_align), (to, to_align))?;
                }
            }
        }
    }
    Ok(())
}

/// Many small blocks share a slab with those that are shrunk while their alignment is raised.
fn neighbours_stay_intact() -> Outcome {
    for _ in 0..8 {
        check_realloc((500, 4), (8, 16))?;
        check_realloc((2000, 16), (16, 32))?;
    }
    Ok(())
}

fn kept_when_realloc_fails() -> Outcome {
    let too_large = [
        layout(KMALLOC_MAX_SIZE + 1, 8)?,
        layout(1, 2 * KMALLOC_MAX_SIZE)?,
        layout(isize::MAX as usize - 4095, 4096)?,
    ];

    for size in [1, 96, PAGE_SIZE, 3 * PAGE_SIZE] {
        let mut block = Block::<KernelAllocator>::new(layout(size, 32)?, GFP_KERNEL)?;

        block.fill(7);
        for new in too_large {
            check!(
                block.resize(new, GFP_KERNEL).is_err(),
                "{new:?} was not refused"
            );
            check!(
                block.is_aligned() && block.matches(7, size),
                "the block of {size} bytes was lost when {new:?} was refused"
            );
        }
        block.fill(8);
    }
    Ok(())
}
