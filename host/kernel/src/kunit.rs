// SPDX-License-Identifier: GPL-2.0

//! KUnit as bindgen sees it, as much as a suite has of it. Nothing here runs one.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "the names are C's"
)]

use core::ffi::{
    c_char,
    c_uint, //
};

pub const kunit_status_KUNIT_FAILURE: c_uint = 1;
pub const kunit_status_KUNIT_SKIPPED: c_uint = 2;

/// A test that runs (`struct kunit` in `include/kunit/test.h`).
#[repr(C)]
pub struct kunit {
    pub name: *const c_char,
    pub status: c_uint,
    pub status_comment: [c_char; 256],
}

/// A case of a suite.
#[repr(C)]
pub struct kunit_case {
    pub run_case: Option<unsafe extern "C" fn(*mut kunit)>,
    pub name: *const c_char,
    pub module_name: *mut c_char,
}

/// A suite.
#[repr(C)]
pub struct kunit_suite {
    pub name: [c_char; 256],
    pub test_cases: *mut kunit_case,
    pub log: *mut c_char,
}
