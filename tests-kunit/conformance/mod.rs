// SPDX-License-Identifier: GPL-2.0

//! What [`Allocator`](kernel::alloc::Allocator) promises, as properties that any allocator can be
//! held to.
//!
//! This folder is made to be lifted out: copied into another module and declared with
//! `mod conformance;`, it needs what `conformance.mk` gives the Kbuild and nothing else.
//! `README.md` says how it is used.
//!
//! A property is a function of an allocator ([`Subject`]) that returns what was violated, and by
//! which layouts. It knows nothing of KUnit, and leaves no memory behind that the allocator takes
//! back. The quotes in the comments are the trait's own contract (`rust/kernel/alloc.rs`).
//!
//! From the outside in: what a violation means ([`verdict`], [`kernels`]) and how KUnit is told
//! ([`suite`]); the properties, with those of what is created and destroyed ([`lifecycle`]); what
//! they are made of ([`property`], [`limits`], [`subject`], [`block`], [`rng`]); what differs by
//! kernel ([`compat`]); what only C can answer ([`probe`]).

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "what a module needs of it is its own choice"
)]

#[macro_use]
pub(crate) mod suite;

pub(crate) mod block;
pub(crate) mod compat;
pub(crate) mod kernels;
pub(crate) mod limits;
pub(crate) mod probe;
pub(crate) mod property;
pub(crate) mod rng;
pub(crate) mod subject;
pub(crate) mod verdict;

pub(crate) mod alignment;
pub(crate) mod calls;
pub(crate) mod contents;
pub(crate) mod edges;
pub(crate) mod failures;
pub(crate) mod guard;
pub(crate) mod lifecycle;
pub(crate) mod memory;
pub(crate) mod random;
pub(crate) mod zeroing;

use core::ffi::CStr;

use self::property::Property;

pub(crate) use self::{
    limits::Limits,
    subject::Subject, //
};

/// Gives the list of properties to a macro, as `path: name` for each.
macro_rules! with_properties {
    ($($macro:ident)::+! { $($args:tt)* }) => {
        $($macro)::+! {
            { $($args)* }
            alignment: fresh_blocks_are_aligned,
            alignment: every_block_has_min_align,
            alignment: no_block_has_min_align,
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
            memory: shrinking_gives_back,
            memory: any_order_of_freeing,
            random: random_sequence,
        }
    };
}
pub(crate) use with_properties;

/// Makes the tables of the properties.
macro_rules! tables {
    ({} $($module:ident: $property:ident,)+) => {
        /// The properties' names.
        pub(crate) const NAMES: &[&CStr] =
            &[$(suite::c_str(concat!(stringify!($property), "\0"))),+];

        /// The properties themselves, in the same order.
        const PROPERTIES: &[Property] = &[$($module::$property),+];
    };
}
with_properties!(tables! {});

/// Returns a property and its name, given by its number in [`NAMES`].
pub(crate) fn nth_property(number: usize) -> (&'static str, Property) {
    let name = NAMES[number].to_str().unwrap_or_default();

    (name, PROPERTIES[number])
}

/// Registers a KUnit suite that holds an allocator to every property; `conformance` must be in
/// scope.
///
/// - `name`: the suite's.
/// - `allocator`: the type, which implements [`Allocator`](kernel::alloc::Allocator).
/// - `limits`: what can be asked of it, a constant [`Limits`].
/// - `over`: the allocator that it stands on, if any. What that violates alike is not charged to
///   `allocator`.
///
/// With `kernels` instead of `allocator` it is one of the kernel crate's own, and a violation is
/// the kernel's defect, which is reported and fails nothing.
macro_rules! conformance_suite {
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        allocator: $A:ty,
        limits: $limits:expr $(,)?
    ) => {
        conformance::conformance_cases! {
            $(#[doc = $doc])* $name, $limits, |property, limits| {
                conformance::verdict::hold(
                    (stringify!($A), conformance::Subject::of::<$A>()),
                    None,
                    property,
                    limits,
                )
            }
        }
    };
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        allocator: $A:ty,
        limits: $limits:expr,
        over: $Base:ty $(,)?
    ) => {
        conformance::conformance_cases! {
            $(#[doc = $doc])* $name, $limits, |property, limits| {
                conformance::verdict::hold(
                    (stringify!($A), conformance::Subject::of::<$A>()),
                    Some(conformance::verdict::Base {
                        name: stringify!($Base),
                        subject: conformance::Subject::of::<$Base>(),
                        inherited: conformance::suite::c_str(concat!(
                            "inherited from ",
                            stringify!($Base),
                            ", see the log\0"
                        )),
                    }),
                    property,
                    limits,
                )
            }
        }
    };
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        kernels: $A:ty,
        limits: $limits:expr $(,)?
    ) => {
        conformance::conformance_cases! {
            $(#[doc = $doc])* $name, $limits, |property, limits| {
                conformance::kernels::hold::<$A>(property, limits)
            }
        }
    };
}
pub(crate) use conformance_suite;

/// Makes a case of each property.
macro_rules! conformance_cases {
    (
        $(#[doc = $doc:literal])*
        $name:ident, $limits:expr, |$property:ident, $given:ident| $hold:block
    ) => {
        $(#[doc = $doc])*
        const _: () = {
            use conformance::suite;

            const CONFORMANCE_LIMITS: conformance::Limits = $limits;
            const _: () = assert!(
                CONFORMANCE_LIMITS.are_valid(),
                "limits: `max` and `max_align` are powers of two, `max` is at least 64, `live` 2"
            );

            suite::register!(suite::Suite {
                name: stringify!($name),
                cases: conformance::NAMES,
                run: |case| {
                    let $property = conformance::nth_property(case);
                    let $given = &CONFORMANCE_LIMITS;

                    $hold
                },
            });
        };
    };
}
pub(crate) use conformance_cases;
