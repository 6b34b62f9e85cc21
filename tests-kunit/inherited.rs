// SPDX-License-Identifier: GPL-2.0

//! Whose a defect is: that of an allocator, or of the one that it stands on.

use kernel::alloc::{
    allocator::{
        Kmalloc,
        Vmalloc, //
    },
    AllocError, //
};

use crate::{
    allocator::KernelAllocator,
    conformance::{
        alignment,
        calls,
        contents,
        property::{
            Property,
            Stop as Found, //
        },
        suite::{
            self,
            Outcome,
            Stop, //
        },
        verdict::{
            judge,
            Verdict, //
        },
        Limits, //
    },
    newtypes::{
        CopiesTooMuch,
        IgnoresAlignment,
        LosesLastByte,
        Newtype, //
    },
};

kunit_suite! {
    /// Whose a defect is.
    name: rust_alloc_inherited,
    cases: [
        sound_over_kmalloc,
        sound_over_vmalloc,
        lost_byte_over_kmalloc,
        misaligned_over_kmalloc,
        base_does_the_same,
        base_does_something_else,
        base_overwrites,
        no_base,
    ],
}

/// What is wrong with an allocator that loses a byte.
const LOST: &str = "a reallocated block lost its contents";

/// Returns what is wrong, and whether that is inherited.
fn violation(
    property: Property,
    base: Option<Property>,
    limits: &Limits,
) -> Result<Option<(&'static str, bool)>, Stop> {
    match judge(property, base, limits) {
        Verdict::Kept => Ok(None),
        Verdict::Own(violation) => Ok(Some((violation.what, false))),
        Verdict::Inherited(violation) => Ok(Some((violation.what, true))),
        Verdict::NotApplicable(why) => Err(Stop::Skipped(why)),
        Verdict::NoMemory => Err(AllocError.into()),
    }
}

/// Holds if `what` is wrong, and is inherited or not, as `inherited` says.
fn violates(
    property: Property,
    base: Option<Property>,
    what: &'static str,
    inherited: bool,
) -> Outcome {
    let found = violation(property, base, &Limits::SLAB)?;
    let expected = Some((what, inherited));

    check!(found == expected, "found {found:?}, expected {expected:?}");
    Ok(())
}

/// An allocator that only passes on has the defects of its base and no other.
fn passes_on(property: Property, base: Property, limits: &Limits) -> Outcome {
    let expected = match base(limits) {
        Err(Found::Violated(violation)) => Some((violation.what, true)),
        // Of neither of them anything is known then.
        Err(Found::NotApplicable(_)) => return Ok(()),
        _ => None,
    };
    let found = violation(property, Some(base), limits)?;

    check!(
        found == expected,
        "found {found:?}, and of the base {expected:?}"
    );
    Ok(())
}

/// On Linux 6.12 `Kmalloc` has the second of these defects, on 6.18 the third.
fn sound_over_kmalloc() -> Outcome {
    let limits = &Limits::SLAB;

    passes_on(
        contents::kept_on_growth::<Newtype<Kmalloc>>,
        contents::kept_on_growth::<Kmalloc>,
        limits,
    )?;
    passes_on(
        contents::kept_and_aligned_when_alignment_rises::<Newtype<Kmalloc>>,
        contents::kept_and_aligned_when_alignment_rises::<Kmalloc>,
        limits,
    )?;
    passes_on(
        contents::neighbours_survive_shrinking_with_alignment_raised::<Newtype<Kmalloc>>,
        contents::neighbours_survive_shrinking_with_alignment_raised::<Kmalloc>,
        limits,
    )
}

/// On Linux 7.3 `Vmalloc` warns.
fn sound_over_vmalloc() -> Outcome {
    passes_on(
        calls::reallocation_does_not_warn::<Newtype<Vmalloc>>,
        calls::reallocation_does_not_warn::<Vmalloc>,
        &Limits::PAGES,
    )
}

fn lost_byte_over_kmalloc() -> Outcome {
    violates(
        contents::kept_on_growth::<Newtype<Kmalloc, LosesLastByte>>,
        Some(contents::kept_on_growth::<Kmalloc>),
        LOST,
        false,
    )
}

fn misaligned_over_kmalloc() -> Outcome {
    violates(
        alignment::fresh_blocks_are_aligned::<Newtype<Kmalloc, IgnoresAlignment>>,
        Some(alignment::fresh_blocks_are_aligned::<Kmalloc>),
        "a fresh block is misaligned",
        false,
    )
}

/// The faulty allocator is the base of a sound one.
fn base_does_the_same() -> Outcome {
    violates(
        contents::kept_on_growth::<Newtype<Newtype<Kmalloc, LosesLastByte>>>,
        Some(contents::kept_on_growth::<Newtype<Kmalloc, LosesLastByte>>),
        LOST,
        true,
    )
}

/// Both violate the same property, each in its own way.
fn base_does_something_else() -> Outcome {
    let base = contents::kept_on_growth::<Newtype<Kmalloc, IgnoresAlignment>>;

    violates(base, None, "a reallocated block is misaligned", false)?;
    violates(
        contents::kept_on_growth::<Newtype<Kmalloc, LosesLastByte>>,
        Some(base),
        LOST,
        false,
    )
}

/// What writes past its blocks does so among blocks of the suite only, also below another one. What
/// it stands on moves a block for its alignment on every kernel.
fn base_overwrites() -> Outcome {
    type Base = Newtype<KernelAllocator, CopiesTooMuch>;

    if cfg!(CONFIG_KASAN) {
        return Err(Stop::Skipped(c"KASAN would report it first"));
    }
    let property = contents::neighbours_survive_shrinking_with_alignment_raised::<Newtype<Base>>;
    let base = contents::neighbours_survive_shrinking_with_alignment_raised::<Base>;
    let what = "a neighbour of a reallocated block was overwritten";

    violates(property, None, what, false)?;
    violates(property, Some(base), what, true)?;
    passes_on(
        contents::kept_and_aligned_when_alignment_rises::<Newtype<Base>>,
        contents::kept_and_aligned_when_alignment_rises::<Base>,
        &Limits::SLAB,
    )
}

fn no_base() -> Outcome {
    violates(
        contents::kept_on_growth::<Newtype<Newtype<Kmalloc, LosesLastByte>>>,
        None,
        LOST,
        false,
    )
}
