// SPDX-License-Identifier: GPL-2.0

//! The allocator's twin in user land: the same sources, over a slab without luck.
//!
//! `allocator/` compiles here unchanged, against a stand-in for the kernel crate (`kernel/`), and
//! so do the suites of `tests-kunit/`, whose cases are tests of cargo here. What they need of C
//! ([`probe`]), of KUnit ([`suite`]) and of the module's parameters ([`params`]) has a version of
//! its own.
//!
//! Left out are, by name, `conforming` and `inherited`, which are about the kernel's own
//! allocators, `buckets`, which asks C what it picks (here the stand-in ends the program on another
//! pick), and what [`suite`] says.

#![allow(dead_code, reason = "some of it is for the kernel only")]
#![cfg_attr(
    not(test),
    allow(unused_imports, unused_macros, reason = "most of it is for the tests")
)]

#[path = "../../allocator/mod.rs"]
mod allocator;

#[macro_use]
#[path = "../../tests-kunit/conformance/mod.rs"]
mod conformance;

// After `conformance`, of whose macros it replaces one.
#[macro_use]
mod suite;

mod params;
mod probe;
mod rng;

pub mod operations;

#[cfg(test)]
mod conforming;
#[cfg(test)]
mod properties;

#[cfg(test)]
#[path = "../../tests-kunit/caches.rs"]
mod caches;
#[cfg(test)]
#[path = "../../tests-kunit/collections.rs"]
mod collections;
#[cfg(test)]
#[path = "../../tests-kunit/failures.rs"]
mod failures;
#[cfg(test)]
#[path = "../../tests-kunit/flags.rs"]
mod flags;
#[cfg(test)]
#[path = "../../tests-kunit/global_alloc.rs"]
mod global_alloc;
#[cfg(test)]
#[path = "../../tests-kunit/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "../../tests-kunit/memory.rs"]
mod memory;
#[cfg(test)]
#[path = "../../tests-kunit/nodes.rs"]
mod nodes;
#[cfg(test)]
#[path = "../../tests-kunit/soak.rs"]
mod soak;
#[cfg(test)]
#[path = "../../tests-kunit/zoo.rs"]
mod zoo;
