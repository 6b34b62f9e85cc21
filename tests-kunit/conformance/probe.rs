// SPDX-License-Identifier: GPL-2.0

//! What the suite asks of the kernel through C (`probe.c`).

use core::{
    ffi::{
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    ptr::{
        self,
        NonNull, //
    },
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use kernel::alloc::AllocError;

type Callback = unsafe extern "C" fn(*mut c_void, c_uint);

extern "C" {
    fn conformance_seed() -> c_ulong;
    fn conformance_seconds() -> c_uint;
    fn conformance_sleep(ms: c_uint);
    fn conformance_block_nid(block: *const c_void) -> c_int;
    fn conformance_online_nodes() -> c_int;
    fn conformance_available_pages() -> c_ulong;
    fn conformance_total_pages() -> c_ulong;
    fn conformance_take_large_blocks() -> c_int;
    fn conformance_give_back_large_blocks();
    fn conformance_on_cpus(run: Callback, data: *mut c_void) -> c_int;
    fn conformance_in_softirq(run: Callback, data: *mut c_void);
    fn conformance_warn();
    fn conformance_warnings_of(run: Callback, data: *mut c_void) -> c_int;
    fn conformance_fail_nth(nth: c_uint) -> c_int;
    fn conformance_can_fail() -> c_int;
}

/// Returns the module's parameter `seed`, 1 by default.
pub(crate) fn seed() -> usize {
    // SAFETY: The function has no requirements.
    unsafe { conformance_seed() as usize }
}

/// Returns the time since the machine was booted, in seconds.
pub(crate) fn seconds() -> usize {
    // SAFETY: The function has no requirements.
    unsafe { conformance_seconds() as usize }
}

/// Sleeps for a time in milliseconds.
pub(crate) fn sleep(ms: u32) {
    // SAFETY: The function has no requirements.
    unsafe { conformance_sleep(ms) };
}

/// Returns the NUMA node that the byte at `block` is on; `None` if the kernel has taken it from
/// where nodes don't count.
///
/// # Safety
///
/// `block` must be the start of a live block that is not of size zero.
pub(crate) unsafe fn nid(block: NonNull<u8>) -> Option<i32> {
    // SAFETY: The block is live, so its first byte is on a page.
    let nid = unsafe { conformance_block_nid(block.as_ptr().cast()) };

    (nid >= 0).then_some(nid)
}

/// Returns how many NUMA nodes are online.
pub(crate) fn online_nodes() -> i32 {
    // SAFETY: The function has no requirements.
    unsafe { conformance_online_nodes() }
}

/// Returns how many pages of memory can be had.
pub(crate) fn available_pages() -> usize {
    // SAFETY: The function has no requirements.
    unsafe { conformance_available_pages() as usize }
}

/// Returns how many pages of memory the machine has.
pub(crate) fn total_pages() -> usize {
    // SAFETY: The function has no requirements.
    unsafe { conformance_total_pages() as usize }
}

/// Blocks of `KMALLOC_MAX_SIZE` that nobody else has. There may be one value of it at a time.
pub(crate) struct LargeBlocks(());

impl LargeBlocks {
    /// Takes none yet.
    pub(crate) fn none() -> Self {
        Self(())
    }

    /// Takes all that there are, beside those that it has. Returns whether it may: a machine with
    /// much memory is left alone.
    pub(crate) fn take_all(&mut self) -> bool {
        // SAFETY: The function has no requirements.
        unsafe { conformance_take_large_blocks() == 0 }
    }
}

impl Drop for LargeBlocks {
    fn drop(&mut self) {
        // SAFETY: The function has no requirements.
        unsafe { conformance_give_back_large_blocks() };
    }
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
///
/// # Errors
///
/// [`AllocError`] if there was no memory for their threads; then it was not run.
pub(crate) fn on_cpus<F: Fn(usize) + Sync>(run: &F) -> Result<usize, AllocError> {
    // SAFETY: `run` is borrowed until the function returns, which is when all threads have ended;
    // it is `Sync`, so all may use it.
    let cpus = unsafe { conformance_on_cpus(call::<F>, ptr::from_ref(run).cast_mut().cast()) };

    usize::try_from(cpus).map_err(|_| AllocError)
}

/// Runs `run` in a softirq, where nothing may sleep.
pub(crate) fn in_softirq<F: Fn(usize) + Sync>(run: &F) {
    // SAFETY: `run` is borrowed until the function returns, which is when it has been called.
    unsafe { conformance_in_softirq(call::<F>, ptr::from_ref(run).cast_mut().cast()) };
}

/// Runs `run` and returns how often the kernel has warned meanwhile, which the console doesn't
/// show; `None` if the kernel doesn't count its warnings.
pub(crate) fn warnings_of<F: Fn(usize) + Sync>(run: &F) -> Option<usize> {
    // Without it a warning is nothing that could be counted (`include/asm-generic/bug.h`).
    if !cfg!(CONFIG_BUG) {
        return None;
    }
    // SAFETY: `run` is borrowed until the function returns, which is when it has been called.
    let count = unsafe { conformance_warnings_of(call::<F>, ptr::from_ref(run).cast_mut().cast()) };

    usize::try_from(count).ok()
}

/// Warns, for a test of whether that is noticed.
pub(crate) fn warn() {
    // SAFETY: The function has no requirements.
    unsafe { conformance_warn() };
}

/// How many allocations were made to fail.
static FAILURES: AtomicUsize = AtomicUsize::new(0);

/// Returns how many allocations [`with_failure`] has made fail so far.
pub(crate) fn failures() -> usize {
    FAILURES.load(Ordering::Relaxed)
}

/// Runs `run` with its allocation number `nth`, from 1, made to fail; returns also whether it had
/// that many. On a kernel without fault injection none fails.
pub(crate) fn with_failure<T>(nth: usize, run: impl FnOnce() -> T) -> (T, bool) {
    // SAFETY: The function has no requirements.
    let can = unsafe { conformance_fail_nth(nth as c_uint) } >= 0;
    let value = run();
    // SAFETY: As above.
    let failed = can && unsafe { conformance_fail_nth(0) } == 0;

    FAILURES.fetch_add(failed.into(), Ordering::Relaxed);
    (value, failed)
}

/// As many allocations as anything that is tried can be made of.
const MOST: usize = 1000;

/// Calls `run` with 1, 2, and so on, for the number of the allocation that is to fail
/// ([`with_failure`]), until `run` returns that it had no more of them. Returns whether it
/// came to that.
pub(crate) fn until_none_fails<E>(
    mut run: impl FnMut(usize) -> Result<bool, E>,
) -> Result<bool, E> {
    for nth in 1..MOST {
        if !run(nth)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether the kernel fails an allocation when asked. There are two reasons why not: it has
/// no fault injection, or that leaves out who may sleep, which debugfs can change.
pub(crate) fn can_fail() -> bool {
    // SAFETY: The function has no requirements.
    unsafe { conformance_can_fail() != 0 }
}
