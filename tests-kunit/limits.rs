// SPDX-License-Identifier: GPL-2.0

//! The most that the slab takes, and more than that.

use kernel::prelude::*;

use crate::{
    allocator::{
        KernelAllocator,
        KMALLOC_MAX_SIZE, //
    },
    conformance::{
        block::{
            layout,
            Block, //
        },
        suite::{
            self,
            Outcome, //
        },
    },
};

kunit_suite! {
    /// The largest requests, and larger ones.
    name: rust_alloc_limits,
    cases: [
        largest_size,
        too_large_is_refused,
    ],
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
