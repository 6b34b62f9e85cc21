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
    block::{
        layout,
        Block, //
    },
    suite::Outcome, //
};

kunit_suite! {
    /// The account of what is live is right.
    name: rust_alloc_memory,
    cases: [
        account_is_balanced,
    ],
}

/// `Accounted` counts what is live, through all the ways that memory comes and goes.
fn account_is_balanced() -> Outcome {
    let before = Accounted::live();
    let live = || {
        let (blocks, bytes) = Accounted::live();
        (blocks - before.0, bytes - before.1)
    };

    let mut block = Block::<Accounted>::new(layout(100, 64)?, GFP_KERNEL)?;
    check!(live() == (1, 100), "after alloc: {:?}", live());
    block.resize(layout(300, 128)?, GFP_KERNEL)?;
    check!(live() == (1, 300), "after growth: {:?}", live());
    check!(
        block
            .resize(layout(KMALLOC_MAX_SIZE + 1, 8)?, GFP_KERNEL)
            .is_err(),
        "more than KMALLOC_MAX_SIZE was not refused"
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
    Ok(())
}
