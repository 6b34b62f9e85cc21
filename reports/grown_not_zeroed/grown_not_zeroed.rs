// SPDX-License-Identifier: GPL-2.0

//! A vector that grows with `__GFP_ZERO`.

use kernel::prelude::*;

#[macro_use]
mod suite;

module! {
    type: GrownNotZeroed,
    name: "grown_not_zeroed",
    description: "A vector that grows with __GFP_ZERO",
    license: "GPL",
}

struct GrownNotZeroed;

impl kernel::Module for GrownNotZeroed {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

kunit_suite! {
    /// `__GFP_ZERO` on growth.
    name: grown_not_zeroed,
    cases: [growth_is_zeroed],
}

/// `Allocator::alloc()` promises that flags are honoured, and `realloc()` all that `alloc()` does:
/// with `__GFP_ZERO`, the bytes by which a block grows are zero.
fn growth_is_zeroed() -> suite::Outcome {
    const OLD: usize = 40;
    const NEW: usize = 80;

    for _ in 0..64 {
        // What the slab gives for the smaller size, a block of 64 bytes, was somebody's before.
        let mut used = KVec::<u8>::with_capacity(64, GFP_KERNEL)?;
        used.extend_with(64, 0xaa, GFP_KERNEL)?;
        drop(used);

        let mut vec = KVec::<u8>::with_capacity(OLD, GFP_KERNEL)?;
        vec.reserve(NEW, GFP_KERNEL | __GFP_ZERO)?;
        for (n, byte) in vec.spare_capacity_mut()[..NEW].iter().enumerate().skip(OLD) {
            // SAFETY: `__GFP_ZERO` has it initialized; what is looked at is to which value.
            let byte = unsafe { byte.assume_init() };
            check!(byte == 0, "byte {n} of {NEW} is {byte:#x}");
        }
    }
    Ok(())
}
