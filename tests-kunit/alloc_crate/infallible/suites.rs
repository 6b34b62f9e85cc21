// SPDX-License-Identifier: GPL-2.0

//! The test module: all of the alloc crate.

use kernel::prelude::*;

extern crate alloc;

#[path = "../../../allocator/mod.rs"]
mod allocator;

#[macro_use]
#[path = "../../conformance/suite.rs"]
mod suite;

mod collections;

module! {
    type: Suites,
    name: "rust_alloc_demo_infallible",
    description: "KUnit suites for the alloc crate in its infallible form",
    license: "GPL",
}

struct Suites;

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        suite::run_without_kunit();
        Ok(Self)
    }
}
