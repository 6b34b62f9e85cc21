// SPDX-License-Identifier: GPL-2.0

//! Every block has its layout's alignment, however many are live.

use kernel::{
    alloc::flags::__GFP_NOWARN,
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::{
        KernelAllocator,
        KMALLOC_MAX_SIZE,
        MIN_ALIGN,
        SLAB_MIN_ALIGN, //
    },
    block::{
        layout,
        Block, //
    },
    suite::Outcome, //
};

kunit_suite! {
    /// Alignment over sizes and alignments, with many objects live.
    name: rust_alloc_alignment,
    cases: [
        every_alignment,
        odd_buckets,
        small_sizes_above_slab_minalign,
        alignment_larger_than_size,
        page_allocator_blocks,
        minimum_alignment,
    ],
}

/// Memory that one case holds live of one layout, in bytes; always at least two objects.
const LIVE_BYTES: usize = 256 * 1024;

/// Allocates objects of one layout, as many as [`LIVE_BYTES`] allows but at most 64, and checks
/// all.
///
/// What lies beyond the slab's guarantee is luck, and one object may well have it. With that many
/// at once, a block size that isn't a multiple of the alignment shows.
fn check_layout(size: usize, align: usize) -> Outcome {
    let layout = layout(size, align)?;
    let live = (LIVE_BYTES / layout.pad_to_align().size().max(1)).clamp(2, 64);
    let mut blocks = KVec::<Block<KernelAllocator>>::with_capacity(live, GFP_KERNEL)?;

    for n in 0..live {
        // Blocks this large may be refused when memory is fragmented; one must be had.
        match Block::new(layout, GFP_KERNEL | __GFP_NOWARN) {
            Err(_) if n > 0 && layout.size() > PAGE_SIZE * 8 => break,
            block => blocks.push(block?, GFP_KERNEL)?,
        }
    }
    for (n, block) in blocks.iter().enumerate() {
        check!(
            block.is_aligned(),
            "size {size}, align {align}: object {n} of {live} is misaligned"
        );
    }
    Ok(())
}

/// Returns the powers of two up to and including `max`.
fn powers_of_two(max: usize) -> impl Iterator<Item = usize> {
    (0..=max.trailing_zeros()).map(|shift| 1 << shift)
}

fn every_alignment() -> Outcome {
    for align in powers_of_two(KMALLOC_MAX_SIZE) {
        for size in [
            align / 2,
            align - 1,
            align,
            align + 1,
            align + align / 2,
            3 * align,
        ] {
            if size != 0 && layout(size, align)?.pad_to_align().size() <= KMALLOC_MAX_SIZE {
                check_layout(size, align)?;
            }
        }
    }
    Ok(())
}

/// The slab has buckets of 96 and 192 bytes, which are aligned to 32 and 64 only.
fn odd_buckets() -> Outcome {
    for size in [65, 90, 96, 97, 129, 160, 191, 192] {
        for align in powers_of_two(512) {
            check_layout(size, align)?;
        }
    }
    Ok(())
}

fn small_sizes_above_slab_minalign() -> Outcome {
    for size in 1..=64 {
        check_layout(size, SLAB_MIN_ALIGN * 2)?;
        check_layout(size, SLAB_MIN_ALIGN * 8)?;
    }
    Ok(())
}

fn alignment_larger_than_size() -> Outcome {
    for align in powers_of_two(KMALLOC_MAX_SIZE) {
        check_layout(1, align)?;
        if align > 24 {
            check_layout(24, align)?;
        }
    }
    Ok(())
}

/// Above two pages, blocks come from the page allocator.
fn page_allocator_blocks() -> Outcome {
    for size in [
        PAGE_SIZE,
        2 * PAGE_SIZE,
        2 * PAGE_SIZE + 1,
        3 * PAGE_SIZE,
        5 * PAGE_SIZE,
        KMALLOC_MAX_SIZE / 2 + 1,
        KMALLOC_MAX_SIZE,
    ] {
        for align in [1, 64, PAGE_SIZE, 4 * PAGE_SIZE] {
            check_layout(size, align)?;
        }
    }
    Ok(())
}

/// Whatever the layout, a block is aligned to `MIN_ALIGN`.
fn minimum_alignment() -> Outcome {
    for size in 1..=256 {
        check_layout(size, MIN_ALIGN)?;
        check_layout(size, 1)?;
    }
    Ok(())
}
