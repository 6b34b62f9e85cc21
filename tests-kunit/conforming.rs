// SPDX-License-Identifier: GPL-2.0

//! Puts allocators through the conformance suite: a few lines for each.
//!
//! A violation fails a case of ours. In an allocator of the kernel it is the kernel's defect: it is
//! reported by name and place, and the case is skipped, as it says nothing about us.

use kernel::{
    alloc::{
        allocator::{
            KVmalloc,
            Kmalloc,
            Vmalloc, //
        },
        AllocError, //
    },
    prelude::*, //
};

use crate::{
    allocator::{
        Accounted,
        KernelAllocator, //
    },
    conformance::{
        self,
        with_properties,
        Limits,
        Property,
        Stop as Found, //
    },
    suite::{
        Outcome,
        Stop, //
    },
};

/// Whose allocator it is, and so what a violation means.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Ours,
    Kernels,
}

/// Defects that were seen in kernels: allocator, property, and the last kernel that is known to
/// have it. Nothing is assumed from them: where a property holds, it is said that the defect isn't
/// there.
const KNOWN: [(&str, &str, &str); 5] = [
    (
        "Kmalloc",
        "kept_and_aligned_when_alignment_rises",
        "6.12.117",
    ),
    (
        "KVmalloc",
        "kept_and_aligned_when_alignment_rises",
        "6.12.117",
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
];

/// Says if an allocator is without a defect that it has in some kernel.
fn report_mended(allocator: &str, property: &str) {
    for (_, _, kernel) in KNOWN
        .iter()
        .filter(|known| known.0 == allocator && known.1 == property)
    {
        pr_notice!("not a defect of this kernel's {allocator}: {property}, as in Linux {kernel}\n");
    }
}

/// Holds an allocator to a property, each beside its name.
fn hold(
    allocator: &str,
    (name, property): (&str, Property),
    limits: &Limits,
    whose: Whose,
) -> Outcome {
    let violation = match property(limits) {
        Ok(()) => {
            if whose == Whose::Kernels {
                report_mended(allocator, name);
            }
            return Ok(());
        }
        Err(Found::NotApplicable(reason)) => return Err(Stop::Skipped(reason)),
        Err(Found::NoMemory) => return Err(AllocError.into()),
        Err(Found::Violated(violation)) => violation,
    };

    check!(whose == Whose::Kernels, "{allocator}: {violation:?}");
    pr_notice!("defect of this kernel's {allocator}: {violation:?}\n");
    Err(Stop::Skipped(c"a defect of this kernel, see the log"))
}

/// Registers a suite that holds an allocator to every property.
macro_rules! conformance_suite {
    (
        $(#[doc = $doc:literal])+
        name: $name:ident,
        allocator: $A:ident,
        limits: $limits:ident,
        whose: $whose:ident $(,)?
    ) => {
        with_properties!(conformance_cases! {
            $(#[doc = $doc])+ $name, $A, $limits, $whose
        });
    };
}

macro_rules! conformance_cases {
    (
        { $(#[doc = $doc:literal])+ $suite:ident, $A:ident, $limits:ident, $whose:ident }
        $($module:ident: $property:ident,)+
    ) => {
        mod $suite {
            use super::*;

            $(
                fn $property() -> Outcome {
                    hold(
                        stringify!($A),
                        (stringify!($property), conformance::$module::$property::<$A>),
                        &Limits::$limits,
                        Whose::$whose,
                    )
                }
            )+

            kunit_suite! {
                $(#[doc = $doc])+
                name: $suite,
                cases: [
                    $($property),+
                ],
            }
        }
    };
}

conformance_suite! {
    /// Our allocator.
    name: rust_alloc_conformance,
    allocator: KernelAllocator,
    limits: SLAB,
    whose: Ours,
}

conformance_suite! {
    /// The same with an account.
    name: rust_alloc_conformance_accounted,
    allocator: Accounted,
    limits: SLAB,
    whose: Ours,
}

conformance_suite! {
    /// The kernel's own.
    name: rust_alloc_conformance_kmalloc,
    allocator: Kmalloc,
    limits: SLAB,
    whose: Kernels,
}

conformance_suite! {
    /// The kernel's own.
    name: rust_alloc_conformance_vmalloc,
    allocator: Vmalloc,
    limits: PAGES,
    whose: Kernels,
}

conformance_suite! {
    /// The kernel's own.
    name: rust_alloc_conformance_kvmalloc,
    allocator: KVmalloc,
    limits: EITHER,
    whose: Kernels,
}
