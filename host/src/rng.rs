// SPDX-License-Identifier: GPL-2.0

//! Random numbers, or those that somebody has chosen: proptest, or a fuzzer.

#[path = "../../tests-kunit/rng.rs"]
mod seeded;

pub(crate) use self::seeded::mix;

use std::vec::IntoIter;

/// A source of numbers.
pub(crate) enum Rng {
    /// Random ones.
    Seeded(seeded::Rng),
    /// Those of these bytes, and zero when they come to an end.
    Chosen(IntoIter<u8>),
}

impl Rng {
    /// As of the kernel's suites.
    pub(crate) fn new(what: &str) -> Self {
        Self::Seeded(seeded::Rng::new(what))
    }

    /// As of the kernel's suites.
    pub(crate) fn quiet(seed: u64) -> Self {
        Self::Seeded(seeded::Rng::quiet(seed))
    }

    /// The numbers that these bytes make.
    pub(crate) fn chosen(bytes: Vec<u8>) -> Self {
        Self::Chosen(bytes.into_iter())
    }

    /// Returns the next number; a small one if it is chosen, so that bytes go a long way.
    pub(crate) fn next(&mut self) -> u64 {
        self.take(2, |rng| rng.next())
    }

    /// Returns a number below `bound`, or 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bytes = if bound > 256 { 2 } else { 1 };

        self.take(bytes, |rng| rng.below(bound) as u64)
            .checked_rem(bound as u64)
            .unwrap_or(0) as usize
    }

    /// Returns a number made of the next bytes, or what `random` gives.
    fn take(&mut self, bytes: usize, random: impl FnOnce(&mut seeded::Rng) -> u64) -> u64 {
        match self {
            Self::Seeded(rng) => random(rng),
            Self::Chosen(rest) => rest
                .take(bytes)
                .fold(0, |number, byte| (number << 8) | u64::from(byte)),
        }
    }
}
