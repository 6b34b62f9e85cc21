// SPDX-License-Identifier: GPL-2.0

//! What the suites ask of the kernel through C (`probe.c`, `failing.c`).

use core::{
    alloc::Layout,
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    ptr,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use kernel::{
    alloc::{
        allocator::Kmalloc,
        AllocError,
        Allocator, //
    },
    error::to_result,
    prelude::*, //
};

use crate::block::Block;

type Callback = unsafe extern "C" fn(*mut c_void, c_uint);

extern "C" {
    fn rust_alloc_demo_fail_nth(nth: c_uint) -> c_int;
    fn rust_alloc_demo_seconds() -> c_uint;
    fn rust_alloc_demo_block_nid(block: *const c_void) -> c_int;
    fn rust_alloc_demo_online_nodes() -> c_int;
    fn rust_alloc_demo_on_cpus(run: Callback, data: *mut c_void) -> c_int;
    fn rust_alloc_demo_in_softirq(run: Callback, data: *mut c_void);
    fn rust_alloc_demo_unwatch();
    fn rust_alloc_demo_warn();
    fn rust_alloc_demo_warnings_of(run: Callback, data: *mut c_void) -> c_int;
    fn rust_alloc_demo_watch() -> c_int;
}

/// Returns the NUMA node that a block, which must not be of size zero, begins on; `None` if the
/// kernel has taken it from where nodes don't count.
pub(crate) fn nid<A: Allocator>(block: &Block<A>) -> Option<i32> {
    // SAFETY: The block is live, so its first byte is on a page.
    let nid = unsafe { rust_alloc_demo_block_nid(block.as_ptr().as_ptr().cast()) };

    (nid >= 0).then_some(nid)
}

/// Returns how many NUMA nodes are online.
pub(crate) fn online_nodes() -> i32 {
    // SAFETY: The function has no requirements.
    unsafe { rust_alloc_demo_online_nodes() }
}

/// Calls the `F` at `data`.
///
/// # Safety
///
/// `data` must point to an `F` that is valid for the time of the call.
unsafe extern "C" fn call<F: Fn(usize) + Sync>(data: *mut c_void, number: c_uint) {
    // SAFETY: By the requirements of this function.
    let run = unsafe { &*data.cast_const().cast::<F>() };

    run(number as usize);
}

/// Runs `run` on all online CPUs at once, with the numbers from 0, and returns how many there were.
pub(crate) fn on_cpus<F: Fn(usize) + Sync>(run: &F) -> Result<usize, AllocError> {
    // SAFETY: `run` is borrowed until the function returns, which is when all threads have ended;
    // it is `Sync`, so all may use it.
    let cpus = unsafe { rust_alloc_demo_on_cpus(call::<F>, ptr::from_ref(run).cast_mut().cast()) };

    usize::try_from(cpus).map_err(|_| AllocError)
}

/// Runs `run` in a softirq, where nothing may sleep.
pub(crate) fn in_softirq<F: Fn(usize) + Sync>(run: &F) {
    // SAFETY: `run` is borrowed until the function returns, which is when it has been called.
    unsafe { rust_alloc_demo_in_softirq(call::<F>, ptr::from_ref(run).cast_mut().cast()) };
}

/// Runs `run` and returns how often the kernel has warned meanwhile, which the console doesn't
/// show; `None` if the kernel doesn't count its warnings.
pub(crate) fn warnings_of<F: Fn(usize) + Sync>(run: &F) -> Option<usize> {
    // SAFETY: `run` is borrowed until the function returns, which is when it has been called.
    let count =
        unsafe { rust_alloc_demo_warnings_of(call::<F>, ptr::from_ref(run).cast_mut().cast()) };

    usize::try_from(count).ok()
}

/// Warns, for a test of whether that is noticed.
pub(crate) fn warn() {
    // SAFETY: The function has no requirements.
    unsafe { rust_alloc_demo_warn() };
}

/// Returns the time since the machine was booted, in seconds.
pub(crate) fn seconds() -> usize {
    // SAFETY: The function has no requirements.
    unsafe { rust_alloc_demo_seconds() as usize }
}

/// How many allocations were made to fail.
static FAILURES: AtomicUsize = AtomicUsize::new(0);

/// Returns how many allocations [`with_failure`] has made fail.
pub(crate) fn failures() -> usize {
    FAILURES.load(Ordering::Relaxed)
}

/// Runs `run` with its allocation number `nth`, from 1, made to fail; returns also whether it had
/// that many. On a kernel without fault injection none fails.
pub(crate) fn with_failure<T>(nth: usize, run: impl FnOnce() -> T) -> (T, bool) {
    // SAFETY: The function has no requirements.
    let can = unsafe { rust_alloc_demo_fail_nth(nth as c_uint) } >= 0;
    let value = run();
    // SAFETY: As above.
    let failed = can && unsafe { rust_alloc_demo_fail_nth(0) } == 0;

    FAILURES.fetch_add(failed.into(), Ordering::Relaxed);
    (value, failed)
}

/// Returns whether the kernel fails an allocation when asked. There are two reasons why not: it has
/// no fault injection, or that leaves out who may sleep, which debugfs can change.
pub(crate) fn can_fail() -> bool {
    with_failure(1, || {
        Block::<Kmalloc>::new(Layout::new::<u64>(), GFP_KERNEL).is_err()
    }) == (true, true)
}

/// Has an allocation of `rust_alloc_demo` fail when that is loaded, by a parameter of this module
/// (`failing.c`); until [`unwatch`].
pub(crate) fn watch() -> Result {
    // SAFETY: The function has no requirements; the module's code stays until it is undone.
    to_result(unsafe { rust_alloc_demo_watch() })
}

/// Ends what [`watch`] began.
pub(crate) fn unwatch() {
    // SAFETY: Only a module that has been loaded calls this, and it did begin.
    unsafe { rust_alloc_demo_unwatch() };
}
