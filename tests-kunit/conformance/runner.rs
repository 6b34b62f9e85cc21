// SPDX-License-Identifier: GPL-2.0

//! Runs a module's suites on a kernel without KUnit, and prints what KUnit would print.
//!
//! It lies beside `suite.rs`, and kernels with KUnit don't need it. There the module loader hands
//! KUnit the section that the suites are in (`kernel/module/main.c`, `find_module_sections()`). A
//! module can't find its own sections, but it finds its parameters: the loader leaves what is in
//! `__param` in `struct module` (there too, `kp` and `num_kp`). So each suite is a parameter here,
//! which can't be set and isn't seen, and [`run`] takes the suites from among them.
//!
//! What KUnit takes from the kernel's command line the module takes as parameters of the same
//! names: `insmod my_kunit.ko kunit.filter_glob='my_*.adds*'`.

use core::{
    ffi::c_int,
    fmt, ptr, slice,
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        Ordering, //
    },
};

use kernel::{
    bindings,
    ffi::c_char,
    prelude::*, //
};

use super::{
    super::suite,
    Stop,
    Suite, //
};

/// A parameter as the module loader has it.
#[repr(transparent)]
pub(crate) struct Param(pub(crate) bindings::kernel_param);

// SAFETY: The loader and this file only read it, as it is constant in C
// (`include/linux/moduleparam.h`, `__module_param_call()`). What it points to is `Sync`.
unsafe impl Sync for Param {}

#[allow(improper_ctypes, reason = "it is the kernel's own type")]
extern "C" {
    /// This module, which modpost makes (`scripts/mod/modpost.c`, `add_header()`).
    pub(crate) static __this_module: bindings::module;
}

/// Makes a parameter that sysfs doesn't show: its name with a NUL, its operations, which must be a
/// `kernel_param_ops`, and the address of what those take.
///
/// It must come to lie in `__param` as `module_param()` has it (`include/linux/moduleparam.h`).
macro_rules! param {
    ($name:expr, $ops:expr, $arg:expr) => {
        const _: () = {
            use kernel::bindings;

            #[allow(unused_unsafe, reason = "an address takes none since Rust 1.82")]
            #[used(compiler)]
            #[link_section = "__param"]
            static PARAM: suite::runner::Param = suite::runner::Param(bindings::kernel_param {
                name: $name.as_ptr().cast(),
                // SAFETY: Only the address is taken.
                mod_: unsafe { core::ptr::addr_of!(suite::runner::__this_module) }.cast_mut(),
                // SAFETY: As above.
                ops: unsafe { core::ptr::addr_of!($ops) },
                perm: 0,
                level: -1,
                flags: 0,
                __bindgen_anon_1: bindings::kernel_param__bindgen_ty_1 {
                    arg: core::ptr::addr_of!($arg).cast_mut().cast(),
                },
            });
        };
    };
}
pub(crate) use param;

/// Writes one line of `modinfo`, which ends in a NUL.
macro_rules! modinfo {
    ($line:literal) => {
        const _: () = {
            #[used(compiler)]
            #[link_section = ".modinfo"]
            static LINE: [u8; $line.len()] = *$line;
        };
    };
}

/// Makes a suite known to [`run`]; `suite` must be in scope.
macro_rules! register_with_runner {
    ($suite:ident) => {
        // `IS_SUITE` says that it is one.
        suite::runner::param!("kunit_suite!\0", suite::runner::IS_SUITE, $suite);
    };
}
pub(crate) use register_with_runner;

/// The operations of a parameter that is a suite, and of no other.
///
/// There is nothing to free when the module goes (`kernel/params.c`, `module_destroy_params()`).
pub(crate) static IS_SUITE: bindings::kernel_param_ops = bindings::kernel_param_ops {
    flags: 0,
    set: Some(refuse),
    get: None,
    free: None,
};

/// Refuses to be set.
///
/// # Safety
///
/// None; it is what the type takes.
unsafe extern "C" fn refuse(_text: *const c_char, _param: *const bindings::kernel_param) -> c_int {
    EINVAL.to_errno()
}

/// Whether cases are run; what `param_set_bool()` writes to.
static ENABLE: AtomicBool = AtomicBool::new(true);

/// Which cases are asked for, as `suite.case`; a null pointer or a string, as of all parameters for
/// which `param_set_charp()` is.
static FILTER_GLOB: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

/// What is done with them instead of running them, as above.
static ACTION: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

param!("kunit.enable\0", bindings::param_ops_bool, ENABLE);
param!(
    "kunit.filter_glob\0",
    bindings::param_ops_charp,
    FILTER_GLOB
);
param!("kunit.action\0", bindings::param_ops_charp, ACTION);

modinfo!(b"parmtype=kunit.enable:bool\0");
modinfo!(b"parmtype=kunit.filter_glob:charp\0");
modinfo!(b"parmtype=kunit.action:charp\0");
modinfo!(b"parm=kunit.enable:Whether the suites run; they do by default\0");
modinfo!(b"parm=kunit.filter_glob:Which suites or cases run, as suite* or *.case*\0");
modinfo!(b"parm=kunit.action:`list` to print the cases' names instead of running them\0");

/// Returns what was given for a parameter that is a string.
fn given(param: &'static AtomicPtr<c_char>) -> Option<&'static [u8]> {
    let text = param.load(Ordering::Relaxed);

    if text.is_null() {
        return None;
    }
    // SAFETY: `param_set_charp()` has made a string of it, before the module's code ran; sysfs does
    // not have it, so it stays until the module goes (`kernel/params.c`).
    Some(unsafe { slice::from_raw_parts(text.cast::<u8>(), bindings::strlen(text)) })
}

/// Returns this module's suites.
fn suites() -> impl Iterator<Item = &'static Suite> + Clone {
    // SAFETY: The loader has filled in what is read here before the module's code runs, and leaves
    // it alone after that (`kernel/module/main.c`, `find_module_sections()`).
    let (params, count) = unsafe { (__this_module.kp, __this_module.num_kp) };
    let params: &[bindings::kernel_param] = if params.is_null() {
        &[]
    } else {
        // SAFETY: It is an array of so many, which are constant and stay until the module goes.
        unsafe { slice::from_raw_parts(params, count as usize) }
    };

    params
        .iter()
        .filter(|param| ptr::eq(param.ops, &IS_SUITE))
        // SAFETY: Only `register_with_runner` makes those that have these operations, of a `static`
        // suite.
        .map(|param| unsafe { &*param.__bindgen_anon_1.arg.cast_const().cast::<Suite>() })
}

/// What a byte of a text is to the first token of a pattern, and how long the token is.
fn token(pattern: &[u8], byte: u8) -> (bool, usize) {
    match pattern {
        [b'?', ..] => (true, 1),
        [b'\\', quoted, ..] => (byte == *quoted, 2),
        // What is no class stands for itself.
        [b'[', class @ ..] => of_class(class, byte).unwrap_or((byte == b'[', 1)),
        [first, ..] => (byte == *first, 1),
        [] => (false, 0),
    }
}

/// The same of a class of bytes, without the bracket that opens it; `None` if nothing closes it.
fn of_class(class: &[u8], byte: u8) -> Option<(bool, usize)> {
    let (inverted, mut rest) = match class {
        [b'!', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let mut first = true;

    loop {
        let (from, to, after) = match rest {
            [b']', after @ ..] if !first => {
                return Some((found != inverted, 1 + class.len() - after.len()));
            }
            [from, b'-', to, after @ ..] if *to != b']' => (*from, *to, after),
            [from, after @ ..] => (*from, *from, after),
            [] => return None,
        };

        found |= (from..=to).contains(&byte);
        first = false;
        rest = after;
    }
}

/// Returns whether a text matches a pattern, as of `glob_match()` (`lib/glob.c`), which KUnit uses:
/// `*`, `?`, classes in brackets, and a backslash before what stands for itself. Only what ends in
/// a lone backslash is another pattern there.
fn matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    // Where to go on if what follows the last star does not match: with one byte more for that.
    let mut back = None;

    loop {
        if let [b'*', rest @ ..] = pattern {
            pattern = rest;
            back = Some((rest, text));
            continue;
        }
        match (text, back) {
            ([], _) if pattern.is_empty() => return true,
            ([byte, rest @ ..], _) if token(pattern, *byte).0 => {
                pattern = pattern.get(token(pattern, *byte).1..).unwrap_or(&[]);
                text = rest;
            }
            (_, Some((after_star, [_, rest @ ..]))) => {
                back = Some((after_star, rest));
                (pattern, text) = (after_star, rest);
            }
            _ => return false,
        }
    }
}

/// Prints a line as KUnit does, which has no module's name before it.
fn print(line: fmt::Arguments<'_>) {
    let format = c"\x016%pA\n".to_bytes_with_nul();

    // SAFETY: The format begins with a level, `KERN_INFO`, and takes one argument: `%pA` is a
    // pointer to a `fmt::Arguments` (`rust/kernel/print.rs`, `rust_fmt_argument()`).
    unsafe { bindings::_printk(format.as_ptr().cast(), ptr::from_ref(&line)) };
}

/// How many cases came to which end.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Prints them behind a title, if there is more than one case.
    fn print(&self, title: &str) {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        let total = passed + failed + skipped;

        if total > 1 {
            print(format_args!(
                "# {title}: pass:{passed} fail:{failed} skip:{skipped} total:{total}"
            ));
        }
    }
}

/// Returns the name of a suite's case.
fn name_of(suite: &Suite, case: usize) -> &'static str {
    suite.cases[case].to_str().unwrap_or_default()
}

/// Runs the cases of a suite, given by their numbers, and prints what comes of it
/// (`lib/kunit/test.c`, `kunit_run_tests()`).
///
/// All run in the task that loads the module. KUnit has a thread for each, for cases that end in
/// the midst; those here return.
fn run_suite(number: usize, suite: &Suite, cases: impl Iterator<Item = usize> + Clone) {
    let mut counts = Counts::default();
    let name = suite.name;

    print(format_args!("    KTAP version 1"));
    print(format_args!("    # Subtest: {name}"));
    print(format_args!("    1..{}", cases.clone().count()));
    for (n, nth) in cases.enumerate() {
        let n = n + 1;
        let case = name_of(suite, nth);

        match (suite.run)(nth) {
            Ok(()) => {
                counts.passed += 1;
                print(format_args!("    ok {n} {case}"));
            }
            Err(Stop::Failed) => {
                counts.failed += 1;
                print(format_args!("    not ok {n} {case}"));
            }
            Err(Stop::Skipped(why)) => {
                let why = why.to_str().unwrap_or_default();

                counts.skipped += 1;
                print(format_args!("    ok {n} {case} # SKIP {why}"));
            }
        }
    }
    counts.print(name);
    counts.print("Totals");
    if counts.failed > 0 {
        print(format_args!("not ok {number} {name}"));
    } else if counts.passed > 0 {
        print(format_args!("ok {number} {name}"));
    } else {
        print(format_args!("ok {number} {name} # SKIP "));
    }
}

/// Runs this module's suites, or does what its parameters say (`lib/kunit/test.c`,
/// `kunit_module_init()`).
pub(crate) fn run() {
    let glob = given(&FILTER_GLOB).unwrap_or(b"*.*");
    let mut parts = glob.splitn(2, |byte| *byte == b'.');
    let suite_glob = parts.next().unwrap_or_default();
    let case_glob = parts.next().unwrap_or(b"*");
    let of = |suite: &'static Suite| {
        (0..suite.cases.len())
            .filter(move |&case| matches(case_glob, name_of(suite, case).as_bytes()))
    };
    let chosen = suites()
        .filter(|suite| matches(suite_glob, suite.name.as_bytes()))
        .filter(|suite| of(suite).next().is_some());
    let count = chosen.clone().count();

    match given(&ACTION) {
        None if count == 0 => {}
        None => {
            print(format_args!("KTAP version 1"));
            print(format_args!("1..{count}"));
            if !ENABLE.load(Ordering::Relaxed) {
                print(format_args!("kunit: disabled"));
                return;
            }
            // SAFETY: The function has no requirements. It marks the kernel as one that ran tests.
            unsafe {
                bindings::add_taint(bindings::TAINT_TEST, bindings::lockdep_ok_LOCKDEP_STILL_OK)
            };
            for (n, suite) in chosen.enumerate() {
                run_suite(n + 1, suite, of(suite));
            }
        }
        // None of these suites has attributes.
        Some(b"list" | b"list_attr") => {
            print(format_args!("KTAP version 1"));
            for suite in chosen {
                print(format_args!("{}", suite.name));
                for case in of(suite) {
                    print(format_args!("{}.{}", suite.name, name_of(suite, case)));
                }
            }
        }
        Some(_) => pr_err!("kunit.action can be `list` only\n"),
    }
}
