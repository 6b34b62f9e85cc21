// SPDX-License-Identifier: GPL-2.0

//! The bench: measures what allocations cost when it is loaded, and prints it.
//!
//! `README.md` says what the counts are, `scripts/bench.py` what is made of them.

use kernel::prelude::*;

#[path = "../allocator/mod.rs"]
mod allocator;

#[allow(dead_code, unused_imports, reason = "the suites use more of it")]
#[path = "../tests-kunit/conformance/compat.rs"]
mod compat;

#[allow(dead_code, reason = "there are no parameters")]
#[macro_use]
#[path = "../demo/modinfo.rs"]
mod modinfo;

mod caches;
mod costs;
mod loops;
mod memory;
mod path;
mod record;

module! {
    type: Bench,
    name: "rust_alloc_demo_bench",
    description: "What an allocation through KernelAllocator costs",
    license: "GPL",
}

modinfo! {
    authors: ["The rust_alloc_demo developers"],
    params: {},
}

struct Bench;

impl kernel::Module for Bench {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut records = record::Records::new()?;

        costs::all(&mut records)?;
        caches::costs(&mut records)?;
        records.print();
        memory::print()?;
        caches::memory()?;
        Ok(Self)
    }
}
