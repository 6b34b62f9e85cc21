// SPDX-License-Identifier: GPL-2.0

//! What is particular to a thread: whether it may sleep, the failure that it has ordered, and
//! whether warnings are looked for. Nothing here allocates.

use core::cell::Cell;
use std::{
    collections::hash_map::RandomState,
    hash::{
        BuildHasher,
        Hasher, //
    },
    io::{
        self,
        Write, //
    },
    process, //
};

thread_local! {
    static ATOMIC: Cell<usize> = const { Cell::new(0) };
    static FAIL_IN: Cell<usize> = const { Cell::new(0) };
    static WARNINGS: Cell<Option<usize>> = const { Cell::new(None) };
}

/// While there is one, its thread must not sleep.
pub(crate) struct Atomic(());

impl Atomic {
    /// Begins a stretch in which the thread must not sleep.
    pub(crate) fn enter() -> Self {
        ATOMIC.set(ATOMIC.get() + 1);
        Self(())
    }
}

impl Drop for Atomic {
    fn drop(&mut self) {
        ATOMIC.set(ATOMIC.get() - 1);
    }
}

/// Returns whether this thread must not sleep.
pub(crate) fn is_atomic() -> bool {
    ATOMIC.get() != 0
}

/// Has the `n`-th allocation of this thread from now on fail; 0 takes that back. Returns what was
/// left of an earlier order, 0 if it was carried out.
pub(crate) fn fail_nth(n: usize) -> usize {
    FAIL_IN.replace(n)
}

/// Returns whether the allocation that is about to be made has to fail.
pub(crate) fn must_fail() -> bool {
    let left = FAIL_IN.get();

    FAIL_IN.set(left.saturating_sub(1));
    left == 1
}

/// Runs `run` and returns how often it warned. Warnings end the program anywhere else.
pub(crate) fn warnings_of(run: impl FnOnce()) -> usize {
    let outer = WARNINGS.replace(Some(0));

    run();
    WARNINGS.replace(outer).unwrap_or(0)
}

/// Warns, as `WARN()` does.
pub(crate) fn warn(what: &str) {
    match WARNINGS.get() {
        Some(count) => WARNINGS.set(Some(count + 1)),
        None => bug(what, None),
    }
}

/// Ends the program, with the size and the alignment of the block that it is about.
pub(crate) fn bug(what: &str, block: Option<(usize, usize)>) -> ! {
    // Not by a macro: a test's output is captured by the allocator that may be at fault here.
    let mut log = io::stderr();
    let _ = match block {
        Some((size, align)) => {
            writeln!(log, "slab: {what}: a block of size {size}, align {align}")
        }
        None => writeln!(log, "slab: {what}"),
    };

    process::abort();
}

/// Returns a random number.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
