// SPDX-License-Identifier: GPL-2.0

//! Numbers that somebody has chosen: proptest, or a fuzzer.

use std::vec::IntoIter;

use crate::conformance::rng::Numbers;

/// The numbers that bytes make, small ones, so that bytes go a long way; zero when they come to an
/// end.
pub(crate) struct Chosen(IntoIter<u8>);

impl Chosen {
    /// Returns the numbers of these bytes.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into_iter())
    }

    /// Returns a number made of the next bytes.
    fn take(&mut self, bytes: usize) -> u64 {
        self.0
            .by_ref()
            .take(bytes)
            .fold(0, |number, byte| (number << 8) | u64::from(byte))
    }
}

impl Numbers for Chosen {
    fn next(&mut self) -> u64 {
        self.take(2)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bytes = if bound > 256 { 2 } else { 1 };

        (self.take(bytes) as usize).checked_rem(bound).unwrap_or(0)
    }
}
