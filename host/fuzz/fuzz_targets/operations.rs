// SPDX-License-Identifier: GPL-2.0

//! Operations that a fuzzer chooses, by what code they reach.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| host::operations::run(bytes));
