// SPDX-License-Identifier: GPL-2.0

//! GFP flags reach the slab as the caller gave them, and flags that it can't honour are refused.

use kernel::{
    alloc::{
        flags::{
            __GFP_HIGHMEM,
            __GFP_NOWARN,
            __GFP_ZERO, //
        },
        Flags, //
    },
    bindings,
    prelude::*, //
};

use crate::{
    allocator::{
        Gfp,
        KernelAllocator, //
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
    /// GFP flags.
    name: rust_alloc_flags,
    cases: [
        bits_are_those_of_c,
        combinations_keep_their_bits,
        unusable_flags_are_refused,
        refusal_keeps_the_block,
        zero_alone_zeroes,
    ],
}

/// The allocator under test.
const SUBJECT: Subject = Subject::of::<KernelAllocator>();

/// The flags that a slab request can have, beside the bits that C has for them.
fn flags() -> [(Flags, u32); 7] {
    [
        (GFP_KERNEL & !GFP_KERNEL, 0),
        (__GFP_ZERO, bindings::__GFP_ZERO),
        (__GFP_NOWARN, bindings::__GFP_NOWARN),
        (GFP_KERNEL, bindings::GFP_KERNEL),
        (GFP_ATOMIC, bindings::GFP_ATOMIC),
        (GFP_NOWAIT, bindings::GFP_NOWAIT),
        (
            kernel::alloc::flags::GFP_KERNEL_ACCOUNT,
            bindings::GFP_KERNEL_ACCOUNT,
        ),
    ]
}

fn bits_are_those_of_c() -> Outcome {
    for (n, (flags, raw)) in flags().into_iter().enumerate() {
        check!(
            Gfp::try_from(flags)?.as_raw() == raw,
            "flags {n}: not the bits of C"
        );
    }
    Ok(())
}

fn combinations_keep_their_bits() -> Outcome {
    for (left, left_raw) in flags() {
        for (right, right_raw) in flags() {
            check!(
                Gfp::try_from(left | right)?.as_raw() == left_raw | right_raw,
                "{left_raw:#x} | {right_raw:#x}: not the bits of C"
            );
            check!(
                Gfp::try_from(left & !right)?.as_raw() == left_raw & !right_raw,
                "{left_raw:#x} & !{right_raw:#x}: not the bits of C"
            );
        }
    }
    Ok(())
}

/// With `__GFP_HIGHMEM` the slab would complain in the log; bits without a name are nobody's to
/// give.
fn unusable_flags_are_refused() -> Outcome {
    for flags in [
        GFP_KERNEL | __GFP_HIGHMEM,
        __GFP_HIGHMEM,
        !GFP_KERNEL,
        !__GFP_ZERO,
    ] {
        check!(
            Block::new(SUBJECT, layout(64, 64)?, flags).is_err(),
            "flags that the slab can't honour were accepted"
        );
    }
    Ok(())
}

fn refusal_keeps_the_block() -> Outcome {
    for new in [layout(200, 8)?, layout(8, 8)?, layout(64, 4096)?] {
        let mut block = Block::new(SUBJECT, layout(64, 8)?, GFP_KERNEL)?;

        block.fill(1);
        check!(
            block.resize(new, GFP_KERNEL | __GFP_HIGHMEM).is_err(),
            "{new:?} with flags that the slab can't honour was accepted"
        );
        check!(block.matches(1, 64), "the block was lost");
    }
    Ok(())
}

/// What a block grows by is zeroed also if that is all that is asked for.
fn zero_alone_zeroes() -> Outcome {
    let mut block = Block::new(SUBJECT, layout(64, 8)?, GFP_KERNEL)?;

    block.fill(1);
    block.resize(layout(40, 8)?, GFP_KERNEL)?;
    block.resize(layout(64, 8)?, __GFP_ZERO)?;
    check!(
        block.matches(1, 40) && block.is_zero(40..64),
        "the contents were lost, or what is new is not zero"
    );
    Ok(())
}
