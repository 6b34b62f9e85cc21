// SPDX-License-Identifier: GPL-2.0

//! Suites of cases that return their outcome, as tests of cargo.
//!
//! The kernel's version (`tests-kunit/conformance/suite.rs`) registers them with KUnit, and its
//! macro is replaced by the one here. One case runs at a
//! time, as there: some look at how much memory is live.

use std::sync::{
    Mutex,
    MutexGuard,
    PoisonError, //
};

use kernel::test;

use crate::conformance::suite::{
    Outcome,
    Stop, //
};

/// Registers a suite. The cases are functions without arguments that return an [`Outcome`].
macro_rules! kunit_suite {
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        cases: [$($case:ident),+ $(,)?] $(,)?
    ) => {
        $(#[doc = $doc])*
        mod $name {
            $(case!($case { $crate::suite::run(super::$case) });)+
        }
    };
}

/// Makes a case a test of cargo. Those that make no sense here are named, and counted as ignored.
macro_rules! case {
    // Blocks have guards between them, which see more.
    (neighbours_survive_shrinking_with_alignment_raised $run:block) => {
        case!(#[ignore = "blocks are not side by side here"]
            neighbours_survive_shrinking_with_alignment_raised $run);
    };
    // `tests/stand_in.rs` has its like: it ends the program.
    (copies_too_much $run:block) => {
        case!(#[ignore = "the guards end the program"] copies_too_much $run);
    };
    (every_block_has_min_align $run:block) => {
        case!(#[cfg_attr(slab_api = "krealloc", ignore = "Linux 6.12 has no MIN_ALIGN")]
            every_block_has_min_align $run);
    };
    (no_block_has_min_align $run:block) => {
        case!(#[cfg_attr(slab_api = "krealloc", ignore = "Linux 6.12 has no MIN_ALIGN")]
            no_block_has_min_align $run);
    };
    (shrinking_gives_back $run:block) => {
        case!(#[ignore = "no allocator of ours says that shrinking gives memory back"]
            shrinking_gives_back $run);
    };
    // The memory of a process is not filled.
    (keeps_what_it_shrinks $run:block) => {
        case!(#[ignore = "there is no end of memory here"] keeps_what_it_shrinks $run);
    };
    (ignores_min_align $run:block) => {
        case!(#[cfg_attr(slab_api = "krealloc", ignore = "Linux 6.12 has no MIN_ALIGN")]
            ignores_min_align $run);
    };
    (block_comes_from_its_node $run:block) => {
        case!(#[cfg_attr(slab_api = "krealloc", ignore = "Linux 6.12 takes no NUMA node")]
            block_comes_from_its_node $run);
    };
    (ignores_node $run:block) => {
        case!(#[cfg_attr(slab_api = "krealloc", ignore = "Linux 6.12 takes no NUMA node")]
            ignores_node $run);
    };
    (offline_node_is_refused $run:block) => {
        case!(#[cfg_attr(slab_api = "krealloc", ignore = "Linux 6.12 takes no NUMA node")]
            offline_node_is_refused $run);
    };
    ($(#[$attribute:meta])* $case:ident $run:block) => {
        #[test]
        $(#[$attribute])*
        fn $case() $run
    };
}

/// Returns a lock that all tests take that are about memory.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());

    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a case. It must not be skipped, and must leave nothing behind.
///
/// # Panics
///
/// If the case fails: that is how cargo's tests do.
pub(crate) fn run(case: impl FnOnce() -> Outcome) {
    let _alone = alone();
    let before = test::live();

    match case() {
        Ok(()) => {}
        Err(Stop::Failed) => panic!("the case failed"),
        Err(Stop::Skipped(why)) => panic!("the case was skipped: {}", why.to_string_lossy()),
    }
    test::check();
    assert_eq!(test::live(), before, "not all was given back");
}
