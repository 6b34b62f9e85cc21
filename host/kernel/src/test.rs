// SPDX-License-Identifier: GPL-2.0

//! How a test talks to the stand-in; nothing of this is in the kernel.

use core::ffi::{
    c_void,
    CStr, //
};

pub use crate::slab::Live;
use crate::{
    constants::slab_flags_t,
    context::{
        self,
        Atomic, //
    },
    slab, //
};

/// Returns what is live, in all threads.
pub fn live() -> Live {
    slab::live()
}

/// Looks at all live blocks, and at those that were freed of late: ends the program if anybody has
/// written where nobody may.
pub fn check() {
    slab::check();
}

/// Has the `n`-th allocation of this thread from now on fail; 0 takes that back.
///
/// A reallocation that leaves the block where it is allocates nothing. Returns what was left of an
/// earlier order: 0 if it was carried out.
pub fn fail_nth(n: usize) -> usize {
    context::fail_nth(n)
}

/// Runs `run` where nothing may sleep, as in a softirq.
pub fn in_atomic(run: impl FnOnce()) {
    let _atomic = Atomic::enter();

    run();
}

/// Warns, as the kernel's `WARN()`.
pub fn warn() {
    context::warn("a warning on purpose");
}

/// Runs `run` and returns how often the slab warned. Elsewhere a warning ends the program.
pub fn warnings_of(run: impl FnOnce()) -> usize {
    context::warnings_of(run)
}

/// Returns the NUMA node that a live block is on.
///
/// # Safety
///
/// None, other than in C: what is no live block ends the program.
pub unsafe fn node_of(block: *const c_void) -> i32 {
    slab::node_of(block.cast())
}

/// Returns the flags that the cache of this name was created with, as C has them; none if there is
/// no cache.
pub fn cache_flags(name: &CStr) -> slab_flags_t {
    slab::flags_of(name)
}
