// SPDX-License-Identifier: GPL-2.0

//! What a property is, and what the properties share.

use core::{
    alloc::Layout,
    ffi::CStr,
    fmt, //
};

use kernel::{
    alloc::{
        AllocError,
        Flags, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    subject::Subject, //
};

/// What was promised and not kept.
#[derive(Clone, Copy)]
pub(crate) struct Violation {
    /// What is wrong, in a few words.
    pub(crate) what: &'static str,
    /// The layout before, if there was one.
    pub(crate) old: Option<Layout>,
    /// The layout that was asked for.
    pub(crate) new: Layout,
}

// Not `Display`: on some kernels that is a trait of their own to `pr_err!()`.
impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, new) = (self.what, self.new);

        // A reallocation changes the layout; what has not changed is a fresh block's.
        match self.old.filter(|&old| old != new) {
            None => write!(f, "{what}: size {} align {}", new.size(), new.align()),
            Some(old) => write!(
                f,
                "{what}: from size {} align {} to size {} align {}",
                old.size(),
                old.align(),
                new.size(),
                new.align()
            ),
        }
    }
}

/// Why a property was not shown to hold.
pub(crate) enum Stop {
    /// It does not.
    Violated(Violation),
    /// There was no memory for the test, or for a request that is too modest to be refused.
    NoMemory,
    /// It is not about this allocator, or can't be tested on this machine.
    NotApplicable(&'static CStr),
}

/// What a property returns.
pub(crate) type Outcome = Result<(), Stop>;

/// A property of an allocator.
pub(crate) type Property = fn(Subject, &Limits) -> Outcome;

impl From<AllocError> for Stop {
    fn from(_: AllocError) -> Self {
        Stop::NoMemory
    }
}

/// Ends the property if a condition does not hold.
macro_rules! ensure {
    ($condition:expr, $what:literal, $old:expr => $new:expr) => {
        if !$condition {
            return Err(super::property::Stop::Violated(
                super::property::Violation {
                    what: $what,
                    old: Some($old),
                    new: $new,
                },
            ));
        }
    };
    ($condition:expr, $what:literal, $new:expr) => {
        if !$condition {
            return Err(super::property::Stop::Violated(
                super::property::Violation {
                    what: $what,
                    old: None,
                    new: $new,
                },
            ));
        }
    };
}
pub(super) use ensure;

/// What a property says that had nothing to try.
pub(super) const BEYOND_LIMITS: Stop = Stop::NotApplicable(c"its layouts are beyond the limits");

/// What a property says that is about layouts of which an allocator has none.
pub(super) const ONE_LAYOUT: Stop = Stop::NotApplicable(c"it has blocks of one layout only");

/// Memory that blocks of one layout take at most, in bytes.
const LIVE_BYTES: usize = 256 * 1024;

/// Returns the layout of `size` bytes aligned to `align`, in bytes.
pub(super) fn layout(size: usize, align: usize) -> Result<Layout, Stop> {
    Layout::from_size_align(size, align).map_err(|_| Stop::NoMemory)
}

/// Allocates as many blocks of a layout as `limits` allow, and at least two.
///
/// Large blocks may be refused where memory is fragmented, or because the allocator has none that
/// large; modest ones may not.
pub(super) fn several(
    subject: Subject,
    new: Layout,
    flags: Flags,
    limits: &Limits,
) -> Result<KVec<Block>, Stop> {
    let fits = LIVE_BYTES / new.pad_to_align().size().max(1);
    let live = fits.clamp(2, limits.live.max(2));
    let mut blocks = KVec::with_capacity(live, GFP_KERNEL)?;

    for _ in 0..live {
        match Block::new(subject, new, flags | kernel::alloc::flags::__GFP_NOWARN) {
            Err(_) if new.size() > PAGE_SIZE * 8 || new.align() > PAGE_SIZE => break,
            block => blocks.push(block?, GFP_KERNEL)?,
        }
    }
    Ok(blocks)
}

/// Returns the powers of two up to and including `max`.
pub(super) fn powers_of_two(max: usize) -> impl Iterator<Item = usize> {
    (0..=max.trailing_zeros()).map(|shift| 1 << shift)
}
