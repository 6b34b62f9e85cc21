// SPDX-License-Identifier: GPL-2.0

//! The kernel's own allocators, whose defects are the kernel's.

use kernel::{
    alloc::{
        allocator::{
            KVmalloc,
            Kmalloc,
            Vmalloc, //
        },
        Allocator, //
    },
    prelude::*, //
};

use super::{
    limits::Limits,
    property::Property,
    subject::Subject,
    suite,
    verdict::{
        judge,
        Verdict, //
    },
};

mod sealed {
    pub(crate) trait Sealed {}
}

/// An allocator of the kernel crate; nothing else can be one.
pub(crate) trait OfTheKernel: sealed::Sealed {
    /// Its name.
    const NAME: &'static str;
}

macro_rules! of_the_kernel {
    ($($A:ident),+) => {
        $(
            impl sealed::Sealed for $A {}

            impl OfTheKernel for $A {
                const NAME: &'static str = stringify!($A);
            }
        )+
    };
}

of_the_kernel!(Kmalloc, Vmalloc, KVmalloc);

/// Defects that were seen in kernels: allocator, property, and the last kernel that is known to
/// have it. Nothing is assumed from them: where a property holds, it is said that the defect isn't
/// there.
const KNOWN: [(&str, &str, &str); 8] = [
    (
        "Kmalloc",
        "kept_and_aligned_when_alignment_rises",
        "6.12.118",
    ),
    (
        "KVmalloc",
        "kept_and_aligned_when_alignment_rises",
        "6.12.118",
    ),
    (
        "Kmalloc",
        "neighbours_survive_shrinking_with_alignment_raised",
        "6.18.15",
    ),
    (
        "KVmalloc",
        "neighbours_survive_shrinking_with_alignment_raised",
        "6.18.15",
    ),
    ("Vmalloc", "reallocation_does_not_warn", "7.3.4"),
    ("Kmalloc", "no_block_has_min_align", "7.3.4"),
    ("Vmalloc", "no_block_has_min_align", "7.3.4"),
    ("KVmalloc", "no_block_has_min_align", "7.3.4"),
];

/// Says if an allocator is without a defect that it has in some kernel.
fn report_mended(allocator: &str, property: &str) {
    for (_, _, kernel) in KNOWN
        .iter()
        .filter(|known| known.0 == allocator && known.1 == property)
    {
        pr_notice!(
            "note: this kernel's {allocator} keeps the promise {property}; that of Linux {kernel} \
             does not\n"
        );
    }
}

/// Holds an allocator of the kernel to a property, given with its name, and reports what comes of
/// it.
///
/// # Errors
///
/// Skips the case if the property is violated, which is the kernel's defect, or can't be tested;
/// fails it if there was no memory.
pub(crate) fn hold<A: Allocator + OfTheKernel>(
    property: (&str, Property),
    limits: &Limits,
) -> suite::Outcome {
    hold_named((A::NAME, Subject::of::<A>()), property, limits)
}

/// As [`hold`], an allocator that is given with its name.
fn hold_named(
    (allocator, subject): (&str, Subject),
    (name, property): (&str, Property),
    limits: &Limits,
) -> suite::Outcome {
    match judge(subject, None, property, limits) {
        Verdict::Kept => {
            report_mended(allocator, name);
            Ok(())
        }
        Verdict::NotApplicable(why) => Err(suite::Stop::Skipped(why)),
        Verdict::NoMemory => {
            pr_err!("{allocator} has no memory for {name}\n");
            Err(suite::Stop::Failed)
        }
        Verdict::Own(violation) | Verdict::Inherited(violation) => {
            pr_notice!("note: defect of this kernel's {allocator}: {violation:?}\n");
            Err(suite::Stop::Skipped(
                c"a defect of this kernel, see the log",
            ))
        }
    }
}
