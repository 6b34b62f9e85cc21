// SPDX-License-Identifier: GPL-2.0

//! Arbitrary operations on the allocator, against the suites' model of what must be in each block.

use kernel::test;

use crate::{
    allocator::KernelAllocator,
    conformance::{
        property::Stop,
        random::{
            Model,
            Trust, //
        },
        Limits,
        Subject, //
    },
    rng::Chosen, //
};

/// How many bytes an operation takes at the most: its size and what it is filled with take two
/// each, and its other numbers, two requests' among them, one.
const BYTES: usize = 2 * 2 + 9;

/// Does the operations that `bytes` choose: blocks are allocated, reallocated and freed, of all
/// sizes and alignments, and some requests fail.
///
/// # Panics
///
/// If a promise is not kept. If the slab finds something the program ends.
pub fn run(bytes: &[u8]) {
    let before = test::live();
    let numbers = Chosen::new(bytes.to_vec());
    let subject = Subject::of::<KernelAllocator>();
    let outcome = Model::new(subject, numbers, &Limits::SLAB, Trust::FULL, true)
        .and_then(|mut model| (0..bytes.len().div_ceil(BYTES)).try_for_each(|_| model.step()));

    match outcome {
        Ok(()) => {}
        Err(Stop::Violated(violation)) => panic!("{violation:?}"),
        Err(Stop::NoMemory) => panic!("a request was refused though no allocation failed"),
        Err(Stop::NotApplicable(why)) => panic!("{why:?}"),
    }
    test::check();
    assert_eq!(test::live(), before, "not all was given back");
}
