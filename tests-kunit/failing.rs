// SPDX-License-Identifier: GPL-2.0

//! Allocations of `rust_alloc_demo` that fail while it is loaded (`failing.c`).

use core::ffi::c_int;

use kernel::{
    error::to_result,
    prelude::*, //
};

extern "C" {
    fn rust_alloc_demo_watch() -> c_int;
    fn rust_alloc_demo_unwatch();
}

/// While there is one, an allocation of `rust_alloc_demo` fails when that is loaded, if a parameter
/// of this module says which.
pub(crate) struct Watch(());

impl Watch {
    /// Begins to watch modules being loaded.
    ///
    /// # Errors
    ///
    /// What C says.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The function has no requirements; what it registers is undone when this is
        // dropped, before the module's code goes.
        to_result(unsafe { rust_alloc_demo_watch() })?;
        Ok(Self(()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: It was registered when this was made.
        unsafe { rust_alloc_demo_unwatch() };
    }
}
