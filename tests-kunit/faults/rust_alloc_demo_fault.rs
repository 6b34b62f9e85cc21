// SPDX-License-Identifier: GPL-2.0

//! Does wrong what the harness must notice. For the harness's own tests.

use core::{
    hint::spin_loop,
    ptr::null_mut, //
};

use kernel::{
    prelude::*,
    warn_on, //
};

module! {
    type: Fault,
    name: "rust_alloc_demo_fault",
    authors: ["The rust_alloc_demo developers"],
    description: "Faults for the tests of rust_alloc_demo's harness",
    license: "GPL",
    params: {
        warn: bool {
            default: false,
            description: "Warn when loaded",
        },
        oops: bool {
            default: false,
            description: "Write to a null pointer when loaded",
        },
        hang: bool {
            default: false,
            description: "Never finish loading",
        },
    },
}

struct Fault;

impl kernel::Module for Fault {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if module_parameters::warn.value() {
            warn_on!(true);
        }
        if module_parameters::oops.value() {
            // SAFETY: None. The kernel reports the write and ends the task.
            unsafe { null_mut::<u8>().write_volatile(0) };
        }
        while module_parameters::hang.value() {
            spin_loop();
        }
        Ok(Self)
    }
}
