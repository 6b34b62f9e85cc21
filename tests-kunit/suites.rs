// SPDX-License-Identifier: GPL-2.0

//! The test module: registers the KUnit suites when it is loaded.

use kernel::prelude::*;

#[path = "../allocator/mod.rs"]
mod allocator;

#[macro_use]
#[path = "../modinfo.rs"]
mod modinfo;

#[macro_use]
mod suite;

mod block;
mod compat;
mod conformance;
mod probe;
mod rng;

mod collections;
mod conforming;
mod failures;
mod flags;
mod global_alloc;
mod limits;
mod memory;
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
        seed {
            default: 0,
            description: "Seed of the random cases; 0, the default, draws one",
        },
        soak {
            default: 1,
            description: "How long the load on all CPUs lasts, in seconds; 1 by default",
        },
    },
}

/// Watches modules being loaded, until it is dropped.
struct Suites;

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        probe::watch()?;
        Ok(Self)
    }
}

impl Drop for Suites {
    fn drop(&mut self) {
        probe::unwatch();
        pr_notice!(
            "exit: layouts={} failures={}\n",
            block::requests(),
            probe::failures()
        );
    }
}
