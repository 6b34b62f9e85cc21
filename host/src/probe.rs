// SPDX-License-Identifier: GPL-2.0

//! What the conformance suite asks of the kernel through C (`tests-kunit/conformance/probe.c`),
//! asked of the stand-in.

use core::ffi::{
    c_int,
    c_uint,
    c_ulong,
    c_void, //
};
use std::{
    sync::Barrier,
    thread,
    time::{
        Duration,
        SystemTime,
        UNIX_EPOCH, //
    },
};

use kernel::{
    page::PAGE_SIZE,
    test, //
};

use crate::params;

type Callback = unsafe extern "C" fn(*mut c_void, c_uint);

/// How many threads stand for the CPUs.
const CPUS: c_uint = 4;

/// What a callback is given.
struct Data(*mut c_void);

// SAFETY: It is handed over with a callback that all threads may call with it at once.
unsafe impl Sync for Data {}

#[no_mangle]
extern "C" fn conformance_seed() -> c_ulong {
    params::seed.value() as c_ulong
}

#[no_mangle]
extern "C" fn conformance_seconds() -> c_uint {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() as c_uint)
}

/// # Safety
///
/// None, other than in C: what is no live block ends the program.
#[no_mangle]
unsafe extern "C" fn conformance_block_nid(block: *const c_void) -> c_int {
    // SAFETY: The function has no requirements.
    unsafe { test::node_of(block) }
}

#[no_mangle]
extern "C" fn conformance_sleep(ms: c_uint) {
    thread::sleep(Duration::from_millis(ms.into()));
}

#[no_mangle]
extern "C" fn conformance_online_nodes() -> c_int {
    2
}

/// A made-up total without what is live.
#[no_mangle]
extern "C" fn conformance_available_pages() -> c_ulong {
    const TOTAL: usize = 1 << (usize::BITS - 1);

    ((TOTAL - test::live().granted) / PAGE_SIZE) as c_ulong
}

/// A made-up total, as above.
#[no_mangle]
extern "C" fn conformance_total_pages() -> c_ulong {
    ((1 << 30) / PAGE_SIZE) as c_ulong
}

/// No memory of a process is used up: allocations fail when they are told to.
#[no_mangle]
extern "C" fn conformance_take_large_blocks() -> c_int {
    -1
}

#[no_mangle]
extern "C" fn conformance_give_back_large_blocks() {}

/// Runs `run` on several threads at once.
///
/// # Safety
///
/// `run` must be one that may be called with `data` on any thread, until this returns.
#[no_mangle]
unsafe extern "C" fn conformance_on_cpus(run: Callback, data: *mut c_void) -> c_int {
    let all_are_there = Barrier::new(CPUS as usize);
    let data = Data(data);

    thread::scope(|scope| {
        for cpu in 0..CPUS {
            let (all_are_there, data) = (&all_are_there, &data);

            scope.spawn(move || {
                all_are_there.wait();
                // SAFETY: By the requirements of this function.
                unsafe { run(data.0, cpu) };
            });
        }
    });
    CPUS as c_int
}

/// # Safety
///
/// `run` must be one that may be called with `data`.
#[no_mangle]
unsafe extern "C" fn conformance_in_softirq(run: Callback, data: *mut c_void) {
    // SAFETY: By the requirements of this function.
    test::in_atomic(|| unsafe { run(data, 0) });
}

#[no_mangle]
extern "C" fn conformance_warn() {
    test::warn();
}

/// # Safety
///
/// `run` must be one that may be called with `data`.
#[no_mangle]
unsafe extern "C" fn conformance_warnings_of(run: Callback, data: *mut c_void) -> c_int {
    // SAFETY: By the requirements of this function.
    test::warnings_of(|| unsafe { run(data, 0) }) as c_int
}

#[no_mangle]
extern "C" fn conformance_fail_nth(nth: c_uint) -> c_int {
    test::fail_nth(nth as usize) as c_int
}

#[no_mangle]
extern "C" fn conformance_can_fail() -> c_int {
    1
}
