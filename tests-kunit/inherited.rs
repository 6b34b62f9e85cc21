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
        Limits,
        Subject, //
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

/// The allocators that stand on others, and those that they stand on.
const KMALLOC: Subject = Subject::of::<Kmalloc>();
const SOUND: Subject = Subject::of::<Newtype<Kmalloc>>();
const LOSES_LAST_BYTE: Subject = Subject::of::<Newtype<Kmalloc, LosesLastByte>>();
const OVER_LOSES_LAST_BYTE: Subject = Subject::of::<Newtype<Newtype<Kmalloc, LosesLastByte>>>();
const IGNORES_ALIGNMENT: Subject = Subject::of::<Newtype<Kmalloc, IgnoresAlignment>>();

/// Returns what is wrong, and whether that is inherited.
fn violation(
    subject: Subject,
    base: Option<Subject>,
    property: Property,
    limits: &Limits,
) -> Result<Option<(&'static str, bool)>, Stop> {
    match judge(subject, base, property, limits) {
        Verdict::Kept => Ok(None),
        Verdict::Own(violation) => Ok(Some((violation.what, false))),
        Verdict::Inherited(violation) => Ok(Some((violation.what, true))),
        Verdict::NotApplicable(why) => Err(Stop::Skipped(why)),
        Verdict::NoMemory => Err(AllocError.into()),
    }
}

/// Holds if `what` is wrong, and is inherited or not, as `inherited` says.
fn violates(
    subject: Subject,
    base: Option<Subject>,
    property: Property,
    what: &'static str,
    inherited: bool,
) -> Outcome {
    let found = violation(subject, base, property, &Limits::SLAB)?;
    let expected = Some((what, inherited));

    check!(found == expected, "found {found:?}, expected {expected:?}");
    Ok(())
}

/// An allocator that only passes on has the defects of its base and no other.
fn passes_on(subject: Subject, base: Subject, property: Property, limits: &Limits) -> Outcome {
    let expected = match property(base, limits) {
        Err(Found::Violated(violation)) => Some((violation.what, true)),
        // Of neither of them anything is known then.
        Err(Found::NotApplicable(_)) => return Ok(()),
        _ => None,
    };
    let found = violation(subject, Some(base), property, limits)?;

    check!(
        found == expected,
        "found {found:?}, and of the base {expected:?}"
    );
    Ok(())
}

/// On Linux 6.12 `Kmalloc` has the second of these defects, on 6.18 the third.
fn sound_over_kmalloc() -> Outcome {
    let properties: [Property; 3] = [
        contents::kept_on_growth,
        contents::kept_and_aligned_when_alignment_rises,
        contents::neighbours_survive_shrinking_with_alignment_raised,
    ];

    for property in properties {
        passes_on(SOUND, KMALLOC, property, &Limits::SLAB)?;
    }
    Ok(())
}

/// On Linux 7.3 `Vmalloc` warns.
fn sound_over_vmalloc() -> Outcome {
    passes_on(
        Subject::of::<Newtype<Vmalloc>>(),
        Subject::of::<Vmalloc>(),
        calls::reallocation_does_not_warn,
        &Limits::PAGES,
    )
}

fn lost_byte_over_kmalloc() -> Outcome {
    let property = contents::kept_on_growth;

    violates(LOSES_LAST_BYTE, Some(KMALLOC), property, LOST, false)
}

fn misaligned_over_kmalloc() -> Outcome {
    violates(
        IGNORES_ALIGNMENT,
        Some(KMALLOC),
        alignment::fresh_blocks_are_aligned,
        "a fresh block is misaligned",
        false,
    )
}

/// The faulty allocator is the base of a sound one.
fn base_does_the_same() -> Outcome {
    violates(
        OVER_LOSES_LAST_BYTE,
        Some(LOSES_LAST_BYTE),
        contents::kept_on_growth,
        LOST,
        true,
    )
}

/// Both violate the same property, each in its own way.
fn base_does_something_else() -> Outcome {
    let (property, base) = (contents::kept_on_growth, IGNORES_ALIGNMENT);
    let what = "a reallocated block is misaligned";

    violates(base, None, property, what, false)?;
    violates(LOSES_LAST_BYTE, Some(base), property, LOST, false)
}

/// What writes past its blocks does so among blocks of the suite only, also below another one. What
/// it stands on moves a block for its alignment on every kernel.
fn base_overwrites() -> Outcome {
    type Base = Newtype<KernelAllocator, CopiesTooMuch>;

    if cfg!(CONFIG_KASAN) {
        return Err(Stop::Skipped(c"KASAN would report it first"));
    }
    let (subject, base) = (Subject::of::<Newtype<Base>>(), Subject::of::<Base>());
    let property = contents::neighbours_survive_shrinking_with_alignment_raised;
    let what = "a neighbour of a reallocated block was overwritten";

    violates(subject, None, property, what, false)?;
    violates(subject, Some(base), property, what, true)?;
    passes_on(
        subject,
        base,
        contents::kept_and_aligned_when_alignment_rises,
        &Limits::SLAB,
    )
}

fn no_base() -> Outcome {
    let property = contents::kept_on_growth;

    violates(OVER_LOSES_LAST_BYTE, None, property, LOST, false)
}
