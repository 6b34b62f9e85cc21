// SPDX-License-Identifier: GPL-2.0

//! What [`Allocator`] promises, as properties that any allocator can be held to.
//!
//! A property is a function over an allocator that returns what was violated, and by which layouts.
//! It knows nothing of KUnit, and leaves no memory behind that the allocator takes back. The quotes
//! in the comments are the trait's own contract (`rust/kernel/alloc.rs`).

pub(crate) mod alignment;
pub(crate) mod calls;
pub(crate) mod contents;
pub(crate) mod edges;
pub(crate) mod failures;
pub(crate) mod guard;
pub(crate) mod memory;
pub(crate) mod random;
pub(crate) mod zeroing;

use core::{
    alloc::Layout,
    ffi::CStr,
    fmt, //
};

use kernel::{
    alloc::{
        AllocError,
        Allocator,
        Flags, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::KMALLOC_MAX_SIZE,
    block::Block, //
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
        let (old, new) = (self.old.unwrap_or(self.new), self.new);

        write!(
            f,
            "{}: size {} align {} to size {} align {}",
            self.what,
            old.size(),
            old.align(),
            new.size(),
            new.align()
        )
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

impl From<AllocError> for Stop {
    fn from(_: AllocError) -> Self {
        Stop::NoMemory
    }
}

/// Ends the property if a condition does not hold.
macro_rules! ensure {
    ($condition:expr, $what:literal, $old:expr => $new:expr) => {
        if !$condition {
            return Err($crate::conformance::Stop::Violated(
                $crate::conformance::Violation {
                    what: $what,
                    old: Some($old),
                    new: $new,
                },
            ));
        }
    };
    ($condition:expr, $what:literal, $new:expr) => {
        if !$condition {
            return Err($crate::conformance::Stop::Violated(
                $crate::conformance::Violation {
                    what: $what,
                    old: None,
                    new: $new,
                },
            ));
        }
    };
}
use ensure;

/// What can be asked of an allocator.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The largest size and alignment that it is tried with, in bytes; a power of two.
    pub(crate) max: usize,
    /// How many blocks are live at once of a layout.
    pub(crate) live: usize,
    /// Whether it can be used where nothing may sleep.
    pub(crate) atomic: bool,
    /// Whether its small blocks are the slab's, side by side.
    pub(crate) slab: bool,
}

/// How many blocks of the slab are live at once. A kernel that looks at every access takes ten
/// times as long, and needs fewer to see what is wrong.
const LIVE: usize = if cfg!(CONFIG_KASAN_GENERIC) { 8 } else { 32 };

impl Limits {
    /// For allocators over the slab.
    pub(crate) const SLAB: Self = Self {
        max: KMALLOC_MAX_SIZE,
        live: LIVE,
        atomic: true,
        slab: true,
    };

    /// For allocators over the slab that map pages where it has no memory, and may sleep to do so.
    pub(crate) const EITHER: Self = Self {
        max: PAGE_SIZE,
        live: LIVE,
        atomic: false,
        slab: true,
    };

    /// For allocators that map pages, which takes longer and may sleep.
    pub(crate) const PAGES: Self = Self {
        max: PAGE_SIZE,
        live: 4,
        atomic: false,
        slab: false,
    };
}

/// Memory that blocks of one layout take at most, in bytes.
const LIVE_BYTES: usize = 256 * 1024;

/// A property of the allocator `A`.
pub(crate) type Property = fn(&Limits) -> Outcome;

/// Gives the list of properties to a macro, as `path: name` for each.
///
/// The harness reads the same lines to know which cases must have run.
macro_rules! with_properties {
    ($macro:ident! { $($args:tt)* }) => {
        $macro! {
            { $($args)* }
            alignment: fresh_blocks_are_aligned,
            alignment: every_block_has_min_align,
            contents: live_blocks_do_not_overlap,
            contents: kept_on_growth,
            contents: kept_on_shrinking,
            contents: kept_and_aligned_when_alignment_rises,
            contents: kept_when_alignment_falls,
            contents: neighbours_survive_shrinking_with_alignment_raised,
            zeroing: fresh_blocks_are_zeroed,
            zeroing: growth_is_zeroed,
            zeroing: zeroing_keeps_contents,
            edges: zero_sizes,
            edges: too_large_is_refused,
            edges: failure_keeps_the_block,
            failures: failed_allocations_are_survived,
            calls: usable_in_atomic_context,
            calls: block_comes_from_its_node,
            calls: many_cpus_at_once,
            calls: reallocation_does_not_warn,
            memory: all_is_given_back,
            memory: any_order_of_freeing,
            random: random_sequence,
        }
    };
}
pub(crate) use with_properties;

/// Returns the layout of `size` bytes aligned to `align`, in bytes.
fn layout(size: usize, align: usize) -> Result<Layout, Stop> {
    Layout::from_size_align(size, align).map_err(|_| Stop::NoMemory)
}

/// Allocates as many blocks of a layout as `limits` allow, and at least two.
///
/// Large blocks may be refused where memory is fragmented, or because the allocator has none that
/// large; modest ones may not.
fn several<A: Allocator>(
    new: Layout,
    flags: Flags,
    limits: &Limits,
) -> Result<KVec<Block<A>>, Stop> {
    let fits = LIVE_BYTES / new.pad_to_align().size().max(1);
    let live = fits.clamp(2, limits.live.max(2));
    let mut blocks = KVec::with_capacity(live, GFP_KERNEL)?;

    for _ in 0..live {
        match Block::new(new, flags | kernel::alloc::flags::__GFP_NOWARN) {
            Err(_) if new.size() > PAGE_SIZE * 8 || new.align() > PAGE_SIZE => break,
            block => blocks.push(block?, GFP_KERNEL)?,
        }
    }
    Ok(blocks)
}

/// Returns the powers of two up to and including `max`.
fn powers_of_two(max: usize) -> impl Iterator<Item = usize> {
    (0..=max.trailing_zeros()).map(|shift| 1 << shift)
}
