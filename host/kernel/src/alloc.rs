// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's `alloc`: the trait [`Allocator`], and what goes with it.

pub mod allocator;
mod kbox;
mod kmalloc;
mod kvec;
mod traits;

use core::ops::{
    BitAnd,
    BitOr,
    Not, //
};

pub use self::{
    kbox::{
        Box,
        KBox, //
    },
    kvec::{
        KVec,
        Vec, //
    },
    traits::Allocator, //
};
use crate::bindings;

/// There was no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocError;

/// Flags of an allocation, whose bits are private as in the kernel.
#[derive(Clone, Copy, PartialEq)]
pub struct Flags(u32);

impl Flags {
    /// Returns whether all bits of `flags` are in these.
    pub fn contains(self, flags: Flags) -> bool {
        self & flags == flags
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Flags {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

/// A NUMA node that memory is to come from, or none in particular; since Linux 6.18.
#[cfg(slab_api = "krealloc_node_align")]
#[derive(Clone, Copy, PartialEq)]
pub struct NumaNode(i32);

#[cfg(slab_api = "krealloc_node_align")]
impl NumaNode {
    /// No node in particular.
    pub const NO_NODE: Self = Self(bindings::NUMA_NO_NODE);

    /// Returns a node, which need not be online.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there can't be such a node.
    pub fn new(node: i32) -> crate::error::Result<Self> {
        if !(0..bindings::MAX_NUMNODES as i32).contains(&node) {
            return Err(crate::error::code::EINVAL);
        }
        Ok(Self(node))
    }
}

/// The flags that the kernel crate has names for.
pub mod flags {
    use super::{
        bindings,
        Flags, //
    };

    /// The memory is to read as zero.
    pub const __GFP_ZERO: Flags = Flags(bindings::__GFP_ZERO);
    /// The memory need not be mapped, which the slab can't do.
    pub const __GFP_HIGHMEM: Flags = Flags(bindings::__GFP_HIGHMEM);
    /// No warning if there is no memory.
    pub const __GFP_NOWARN: Flags = Flags(bindings::__GFP_NOWARN);
    /// The caller can't sleep, and the reserves may be used.
    pub const GFP_ATOMIC: Flags = Flags(bindings::GFP_ATOMIC);
    /// The caller can sleep.
    pub const GFP_KERNEL: Flags = Flags(bindings::GFP_KERNEL);
    /// The caller can sleep, and the memory is put to its account.
    pub const GFP_KERNEL_ACCOUNT: Flags = Flags(bindings::GFP_KERNEL_ACCOUNT);
    /// The caller can't sleep.
    pub const GFP_NOWAIT: Flags = Flags(bindings::GFP_NOWAIT);
}
