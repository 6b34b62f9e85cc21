// SPDX-License-Identifier: GPL-2.0

//! The test module: its KUnit suites run when it is loaded.

use kernel::prelude::*;

use conformance::{
    block,
    probe, //
};

#[path = "../allocator/mod.rs"]
mod allocator;

#[macro_use]
#[path = "../demo/modinfo.rs"]
mod modinfo;

#[macro_use]
mod conformance;

mod buckets;
mod caches;
mod collections;
mod conforming;
mod failing;
mod failures;
mod flags;
mod foreign;
mod global_alloc;
mod inherited;
mod limits;
mod memory;
mod newtypes;
mod nodes;
mod soak;
mod zoo;

module! {
    type: Suites,
    name: "rust_alloc_demo_kunit",
    description: "KUnit suites for KernelAllocator",
    license: "GPL",
}

modinfo! {
    authors: ["The rust_alloc_demo developers"],
    params: {
        soak {
            default: 0,
            description: "Seconds of load on all CPUs; 0, the default: 200 rounds or a second",
        },
    },
}

/// Watches modules being loaded, until it is dropped.
struct Suites {
    _watch: failing::Watch,
    _caches: caches::Caches,
}

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let suites = Self {
            _watch: failing::Watch::new()?,
            _caches: caches::Caches::new()?,
        };

        conformance::suite::run_without_kunit();
        Ok(suites)
    }
}

impl Drop for Suites {
    fn drop(&mut self) {
        pr_notice!(
            "note: layouts={} failures={}\n",
            block::requests(),
            probe::failures()
        );
    }
}
