// SPDX-License-Identifier: GPL-2.0

//! The suite is itself tested: each faulty allocator (`zoo/faulty.rs`) beside the property that
//! must notice, and why.

use kernel::alloc::AllocError;

use crate::conformance::{
    alignment,
    calls,
    contents,
    edges,
    failures,
    lifecycle,
    memory,
    property::{
        self,
        Property,
        Stop as Found, //
    },
    random,
    suite::{
        self,
        Outcome,
        Stop, //
    },
    zeroing,
    Limits,
    Subject, //
};

// By their paths, which are the same where this file is itself taken in by its path (host/).
#[path = "zoo/caches.rs"]
mod caches;
#[path = "zoo/faulty.rs"]
mod faulty;
#[path = "zoo/parts.rs"]
mod parts;

use caches::*;
use faulty::*;

/// Holds a faulty allocator to a property, which must not hold for the reason that is given.
fn reject(subject: Subject, property: Property, name: &str, why: &str) -> Outcome {
    if cfg!(CONFIG_KASAN) && name.starts_with("neighbours") {
        return Err(Stop::Skipped(c"KASAN would report it first"));
    }
    rejected(property(subject, &Limits::SLAB), why)
}

/// Holds a faulty cache to a property.
fn reject_cache(subject: Subject, property: Property, why: &str) -> Outcome {
    rejected(property(subject, &Limits::one(caches::LAYOUT)), why)
}

/// Sees that a property did not hold, for the reason that is given.
fn rejected(outcome: property::Outcome, why: &str) -> Outcome {
    parts::clean_up();
    match outcome {
        Err(Found::Violated(violation)) => {
            check!(
                violation.what.ends_with(why),
                "rejected because {}",
                violation.what
            );
            Ok(())
        }
        Err(Found::NotApplicable(reason)) => Err(Stop::Skipped(reason)),
        Err(Found::NoMemory) => Err(AllocError.into()),
        Ok(()) => {
            check!(false, "it was found sound");
            Ok(())
        }
    }
}

/// Registers a case for each faulty allocator, with the property that it violates and how what is
/// said of that must end.
macro_rules! cases {
    ($($case:ident: $name:ident, $module:ident::$property:ident, $why:literal;)+) => {
        $(
            fn $case() -> Outcome {
                let subject = Subject::of::<$name>();

                reject(subject, $module::$property, stringify!($property), $why)
            }
        )+
    };
}

cases! {
    misaligns_at_64: MisalignsAt64, alignment::fresh_blocks_are_aligned,
        "a fresh block is misaligned";
    ignores_min_align: IgnoresMinAlign, alignment::every_block_has_min_align,
        "a block is not aligned to MIN_ALIGN";
    overlaps: Overlaps, contents::live_blocks_do_not_overlap,
        "a live block was overwritten by another";
    loses_last_byte_on_growth: LosesLastByteOnGrowth, contents::kept_on_growth,
        "a reallocated block lost its contents";
    loses_last_byte_on_shrinking: LosesLastByteOnShrinking, contents::kept_on_shrinking,
        "a reallocated block lost its contents";
    ignores_raised_alignment: IgnoresRaisedAlignment,
        contents::kept_and_aligned_when_alignment_rises,
        "a reallocated block is misaligned";
    loses_contents_when_alignment_falls: LosesContentsWhenAlignmentFalls,
        contents::kept_when_alignment_falls, "a reallocated block lost its contents";
    copies_too_much: CopiesTooMuch, contents::neighbours_survive_shrinking_with_alignment_raised,
        "a neighbour of a reallocated block was overwritten";
    ignores_zero: IgnoresZero, zeroing::fresh_blocks_are_zeroed, "a fresh block is not zeroed";
    ignores_zero_on_growth: IgnoresZeroOnGrowth, zeroing::growth_is_zeroed,
        "what a block has grown by is not zeroed";
    zeroes_contents: ZeroesContents, zeroing::zeroing_keeps_contents,
        "a block that was reallocated with __GFP_ZERO lost its contents";
    misaligns_nothing: MisalignsNothing, edges::zero_sizes,
        "what stands for no block is misaligned";
    accepts_too_large: AcceptsTooLarge, edges::too_large_is_refused,
        "more than there is was not refused";
    loses_block_on_failure: LosesBlockOnFailure, edges::failure_keeps_the_block,
        "a block was lost when its reallocation failed";
    spoils_what_it_cannot_move: SpoilsWhatItCannotMove,
        failures::failed_allocations_are_survived,
        "a block was changed when an allocation for it failed";
    refuses_atomic: RefusesAtomic, calls::usable_in_atomic_context,
        "a request that may not sleep was refused";
    ignores_node: IgnoresNode, calls::block_comes_from_its_node, "is not on its node";
    races_for_free_blocks: RacesForFreeBlocks, calls::many_cpus_at_once,
        "a block was overwritten or misaligned with all CPUs at it";
    leaks_on_free: LeaksOnFree, memory::all_is_given_back, "a freed block was not given back";
    leaks_on_shrinking: LeaksOnShrinking, memory::all_is_given_back,
        "a block that was shrunk was not given back";
    leaks_on_failure: LeaksOnFailure, memory::all_is_given_back,
        "a block whose reallocation failed was not given back";
    frees_in_reverse_only: FreesInReverseOnly, memory::any_order_of_freeing,
        "a live block changed when another was freed";
    overlaps_now_and_then: OverlapsNowAndThen, random::random_sequence, "in a random run";
    warns: Warns, calls::reallocation_does_not_warn, "the kernel warned of a reallocation";
}

/// Holds an allocator to a property that it keeps, though it may not look so.
fn accept(subject: Subject, property: Property, limits: &Limits) -> Outcome {
    let outcome = property(subject, limits);

    parts::clean_up();
    match outcome {
        Ok(()) => Ok(()),
        Err(Found::NotApplicable(reason)) => Err(Stop::Skipped(reason)),
        Err(Found::NoMemory) => Err(AllocError.into()),
        Err(Found::Violated(violation)) => {
            check!(false, "it was accused: {violation:?}");
            Ok(())
        }
    }
}

/// What is held back is no leak, however much less memory there is.
fn held_back_is_not_lost() -> Outcome {
    accept(
        Subject::of::<HoldsBack>(),
        memory::all_is_given_back,
        &Limits::SLAB,
    )
}

/// Limits that say that shrinking gives memory back.
const GIVES_BACK: Limits = Limits {
    gives_back: true,
    ..Limits::SLAB
};

fn gives_back_what_it_shrinks() -> Outcome {
    accept(
        Subject::of::<GivesBack>(),
        memory::shrinking_gives_back,
        &GIVES_BACK,
    )
}

fn keeps_what_it_shrinks() -> Outcome {
    let subject = Subject::of::<KeepsWhatItShrinks>();

    rejected(
        memory::shrinking_gives_back(subject, &GIVES_BACK),
        "a block that was shrunk kept its memory",
    )
}

fn cache_of_half_the_size() -> Outcome {
    reject_cache(
        Subject::of::<OfHalfTheSize>(),
        contents::live_blocks_do_not_overlap,
        "a live block was overwritten by another",
    )
}

fn cache_without_alignment() -> Outcome {
    reject_cache(
        Subject::of::<WithoutAlignment>(),
        |subject, limits| with_room(|| alignment::fresh_blocks_are_aligned(subject, limits)),
        "a fresh block is misaligned",
    )
}

fn cache_destroyed_with_live_objects() -> Outcome {
    rejected(
        lifecycle::live_blocks_keep_it::<DestroyedWithLive>(),
        "a cache was destroyed while a block was live",
    )
}

fn cache_used_before_creation() -> Outcome {
    rejected(
        lifecycle::usable_while_it_is_there::<UsedBeforeCreation>(),
        "a block was granted before the cache was created",
    )
}

kunit_suite! {
    /// Faulty allocators, each of which the suite must reject for the right reason.
    name: rust_alloc_zoo,
    cases: [
        misaligns_at_64,
        ignores_min_align,
        overlaps,
        loses_last_byte_on_growth,
        loses_last_byte_on_shrinking,
        ignores_raised_alignment,
        loses_contents_when_alignment_falls,
        copies_too_much,
        ignores_zero,
        ignores_zero_on_growth,
        zeroes_contents,
        misaligns_nothing,
        accepts_too_large,
        loses_block_on_failure,
        spoils_what_it_cannot_move,
        refuses_atomic,
        ignores_node,
        races_for_free_blocks,
        leaks_on_free,
        leaks_on_shrinking,
        leaks_on_failure,
        held_back_is_not_lost,
        gives_back_what_it_shrinks,
        keeps_what_it_shrinks,
        frees_in_reverse_only,
        overlaps_now_and_then,
        warns,
        cache_of_half_the_size,
        cache_without_alignment,
        cache_destroyed_with_live_objects,
        cache_used_before_creation,
    ],
}
