// SPDX-License-Identifier: GPL-2.0

//! The caller's [`Flags`] as the bits that the slab takes.
//!
//! The bits of [`Flags`] are private to the kernel crate, but its constants and operators are not.
//! They cut the bits into groups that safe code can't cut any further. Each group is written down
//! once, as an expression over the constants, and evaluated twice: over [`Flags`] and over [`Gfp`].
//! A caller's flags are rebuilt from the groups that they contain, and what can't be rebuilt is
//! refused.

use core::ops::{
    BitAnd,
    Not, //
};

use kernel::alloc::{
    flags,
    AllocError,
    Flags, //
};

use super::slab::Gfp;

/// The constants that flags for the slab are made of.
struct Constants<T> {
    zero: T,
    nowarn: T,
    kernel: T,
    account: T,
    atomic: T,
    nowait: T,
}

const FLAGS: Constants<Flags> = Constants {
    zero: flags::__GFP_ZERO,
    nowarn: flags::__GFP_NOWARN,
    kernel: flags::GFP_KERNEL,
    account: flags::GFP_KERNEL_ACCOUNT,
    atomic: flags::GFP_ATOMIC,
    nowait: flags::GFP_NOWAIT,
};

const GFP: Constants<Gfp> = Constants {
    zero: Gfp::ZERO,
    nowarn: Gfp::NOWARN,
    kernel: Gfp::KERNEL,
    account: Gfp::KERNEL_ACCOUNT,
    atomic: Gfp::ATOMIC,
    nowait: Gfp::NOWAIT,
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

impl TryFrom<Flags> for Gfp {
    type Error = AllocError;

    /// Fails on `__GFP_HIGHMEM` and on flags that hold bits of no public constant.
    #[inline(always)]
    fn try_from(flags: Flags) -> Result<Self, AllocError> {
        let mut rebuilt = flags & !flags;
        let mut gfp = Self::NONE;

        for (group, bits) in FLAGS.groups().into_iter().zip(GFP.groups()) {
            if flags.contains(group) {
                rebuilt = rebuilt | group;
                gfp = gfp | bits;
            }
        }

        // The bits are the caller's: `gfp` and `rebuilt` are the same OR of the same expressions
        // over the same constants.
        if rebuilt == flags {
            Ok(gfp)
        } else {
            Err(AllocError)
        }
    }
}
