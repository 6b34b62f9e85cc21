// SPDX-License-Identifier: GPL-2.0

//! The ends of the range: nothing, the most that the slab takes, and more than that.

use kernel::prelude::*;

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
    /// Zero-sized layouts and requests that are too large.
    name: rust_alloc_limits,
    cases: [
        zero_size,
        from_and_to_zero_size,
        largest_size,
        too_large_is_refused,
    ],
}

fn zero_size() -> Outcome {
    for shift in 0..=40 {
        let block = Block::<KernelAllocator>::new(layout(0, 1 << shift)?, GFP_KERNEL)?;

        check!(block.is_aligned(), "align {}: misaligned", 1u64 << shift);
    }
    Ok(())
}

fn from_and_to_zero_size() -> Outcome {
    for align in [1, 8, 64, 4096] {
        let mut block = Block::<KernelAllocator>::new(layout(0, align)?, GFP_KERNEL)?;

        block.resize(layout(0, 2 * align)?, GFP_KERNEL)?;
        check!(
            block.is_aligned(),
            "zero to zero, align {align}: misaligned"
        );

        block.resize(layout(100, align)?, GFP_KERNEL)?;
        check!(block.is_aligned(), "zero to 100, align {align}: misaligned");
        block.fill(1);
        check!(
            block.matches(1, 100),
            "zero to 100, align {align}: what was written is not there"
        );

        block.resize(layout(0, 4 * align)?, GFP_KERNEL)?;
        check!(block.is_aligned(), "100 to zero, align {align}: misaligned");
        block.resize(layout(1, align)?, GFP_KERNEL)?;
        block.fill(2);
    }
    Ok(())
}

fn largest_size() -> Outcome {
    for (size, align) in [
        (KMALLOC_MAX_SIZE, 1),
        (KMALLOC_MAX_SIZE, KMALLOC_MAX_SIZE),
        (1, KMALLOC_MAX_SIZE),
        (KMALLOC_MAX_SIZE - 1, 4096),
    ] {
        let block = Block::<KernelAllocator>::new(layout(size, align)?, GFP_KERNEL)?;

        block.fill(1);
        check!(
            block.is_aligned() && block.matches(1, size),
            "size {size}, align {align}: misaligned, or not all there"
        );
    }
    Ok(())
}

/// Refused before the slab sees them: it would warn, and the harness would find that in the log.
fn too_large_is_refused() -> Outcome {
    for (size, align) in [
        (KMALLOC_MAX_SIZE + 1, 1),
        (KMALLOC_MAX_SIZE - 1, 2 * KMALLOC_MAX_SIZE),
        (KMALLOC_MAX_SIZE / 2 + 1, KMALLOC_MAX_SIZE * 4),
        (1, 2 * KMALLOC_MAX_SIZE),
        (1, 1 << (usize::BITS - 2)),
        (isize::MAX as usize, 1),
        (isize::MAX as usize - 4095, 4096),
    ] {
        check!(
            Block::<KernelAllocator>::new(layout(size, align)?, GFP_KERNEL).is_err(),
            "size {size}, align {align}: not refused"
        );
    }
    Ok(())
}
