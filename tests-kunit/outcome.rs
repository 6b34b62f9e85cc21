// SPDX-License-Identifier: GPL-2.0

//! What a case of a suite comes to.

use core::{
    ffi::CStr,
    panic::Location, //
};

use kernel::{
    alloc::AllocError,
    prelude::*, //
};

/// Why a case stopped before its end.
pub(crate) enum Stop {
    /// A check failed; it has been reported.
    Failed,
    /// The kernel that it runs on lacks what the case is about.
    Skipped(&'static CStr),
}

/// What a case returns.
pub(crate) type Outcome = Result<(), Stop>;

impl From<AllocError> for Stop {
    /// Reports where there was no memory.
    #[track_caller]
    fn from(_: AllocError) -> Self {
        let at = Location::caller();

        pr_err!("{}:{}: no memory\n", at.file(), at.line());
        Stop::Failed
    }
}

/// Fails the case, with a message, if a condition does not hold.
macro_rules! check {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            kernel::pr_err!(
                "{}:{}: {}\n",
                core::file!(),
                core::line!(),
                core::format_args!($($message)+)
            );
            return Err($crate::suite::Stop::Failed);
        }
    };
}
