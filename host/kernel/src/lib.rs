// SPDX-License-Identifier: GPL-2.0

//! A stand-in for the kernel crate: what `allocator/` and the suites in `tests-kunit/` use of it,
//! in user land.
//!
//! Names and forms are the kernel's, so that those sources compile unchanged. Below [`bindings`]
//! there is a model of the slab instead of the slab ([`slab`]), which keeps kmalloc's promises to
//! the letter and nothing that is luck; [`test`] is how a test talks to it.

#[cfg(not(any(slab_api = "krealloc", slab_api = "krealloc_node_align")))]
compile_error!(
    "the cfg `slab_api` is not set; run cargo in host/, whose .cargo/config.toml sets it, or \
     set it by RUSTFLAGS"
);

pub mod alloc;
pub mod bindings;
mod caches;
mod constants;
mod context;
mod kunit;
pub mod page;
pub mod prelude;
mod slab;
pub mod sync;
pub mod test;

/// The types of C.
pub mod ffi {
    pub use core::ffi::{
        c_char,
        c_int,
        c_void, //
    };
}

/// Errors of the kernel, those that are needed here.
pub mod error {
    /// An errno.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Error(i32);

    /// What functions of the kernel return.
    pub type Result<T = (), E = Error> = core::result::Result<T, E>;

    /// The errors by their names (`include/linux/errno.h`).
    pub mod code {
        use super::Error;

        /// There is no memory.
        pub const ENOMEM: Error = Error(-12);
        /// It is in use.
        pub const EBUSY: Error = Error(-16);
        /// It is there already.
        pub const EEXIST: Error = Error(-17);
        /// What is not a valid argument.
        pub const EINVAL: Error = Error(-22);
        /// What is not supported.
        pub const ENOTSUPP: Error = Error(-524);
    }
}

/// Logs an error.
#[macro_export]
macro_rules! pr_err {
    ($($message:tt)+) => { ::std::eprint!($($message)+) };
}

/// Logs for information.
#[macro_export]
macro_rules! pr_info {
    ($($message:tt)+) => { ::std::print!($($message)+) };
}

/// Logs what is out of the ordinary.
#[macro_export]
macro_rules! pr_notice {
    ($($message:tt)+) => { ::std::print!($($message)+) };
}
