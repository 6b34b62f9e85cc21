// SPDX-License-Identifier: GPL-2.0

//! Puts our allocators through the conformance suite.

use core::alloc::Layout;

use kernel::{
    alloc::AllocError,
    bindings,
    prelude::*,
    test, //
};

use crate::{
    allocator::{
        Accounted,
        KernelAllocator, //
    },
    caches::{
        Caches,
        Lines,
        LinesCache,
        Nine,
        NineCache, //
    },
    conformance::{
        property::{
            self,
            Stop as Found, //
        },
        suite::{
            Outcome,
            Stop, //
        },
        Limits,
        Subject, //
    },
};

/// What can be asked of our allocators here: all but what is about blocks side by side.
pub(crate) const LIMITS: Limits = Limits {
    slab: false,
    ..Limits::SLAB
};

/// Reports what was found of a property.
pub(crate) fn report(found: property::Outcome) -> Outcome {
    match found {
        Ok(()) => Ok(()),
        Err(Found::NotApplicable(reason)) => Err(Stop::Skipped(reason)),
        Err(Found::NoMemory) => Err(AllocError.into()),
        Err(Found::Violated(violation)) => {
            pr_err!("{violation:?}\n");
            Err(Stop::Failed)
        }
    }
}

/// Makes a test of each property of an allocator.
macro_rules! conformance_tests {
    (
        { $suite:ident, $A:ident }
        $($module:ident: $property:ident,)+
    ) => {
        mod $suite {
            use super::*;

            $(case!($property {
                crate::suite::run(|| {
                    let subject = Subject::of::<$A>();

                    report(crate::conformance::$module::$property(subject, &LIMITS))
                })
            });)+
        }
    };
}

with_properties!(conformance_tests! { kernel_allocator, KernelAllocator });
with_properties!(conformance_tests! { accounted, Accounted });

/// What of a cache can't be tested: what asks for blocks of other layouts, and on Linux 6.12 what
/// the trait doesn't have.
const NOT_OF_CACHES: [&str; 4] = [
    "kept_on_growth",
    "kept_and_aligned_when_alignment_rises",
    "neighbours_survive_shrinking_with_alignment_raised",
    "shrinking_gives_back",
];
const NOT_IN_6_12: [&str; 3] = [
    "every_block_has_min_align",
    "no_block_has_min_align",
    "block_comes_from_its_node",
];

/// Holds a cache to a property, or sees that it is not applicable where that is expected.
fn hold_cache(
    name: &str,
    subject: Subject,
    property: property::Property,
    layout: Layout,
) -> Outcome {
    let not_applicable =
        NOT_OF_CACHES.contains(&name) || cfg!(slab_api = "krealloc") && NOT_IN_6_12.contains(&name);
    let _caches = Caches::new()?;

    match property(subject, &Limits::one(layout)) {
        Err(Found::NotApplicable(_)) if not_applicable => Ok(()),
        Ok(()) if not_applicable => {
            pr_err!("{name} is applicable to a cache\n");
            Err(Stop::Failed)
        }
        found => report(found),
    }
}

/// Makes a test of each property of a cache.
macro_rules! cache_tests {
    (
        { $suite:ident, $A:ident, $object:ty }
        $($module:ident: $property:ident,)+
    ) => {
        mod $suite {
            use super::*;

            $(
                #[test]
                fn $property() {
                    crate::suite::run(|| {
                        hold_cache(
                            stringify!($property),
                            Subject::of::<$A>(),
                            crate::conformance::$module::$property,
                            Layout::new::<$object>(),
                        )
                    });
                }
            )+
        }
    };
}

with_properties!(cache_tests! { nine_cache, NineCache, Nine });
with_properties!(cache_tests! { lines_cache, LinesCache, Lines });

/// C is given the flags that a cache names, and that it is merged with no other. Without control
/// groups nothing is charged to them.
#[test]
fn caches_have_their_flags() {
    crate::suite::run(|| {
        let _caches = Caches::new()?;
        let named = (1 << bindings::_slab_flag_bits__SLAB_HWCACHE_ALIGN)
            | (1 << bindings::_slab_flag_bits__SLAB_RECLAIM_ACCOUNT)
            | (1 << bindings::_slab_flag_bits__SLAB_POISON)
            | (1 << bindings::_slab_flag_bits__SLAB_RED_ZONE)
            | (1 << bindings::_slab_flag_bits__SLAB_NO_MERGE);

        if test::cache_flags(c"rust_alloc_demo_kunit_lines") == named {
            Ok(())
        } else {
            Err(Stop::Failed)
        }
    });
}
