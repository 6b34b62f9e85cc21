// SPDX-License-Identifier: GPL-2.0

//! Measurements, and the records of them that `scripts/bench.py` reads from the kernel's log.

use core::{
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    ptr, //
};

use kernel::{
    error::to_result,
    prelude::*, //
};

use crate::loops::{
    Args,
    Loop, //
};

extern "C" {
    fn bench_measure(run: Loop, args: *const Args, cpus: c_uint, count: *mut u64) -> c_int;
    fn bench_online_cpus() -> c_uint;
    fn bench_rest();
    fn bench_cache(size: usize) -> *mut kernel::bindings::kmem_cache;
    fn bench_uncache(cache: *mut kernel::bindings::kmem_cache);
}

/// The most blocks that are held at once, on all CPUs together.
pub(crate) const LIVE_MAX: usize = 4096;

/// How many lines are printed at once.
const LINES: usize = 16;

/// What is to be measured: a path in a loop.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The name of the path.
    pub(crate) path: &'static str,
    /// What is done.
    pub(crate) op: &'static str,
    /// The loop that does it.
    pub(crate) run: Loop,
    /// Bytes asked for; in C the multiple of the alignment that gives them.
    pub(crate) size: usize,
    /// The alignment in bytes.
    pub(crate) align: usize,
    /// What else the op has: the bytes of a reallocation, or how many blocks or elements are live.
    pub(crate) n: usize,
    /// On how many CPUs at once.
    pub(crate) cpus: usize,
    pub(crate) rounds: usize,
    /// How often the op is done in a round.
    pub(crate) ops: usize,
}

struct Record {
    case: Case,
    count: u64,
}

/// All records.
///
/// They are printed at the end: the console would otherwise be at work on another CPU, and all CPUs
/// count together.
pub(crate) struct Records {
    records: KVVec<Record>,
    slots: KVVec<*mut c_void>,
}

impl Records {
    /// Returns an empty list.
    pub(crate) fn new() -> Result<Self> {
        let mut slots = KVVec::with_capacity(LIVE_MAX, GFP_KERNEL)?;

        for _ in 0..LIVE_MAX {
            slots.push(ptr::null_mut(), GFP_KERNEL)?;
        }
        Ok(Self {
            records: KVVec::with_capacity(2048, GFP_KERNEL)?,
            slots,
        })
    }

    /// Measures a case. Fails if an allocation does, or if it asks for more CPUs or more room than
    /// there is.
    pub(crate) fn measure(&mut self, case: Case) -> Result {
        self.measure_in(case, ptr::null_mut())
    }

    /// Measures a case with a `kmem_cache` of its size.
    pub(crate) fn measure_cache(&mut self, case: Case) -> Result {
        // SAFETY: The function has no requirements.
        let cache = unsafe { bench_cache(case.size) };

        if cache.is_null() {
            return Err(ENOMEM);
        }
        let done = self.measure_in(case, cache);

        // SAFETY: The cache is live, and all its objects were freed, or else it is kept.
        unsafe { bench_uncache(cache) };
        done
    }

    fn measure_in(&mut self, case: Case, cache: *mut kernel::bindings::kmem_cache) -> Result {
        let args = Args {
            size: match case.path.starts_with("c-") {
                true => case.size.next_multiple_of(case.align),
                false => case.size,
            },
            other: case.n,
            rounds: case.rounds,
            live: case.n,
            slots: self.slots.as_mut_ptr(),
            cache,
        };
        let mut count = 0;

        if case.cpus > cpus() || case.op == "batch" && case.cpus * case.n > LIVE_MAX {
            return Err(EINVAL);
        }
        // SAFETY: The arguments live until the function returns, and there is a slot for each block
        // of each CPU.
        to_result(unsafe { bench_measure(case.run, &args, case.cpus as c_uint, &mut count) })
            .inspect_err(|_| {
                pr_err!("{} {} size={}: failed\n", case.path, case.op, case.size);
            })?;
        self.records.push(Record { case, count }, GFP_KERNEL)?;
        Ok(())
    }

    /// Prints the records, one a line.
    pub(crate) fn print(&self) {
        for (line, Record { case, count }) in self.records.iter().enumerate() {
            pr_info!(
                "path={} op={} size={} align={} n={} cpus={} ops={} count={}\n",
                case.path,
                case.op,
                case.size,
                case.align,
                case.n,
                case.cpus,
                case.rounds * case.ops * case.cpus,
                count
            );
            rest(line);
        }
        pr_info!("records={}\n", self.records.len());
    }
}

/// Gives the console time to show what was printed, at every so many-th line.
pub(crate) fn rest(line: usize) {
    if line % LINES == 0 {
        // SAFETY: The function has no requirements but that it can sleep, as a module's init can.
        unsafe { bench_rest() };
    }
}

/// Returns how many CPUs are online.
pub(crate) fn cpus() -> usize {
    // SAFETY: The function has no requirements.
    unsafe { bench_online_cpus() as usize }
}
