// SPDX-License-Identifier: GPL-2.0

//! The conformance suite's properties, for layouts that proptest chooses. What fails is reduced to
//! the simplest that does.

use core::alloc::Layout;

use proptest::{
    collection::vec,
    prelude::*, //
};

use crate::{
    allocator::{
        KernelAllocator,
        KMALLOC_MAX_SIZE, //
    },
    conformance::{
        alignment,
        contents,
        Limits,
        Subject, //
    },
    conforming::{
        report,
        LIMITS, //
    },
    operations,
    suite, //
};

/// The allocator under test.
const SUBJECT: Subject = Subject::of::<KernelAllocator>();

/// Few blocks of each layout: there are many layouts.
const FEW: Limits = Limits { live: 3, ..LIMITS };

/// Sizes and alignments, in bytes, of which all magnitudes are as likely.
fn layouts(magnitude: u32) -> impl Strategy<Value = (usize, usize)> {
    let size = (0..=magnitude).prop_flat_map(|magnitude| 1..=1usize << magnitude);
    let align = (0..=magnitude).prop_map(|magnitude| 1 << magnitude);

    (size, align)
}

/// Layouts up to the largest that the slab takes.
const ALL: u32 = KMALLOC_MAX_SIZE.trailing_zeros();

/// Layouts that do not take long to fill.
const SMALL: u32 = 14;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn fresh_blocks_are_aligned((size, align) in layouts(ALL)) {
        let new = Layout::from_size_align(size, align).expect("a layout");

        if new.pad_to_align().size() <= KMALLOC_MAX_SIZE {
            suite::run(|| report(alignment::check(SUBJECT, new, &FEW)));
        }
    }

    #[test]
    fn reallocated_blocks_are_aligned_and_keep_their_contents(
        old in layouts(SMALL),
        new in layouts(SMALL),
    ) {
        suite::run(|| report(contents::check(SUBJECT, old, new, &FEW)));
    }

    #[test]
    fn operations_keep_all_promises(bytes in vec(any::<u8>(), 0..4000)) {
        let _alone = suite::alone();

        operations::run(&bytes);
    }
}
