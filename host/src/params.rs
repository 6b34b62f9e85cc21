// SPDX-License-Identifier: GPL-2.0

//! The test module's parameters, from the environment.

#![allow(non_upper_case_globals, reason = "they have the parameters' names")]

use std::env;

/// A number that the environment may have.
pub(crate) struct Param(&'static str, usize);

impl Param {
    /// Returns the number, or the default.
    pub(crate) fn value(&self) -> usize {
        env::var(self.0).map_or(self.1, |value| value.parse().expect("a number"))
    }
}

/// The seed of the random cases, which in the kernel is a parameter in C; 0 draws one.
pub(crate) static seed: Param = Param("SEED", 1);

/// How long the load lasts, in seconds; 0 is some rounds.
pub(crate) static soak: Param = Param("DURATION", 0);
