// SPDX-License-Identifier: GPL-2.0

//! The kernel's own allocators by their names. Only one of them is there.

pub use super::kmalloc::Kmalloc;

/// Stands for its namesake where a type is all that is asked for.
pub struct Vmalloc;

/// Stands for its namesake where a type is all that is asked for.
pub struct KVmalloc;
