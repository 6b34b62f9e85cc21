// SPDX-License-Identifier: GPL-2.0

//! Random numbers that can be had again from their seed.

use kernel::{
    bindings,
    prelude::*, //
};

use crate::params;

/// A splitmix64 generator: small, fast, good enough for picking layouts.
pub(crate) struct Rng(u64);

impl Rng {
    /// Returns a generator seeded by the module's `seed` parameter, or by chance if that is 0, and
    /// logs the seed with what it is for.
    pub(crate) fn new(what: &str) -> Self {
        let seed = match params::seed.value() as u64 {
            // SAFETY: The function has no requirements.
            0 => unsafe { bindings::get_random_u64() },
            seed => seed,
        };

        pr_info!("{what}: seed={seed}\n");
        Self(seed)
    }

    /// Returns a generator for what is the same on every run, without a word.
    pub(crate) fn quiet(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number below `bound`, or 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.next().checked_rem(bound as u64).unwrap_or(0) as usize
    }
}

/// Spreads the bits of `n`: numbers that differ a little come out unlike each other.
pub(crate) fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
