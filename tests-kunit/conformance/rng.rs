// SPDX-License-Identifier: GPL-2.0

//! Random numbers that can be had again from their seed.

use kernel::{
    bindings,
    prelude::*, //
};

use super::probe;

/// A source of numbers.
pub(crate) trait Numbers {
    /// Returns the next number.
    fn next(&mut self) -> u64;

    /// Returns a number below `bound`, or 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize;
}

/// A splitmix64 generator: small, fast, good enough for picking layouts.
pub(crate) struct Rng(u64);

impl Rng {
    /// Returns a generator seeded by the module's `seed` parameter, or by chance if that is 0, and
    /// logs the seed with what it is for.
    pub(crate) fn new(what: &str) -> Self {
        let seed = match probe::seed() {
            // SAFETY: The function has no requirements.
            0 => unsafe { bindings::get_random_u64() as usize },
            seed => seed,
        };

        pr_info!("{what}: seed={seed}\n");
        Self::quiet(seed as u64)
    }

    /// Returns a generator for what is the same on every run, without a word.
    pub(crate) fn quiet(seed: u64) -> Self {
        Self(seed)
    }
}

impl Numbers for Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, bound: usize) -> usize {
        // Not as `u64`, which a machine of 32 bits can't divide by itself.
        (self.next() as usize).checked_rem(bound).unwrap_or(0)
    }
}

/// Spreads the bits of `n`: numbers that differ a little come out unlike each other.
pub(crate) fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
