// SPDX-License-Identifier: GPL-2.0

//! The account of a module's memory.

use kernel::{
    alloc::{
        Box,
        Vec, //
    },
    prelude::*, //
};

use crate::{
    allocator::{
        Accounted,
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
        Subject, //
    },
};

kunit_suite! {
    /// The account is right.
    name: rust_alloc_memory,
    cases: [
        account_is_balanced,
        peak_is_the_most,
    ],
}

/// The allocator under test.
const SUBJECT: Subject = Subject::of::<Accounted>();

/// `Accounted` counts what is live, what there was, and what was refused, through all the ways that
/// memory comes and goes.
fn account_is_balanced() -> Outcome {
    let before = Accounted::account();
    let live = || {
        let (blocks, bytes) = Accounted::live();
        (blocks - before.live, bytes - before.bytes)
    };

    let mut block = Block::new(SUBJECT, layout(100, 64)?, GFP_KERNEL)?;
    check!(live() == (1, 100), "after alloc: {:?}", live());
    block.resize(layout(300, 128)?, GFP_KERNEL)?;
    check!(live() == (1, 300), "after growth: {:?}", live());
    check!(
        block
            .resize(layout(KMALLOC_MAX_SIZE + 1, 8)?, GFP_KERNEL)
            .is_err(),
        "more than KMALLOC_MAX_SIZE was not refused"
    );
    check!(
        Block::new(SUBJECT, layout(1, 2 * KMALLOC_MAX_SIZE)?, GFP_KERNEL).is_err(),
        "an alignment above KMALLOC_MAX_SIZE was not refused"
    );
    check!(live() == (1, 300), "after a refused realloc: {:?}", live());
    block.resize(layout(0, 1)?, GFP_KERNEL)?;
    check!(live() == (0, 0), "after realloc to zero: {:?}", live());
    block.resize(layout(8, 8)?, GFP_KERNEL)?;

    let mut vec = Vec::<u64, Accounted>::with_capacity(4, GFP_KERNEL)?;
    vec.push(1, GFP_KERNEL)?;
    let value = Box::<_, Accounted>::new(2u32, GFP_KERNEL)?;
    let nothing = Box::<_, Accounted>::new((), GFP_KERNEL)?;
    check!(
        live() == (3, 8 + 32 + 4),
        "with a box and a vector: {:?}",
        live()
    );

    drop((block, vec, value, nothing));
    check!(live() == (0, 0), "at the end: {:?}", live());

    // Two blocks of the first allocation's and of the growth's, and three that are dropped last.
    let after = Accounted::account();
    let ever = (
        after.allocated - before.allocated,
        after.freed - before.freed,
        after.failed - before.failed,
    );
    check!(ever == (5, 5, 2), "allocated, freed, failed: {ever:?}");
    Ok(())
}

/// The peak is what was live at once, and stays when that is freed.
fn peak_is_the_most() -> Outcome {
    // As much as was ever live, so that this raises the peak.
    let before = Accounted::account();
    let mut held = KVec::new();
    while Accounted::account().bytes <= before.peak {
        held.push(
            Block::new(SUBJECT, layout(KMALLOC_MAX_SIZE / 16, 1)?, GFP_KERNEL)?,
            GFP_KERNEL,
        )?;
    }
    let most = Accounted::account().bytes;

    drop(held);
    let after = Accounted::account();
    check!(
        after.peak == most && after.bytes == before.bytes,
        "{} bytes were live at most: {after:?}",
        most
    );
    Ok(())
}
