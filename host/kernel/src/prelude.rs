// SPDX-License-Identifier: GPL-2.0

//! What every source of the kernel has at hand.

pub use crate::{
    alloc::{
        flags::*,
        KBox,
        KVec, //
    },
    error::{
        code::*,
        Error,
        Result, //
    },
    pr_err,
    pr_info,
    pr_notice, //
};
