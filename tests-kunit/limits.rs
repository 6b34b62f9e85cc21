// SPDX-License-Identifier: GPL-2.0

//! The most that the slab takes, and more than that.

use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

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
        probe,
        suite::{
            self,
            Outcome,
            Stop, //
        },
        Subject, //
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

/// The allocator under test.
const SUBJECT: Subject = Subject::of::<KernelAllocator>();

/// Skips a case that asks for the largest block where the machine has little more memory: with
/// pages of 64 KiB that is 512 MiB.
pub(crate) fn need_the_largest() -> Outcome {
    if probe::total_pages() < 8 * (KMALLOC_MAX_SIZE / PAGE_SIZE) {
        return Err(Stop::Skipped(
            c"this machine has too little memory for the largest block",
        ));
    }
    Ok(())
}

fn largest_size() -> Outcome {
    need_the_largest()?;
    for (size, align) in [
        (KMALLOC_MAX_SIZE, 1),
        (KMALLOC_MAX_SIZE, KMALLOC_MAX_SIZE),
        (1, KMALLOC_MAX_SIZE),
        (KMALLOC_MAX_SIZE - 1, 4096),
    ] {
        let block = Block::new(SUBJECT, layout(size, align)?, GFP_KERNEL)?;

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
            Block::new(SUBJECT, layout(size, align)?, GFP_KERNEL).is_err(),
            "size {size}, align {align}: not refused"
        );
    }
    Ok(())
}
