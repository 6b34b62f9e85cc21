// SPDX-License-Identifier: GPL-2.0

//! The test module: the alloc crate in its fallible form.

use kernel::prelude::*;

extern crate alloc;

#[path = "../../../allocator/mod.rs"]
mod allocator;

#[macro_use]
#[path = "../../conformance/suite.rs"]
mod suite;

#[allow(dead_code, reason = "some of it is for other suites")]
#[path = "../../conformance/probe.rs"]
mod probe;

mod failures;
mod values;

module! {
    type: Suites,
    name: "rust_alloc_demo_fallible",
    description: "KUnit suites for the alloc crate in its fallible form",
    license: "GPL",
}

struct Suites;

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        suite::run_without_kunit();
        Ok(Self)
    }
}
