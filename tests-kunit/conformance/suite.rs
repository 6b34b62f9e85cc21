// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of cases that return their outcome.
//!
//! This file is made to be lifted out by itself: copied into another module and declared with
//! `#[macro_use] mod suite;` before the modules that have suites. A file that uses the macros has
//! `suite` in scope.
//!
//! On a kernel without KUnit, as distributions have, nothing runs suites. There it takes the file
//! `runner.rs` as well, copied to where this one is, and a call of [`run_without_kunit`] in the
//! module's `init`.
//!
//! The kernel's `#[kunit_tests]` is not there on all supported kernels, and its assertions end the
//! case's thread without running destructors: the blocks of a failed case would leak. Here a case
//! is a function that returns an [`Outcome`], so `?` works and everything is dropped.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "what a module needs of it is its own choice"
)]

use core::{
    ffi::CStr,
    fmt,
    mem::zeroed,
    panic::Location,
    ptr::{
        addr_of,
        addr_of_mut, //
    },
};

use kernel::{
    alloc::AllocError,
    bindings,
    error::Error,
    prelude::*, //
};

#[cfg(not(CONFIG_KUNIT))]
#[path = "runner.rs"]
pub(crate) mod runner;

#[cfg(not(CONFIG_KUNIT))]
pub(crate) use runner::register_with_runner;

/// Makes a suite known to what runs it without KUnit, which is not there where KUnit is.
#[cfg(CONFIG_KUNIT)]
macro_rules! register_with_runner {
    ($suite:ident) => {};
}
#[cfg(CONFIG_KUNIT)]
pub(crate) use register_with_runner;

/// Runs the module's suites on a kernel without KUnit, and prints their results as KUnit would; to
/// be called in the module's `init`, when all is there that the cases need.
///
/// On a kernel with KUnit this does nothing. KUnit runs them when `init` has returned.
pub(crate) fn run_without_kunit() {
    #[cfg(not(CONFIG_KUNIT))]
    runner::run();
}

/// Why a case stopped before its end.
pub(crate) enum Stop {
    /// A check failed; it has been reported.
    Failed,
    /// The kernel that it runs on lacks what the case is about, in a few words for KUnit's output.
    Skipped(&'static CStr),
}

impl Stop {
    /// Reports what is wrong and where, which fails the case.
    #[cold]
    #[track_caller]
    pub(crate) fn failed(message: fmt::Arguments<'_>) -> Self {
        let at = Location::caller();

        pr_err!("{}:{}: {message}\n", at.file(), at.line());
        Stop::Failed
    }
}

/// What a case returns.
pub(crate) type Outcome = Result<(), Stop>;

impl From<AllocError> for Stop {
    /// Reports where there was no memory, which fails the case.
    #[track_caller]
    fn from(_: AllocError) -> Self {
        Stop::failed(format_args!("no memory"))
    }
}

impl From<Error> for Stop {
    /// Reports which error there was and where, which fails the case.
    #[track_caller]
    fn from(error: Error) -> Self {
        Stop::failed(format_args!("{error:?}"))
    }
}

/// Fails the case, with a message as of `format_args!()`, if a condition does not hold; in a
/// function that returns an [`Outcome`].
macro_rules! check {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(suite::Stop::failed(core::format_args!($($message)+)));
        }
    };
}
pub(crate) use check;

/// A suite.
///
/// The kernel has a function of C for each case. Here the cases of a suite share one: of the time
/// that a test module of hundreds of cases takes the compiler, a tenth would be for theirs.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// The names of its cases.
    pub(crate) cases: &'static [&'static CStr],
    /// Runs a case, given by its number among them.
    pub(crate) run: fn(usize) -> Outcome,
}

/// Registers a suite of cases with KUnit, which runs them when the module is loaded; on a kernel
/// without KUnit with [`run_without_kunit`].
///
/// `name` is the suite's. The cases are functions without arguments that return an [`Outcome`].
macro_rules! kunit_suite {
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        cases: [$($case:ident),+ $(,)?] $(,)?
    ) => {
        $(#[doc = $doc])*
        const _: () = {
            const CASES: &[fn() -> suite::Outcome] = &[$($case),+];

            suite::register!(suite::Suite {
                name: stringify!($name),
                cases: &[$(suite::c_str(concat!(stringify!($case), "\0"))),+],
                run: |case| CASES[case](),
            });
        };
    };
}
pub(crate) use kunit_suite;

/// Returns a text that ends in a NUL as C has it; an empty one if it doesn't.
pub(crate) const fn c_str(text: &str) -> &CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// Registers a [`Suite`], which must be a constant.
///
/// What KUnit takes is there also on a kernel without: it is how others see that there are suites.
macro_rules! register {
    ($suite:expr) => {
        const NEW: suite::Suite = $suite;
        static SUITE: suite::Suite = NEW;

        /// # Safety
        ///
        /// `test` must be the running test, of a case of this suite.
        unsafe extern "C" fn run_for_kunit(test: *mut kernel::bindings::kunit) {
            // SAFETY: KUnit calls a case with the test that it is run as.
            unsafe { suite::run(test, &SUITE) };
        }

        static mut KUNITS_CASES: [kernel::bindings::kunit_case; NEW.cases.len() + 1] =
            suite::new_cases(NEW.cases, run_for_kunit);

        static mut KUNITS_SUITE: kernel::bindings::kunit_suite =
            suite::new_suite(NEW.name, core::ptr::addr_of_mut!(KUNITS_CASES).cast());

        // The module loader hands KUnit what is in this section (`kernel/module/main.c`,
        // `find_module_sections()`).
        //
        // `compiler`, as the kernel's own macros have it: of newer compilers a plain `#[used]` goes
        // to the linker as well, by a flag that makes another section of it.
        #[used(compiler)]
        #[link_section = ".kunit_test_suites"]
        static ENTRY: suite::Entry = suite::Entry(core::ptr::addr_of_mut!(KUNITS_SUITE));

        suite::register_with_runner!(SUITE);
    };
}
pub(crate) use register;

/// A pointer to a suite, as the section has it.
#[repr(transparent)]
pub(crate) struct Entry(pub(crate) *mut bindings::kunit_suite);

// SAFETY: Only KUnit uses the pointer, and serialises what it does with suites.
unsafe impl Sync for Entry {}

/// What KUnit takes for the end of a suite's cases.
///
/// `kunit_case` has more fields on newer kernels; all are zero unless set.
const END_OF_CASES: bindings::kunit_case =
    // SAFETY: Pointers, options of functions and numbers may all be zero.
    unsafe { zeroed() };

/// Returns cases of these names, and the end of them; `N` is one more than there are names.
pub(crate) const fn new_cases<const N: usize>(
    names: &[&'static CStr],
    run: unsafe extern "C" fn(*mut bindings::kunit),
) -> [bindings::kunit_case; N] {
    let mut cases = [END_OF_CASES; N];
    let mut n = 0;

    while n < names.len() {
        cases[n].run_case = Some(run);
        cases[n].name = names[n].to_bytes_with_nul().as_ptr().cast_mut().cast();
        n += 1;
    }
    cases
}

/// Returns a suite of `cases`, which [`new_cases`] made.
pub(crate) const fn new_suite(
    name: &str,
    cases: *mut bindings::kunit_case,
) -> bindings::kunit_suite {
    let mut suite = bindings::kunit_suite {
        test_cases: cases,
        // SAFETY: Pointers, options of functions and numbers may all be zero.
        ..unsafe { zeroed() }
    };

    let name = name.as_bytes();
    assert!(name.len() < suite.name.len());
    let mut n = 0;
    while n < name.len() {
        // A `char` of C is `u8` or `i8` to Rust, by kernel.
        #[allow(clippy::as_underscore)]
        {
            suite.name[n] = name[n] as _;
        }
        n += 1;
    }
    suite
}

/// Runs the case of a suite that a test is for, and tells KUnit its outcome.
///
/// # Safety
///
/// `test` must be the running test, of a case of this suite.
pub(crate) unsafe fn run(test: *mut bindings::kunit, suite: &'static Suite) {
    #[allow(
        clippy::disallowed_methods,
        reason = "`from_char_ptr` differs by kernel"
    )]
    // SAFETY: KUnit gives a test the name of its case (`lib/kunit/test.c`, `kunit_init_test()`),
    // which is one of `suite.cases`.
    let name = unsafe { CStr::from_ptr(addr_of!((*test).name).read().cast()) };
    let number = suite.cases.iter().position(|&case| case == name);
    let outcome = number.map_or_else(|| Err(Stop::failed(format_args!("no case"))), suite.run);

    let status = match outcome {
        Ok(()) => return,
        Err(Stop::Failed) => bindings::kunit_status_KUNIT_FAILURE,
        Err(Stop::Skipped(why)) => {
            // SAFETY: `test` is the running test, and this is its own thread; a zeroed comment of
            // this size stays terminated as long as less than all of it is written.
            unsafe {
                let comment = addr_of_mut!((*test).status_comment);
                let len = why.to_bytes().len().min((*comment).len() - 1);

                comment
                    .cast::<u8>()
                    .copy_from_nonoverlapping(why.to_bytes().as_ptr(), len);
            }
            bindings::kunit_status_KUNIT_SKIPPED
        }
    };

    // SAFETY: `test` is the running test. The write is volatile as C's is (`kunit_set_failure()`).
    unsafe { addr_of_mut!((*test).status).write_volatile(status) };
}
