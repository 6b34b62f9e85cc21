// SPDX-License-Identifier: GPL-2.0

//! A `u64` in a message.

use kernel::prelude::*;

module! {
    type: ArmPrintU64,
    name: "arm_print_u64",
    description: "A u64 in a message",
    license: "GPL",
}

struct ArmPrintU64;

impl kernel::Module for ArmPrintU64 {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(arm_print_u64)]
mod tests {
    use super::*;
    use core::hint::black_box;

    /// `pr_info!()` takes what implements `Display`.
    #[test]
    fn a_number_is_printed() {
        pr_info!("{}\n", black_box(9_999_u64));
        pr_info!("{}\n", black_box(10_000_u64));
    }
}
