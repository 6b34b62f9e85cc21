// SPDX-License-Identifier: GPL-2.0

//! A division of two `u64`.

use kernel::prelude::*;

module! {
    type: ArmDivideU64,
    name: "arm_divide_u64",
    description: "A division of two u64",
    license: "GPL",
}

struct ArmDivideU64;

impl kernel::Module for ArmDivideU64 {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(arm_divide_u64)]
mod tests {
    use core::hint::black_box;

    /// `u64` has `Div`.
    #[test]
    fn a_number_is_divided() {
        assert_eq!(black_box(42_u64) / black_box(6_u64), 7);
    }
}
