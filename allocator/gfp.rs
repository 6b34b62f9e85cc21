// SPDX-License-Identifier: GPL-2.0

//! The caller's [`Flags`] as the bits that the slab takes.
//!
//! The bits of [`Flags`] are private to the kernel crate, but its constants and operators are not.
//! They cut the bits into groups that safe code can't cut any further. Each group is written down
//! once, as an expression over the constants, and evaluated twice: over [`Flags`] and over the bits
//! of the same constants in the bindings. A caller's flags are rebuilt from the groups that they
//! contain, and what can't be rebuilt is refused.

use core::ops::{
    BitAnd,
    Not, //
};

use kernel::alloc::{
    flags,
    AllocError,
    Flags, //
};

use super::slab;

/// The constants that flags for the slab are made of.
///
/// `__GFP_HIGHMEM` is not among them: slab memory is always mapped (`mm/slab.h`,
/// `GFP_SLAB_BUG_MASK`).
pub(super) struct Constants<T> {
    pub(super) zero: T,
    pub(super) nowarn: T,
    pub(super) kernel: T,
    pub(super) account: T,
    pub(super) atomic: T,
    pub(super) nowait: T,
}

const FLAGS: Constants<Flags> = Constants {
    zero: flags::__GFP_ZERO,
    nowarn: flags::__GFP_NOWARN,
    kernel: flags::GFP_KERNEL,
    account: flags::GFP_KERNEL_ACCOUNT,
    atomic: flags::GFP_ATOMIC,
    nowait: flags::GFP_NOWAIT,
};

impl<T: Copy + BitAnd<Output = T> + Not<Output = T>> Constants<T> {
    /// Returns the groups of bits that the constants can be told apart by.
    ///
    /// A group may be empty on a given kernel: it then adds nothing on either side.
    #[inline(always)]
    fn groups(&self) -> [T; 7] {
        [
            self.zero,
            self.nowarn,
            self.kernel & self.atomic,
            self.kernel & !self.atomic,
            self.account & !self.kernel,
            self.atomic & !self.kernel,
            self.nowait & !self.nowarn & !self.kernel & !self.atomic,
        ]
    }
}

/// Flags as the slab takes them.
///
/// # Invariants
///
/// The bits are an OR of those in [`slab::GFP`], so that the slab honours all of them.
#[derive(Clone, Copy)]
pub(crate) struct Gfp(u32);

impl Gfp {
    /// `GFP_KERNEL`: the caller can sleep.
    // INVARIANT: It is one of the constants.
    pub(super) const KERNEL: Self = Self(slab::GFP.kernel);

    /// `GFP_KERNEL | __GFP_ZERO`.
    // INVARIANT: It is an OR of two of the constants.
    pub(super) const KERNEL_ZERO: Self = Self(slab::GFP.kernel | slab::GFP.zero);

    /// Returns the bits.
    #[inline(always)]
    pub(crate) fn as_raw(self) -> u32 {
        self.0
    }

    /// Returns whether the memory is to read as zero.
    #[inline(always)]
    pub(super) fn zeroes(self) -> bool {
        self.0 & slab::GFP.zero != 0
    }
}

impl TryFrom<Flags> for Gfp {
    type Error = AllocError;

    /// Fails on `__GFP_HIGHMEM` and on flags that hold bits of no public constant.
    #[inline(always)]
    fn try_from(flags: Flags) -> Result<Self, AllocError> {
        let mut rebuilt = flags & !flags;
        let mut raw = 0;

        for (group, bits) in FLAGS.groups().into_iter().zip(slab::GFP.groups()) {
            if flags.contains(group) {
                rebuilt = rebuilt | group;
                raw |= bits;
            }
        }

        if rebuilt != flags {
            return Err(AllocError);
        }
        // INVARIANT: `bits` are cut out of the constants. They are the caller's: `raw` and
        // `rebuilt` are the same OR of the same expressions, and `rebuilt` equals `flags`.
        Ok(Self(raw))
    }
}
