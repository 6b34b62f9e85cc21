// SPDX-License-Identifier: GPL-2.0

//! What the suites ask of the kernel, asked of the stand-in.

use std::{
    sync::{
        atomic::{
            AtomicUsize,
            Ordering, //
        },
        Barrier, //
    },
    thread,
    time::{
        SystemTime,
        UNIX_EPOCH, //
    },
};

use kernel::{
    alloc::{
        AllocError,
        Allocator, //
    },
    test, //
};

use crate::block::Block;

/// Returns the NUMA node that a block, which must not be of size zero, is on.
pub(crate) fn nid<A: Allocator>(block: &Block<A>) -> Option<i32> {
    // SAFETY: The function has no requirements.
    Some(unsafe { test::node_of(block.as_ptr().as_ptr().cast()) })
}

/// Returns how many NUMA nodes are online.
pub(crate) fn online_nodes() -> i32 {
    2
}

/// How many threads stand for the CPUs.
const CPUS: usize = 4;

/// Runs `run` on several threads at once, with the numbers from 0, and returns how many.
pub(crate) fn on_cpus<F: Fn(usize) + Sync>(run: &F) -> Result<usize, AllocError> {
    let all_are_there = Barrier::new(CPUS);

    thread::scope(|scope| {
        for cpu in 0..CPUS {
            let all_are_there = &all_are_there;

            scope.spawn(move || {
                all_are_there.wait();
                run(cpu);
            });
        }
    });
    Ok(CPUS)
}

/// Runs `run` where nothing may sleep.
pub(crate) fn in_softirq<F: Fn(usize) + Sync>(run: &F) {
    test::in_atomic(|| run(0));
}

/// Runs `run` and returns how often the slab has warned meanwhile.
pub(crate) fn warnings_of<F: Fn(usize) + Sync>(run: &F) -> Option<usize> {
    Some(test::warnings_of(|| run(0)))
}

/// Warns, for a test of whether that is noticed.
pub(crate) fn warn() {
    test::warn();
}

/// Returns the time, in seconds.
pub(crate) fn seconds() -> usize {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() as usize)
}

/// How many allocations were made to fail.
static FAILURES: AtomicUsize = AtomicUsize::new(0);

/// Returns how many allocations [`with_failure`] has made fail.
pub(crate) fn failures() -> usize {
    FAILURES.load(Ordering::Relaxed)
}

/// Runs `run` with its allocation number `nth`, from 1, made to fail; returns also whether it had
/// that many.
pub(crate) fn with_failure<T>(nth: usize, run: impl FnOnce() -> T) -> (T, bool) {
    test::fail_nth(nth);
    let value = run();
    let failed = test::fail_nth(0) == 0;

    FAILURES.fetch_add(failed.into(), Ordering::Relaxed);
    (value, failed)
}

/// Returns whether allocations fail when asked.
pub(crate) fn can_fail() -> bool {
    true
}
