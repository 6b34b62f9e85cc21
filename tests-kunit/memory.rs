// SPDX-License-Identifier: GPL-2.0

//! Memory is all given back.

use kernel::{
    alloc::{
        Box,
        Vec, //
    },
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::{
        Accounted,
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
    /// Memory is given back by every path, and the account of it is right.
    name: rust_alloc_memory,
    cases: [
        free_gives_back,
        realloc_gives_back,
        realloc_that_realigns_gives_back,
        realloc_to_zero_gives_back,
        refused_realloc_gives_back,
        account_is_balanced,
    ],
}

/// The size of the blocks that go through: a slab's largest.
const SIZE: usize = 2 * PAGE_SIZE;

/// How many blocks go through: 64 MiB on a kernel with pages of 4 KiB.
const ROUNDS: usize = 8192;

/// Calls `path` so often that a leak of one block of [`SIZE`] at each call shows in what is
/// available, well above what the rest of the system does meanwhile.
fn churn(path: impl Fn() -> Outcome) -> Outcome {
    // SAFETY: The function has no requirements.
    let available = || unsafe { bindings::si_mem_available() };
    let before = available();

    for _ in 0..ROUNDS {
        path()?;
    }

    let lost = (before - available()).max(0) as usize * PAGE_SIZE;
    check!(
        lost < ROUNDS * SIZE / 2,
        "{lost} bytes less are available after {ROUNDS} rounds"
    );
    Ok(())
}

fn free_gives_back() -> Outcome {
    churn(|| {
        Block::<KernelAllocator>::new(layout(SIZE, 64)?, GFP_KERNEL)?;
        Ok(())
    })
}

fn realloc_gives_back() -> Outcome {
    churn(|| {
        let mut block = Block::<KernelAllocator>::new(layout(SIZE, 8)?, GFP_KERNEL)?;
        Ok(block.resize(layout(SIZE + 1, 8)?, GFP_KERNEL)?)
    })
}

fn realloc_that_realigns_gives_back() -> Outcome {
    churn(|| {
        let mut block = Block::<KernelAllocator>::new(layout(SIZE, 8)?, GFP_KERNEL)?;
        Ok(block.resize(layout(8, 4 * SIZE)?, GFP_KERNEL)?)
    })
}

fn realloc_to_zero_gives_back() -> Outcome {
    churn(|| {
        let mut block = Block::<KernelAllocator>::new(layout(SIZE, 8)?, GFP_KERNEL)?;
        Ok(block.resize(layout(0, 1)?, GFP_KERNEL)?)
    })
}

/// Neither the old block nor one made for the new layout may be lost when that is refused.
fn refused_realloc_gives_back() -> Outcome {
    churn(|| {
        let mut block = Block::<KernelAllocator>::new(layout(SIZE, 8)?, GFP_KERNEL)?;

        check!(
            block
                .resize(layout(KMALLOC_MAX_SIZE + 1, 8)?, GFP_KERNEL)
                .is_err(),
            "more than KMALLOC_MAX_SIZE was not refused"
        );
        Ok(())
    })
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
