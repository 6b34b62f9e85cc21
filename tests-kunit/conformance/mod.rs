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
        conformance::with_properties!(conformance::conformance_cases! {
            $(#[doc = $doc])* $name, $limits, { allocator: $A }
        });
    };
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        allocator: $A:ty,
        limits: $limits:expr,
        over: $Base:ty $(,)?
    ) => {
        conformance::with_properties!(conformance::conformance_cases! {
            $(#[doc = $doc])* $name, $limits, { allocator: $A, over: $Base }
        });
    };
    (
        $(#[doc = $doc:literal])*
        name: $name:ident,
        kernels: $A:ty,
        limits: $limits:expr $(,)?
    ) => {
        conformance::with_properties!(conformance::conformance_cases! {
            $(#[doc = $doc])* $name, $limits, { kernels: $A }
        });
    };
}
pub(crate) use conformance_suite;

/// Makes a case of each property.
macro_rules! conformance_cases {
    (
        { $(#[doc = $doc:literal])* $name:ident, $limits:expr, $whose:tt }
        $($module:ident: $property:ident,)+
    ) => {
        const _: () = {
            const CONFORMANCE_LIMITS: conformance::Limits = $limits;
            const _: () = assert!(
                CONFORMANCE_LIMITS.are_valid(),
                "limits: `max` and `max_align` are powers of two, `max` is at least 64, `live` 2"
            );

            $(
                fn $property() -> conformance::suite::Outcome {
                    conformance::conformance_case!($whose $module $property)
                }
            )+

            const _: () = {
                use conformance::suite;

                suite::kunit_suite! {
                    $(#[doc = $doc])*
                    name: $name,
                    cases: [$($property),+],
                }
            };
        };
    };
}
pub(crate) use conformance_cases;

/// Holds an allocator to one property.
macro_rules! conformance_case {
    ({ allocator: $A:ty } $module:ident $property:ident) => {
        conformance::verdict::hold(
            (stringify!($A), conformance::Subject::of::<$A>()),
            None,
            (stringify!($property), conformance::$module::$property),
            &CONFORMANCE_LIMITS,
        )
    };
    ({ allocator: $A:ty, over: $Base:ty } $module:ident $property:ident) => {
        conformance::verdict::hold(
            (stringify!($A), conformance::Subject::of::<$A>()),
            Some(conformance::verdict::Base {
                name: stringify!($Base),
                subject: conformance::Subject::of::<$Base>(),
                inherited: conformance::verdict::c_str(concat!(
                    "inherited from ",
                    stringify!($Base),
                    ", see the log\0"
                )),
            }),
            (stringify!($property), conformance::$module::$property),
            &CONFORMANCE_LIMITS,
        )
    };
    ({ kernels: $A:ty } $module:ident $property:ident) => {
        conformance::kernels::hold::<$A>(
            (stringify!($property), conformance::$module::$property),
            &CONFORMANCE_LIMITS,
        )
    };
}
pub(crate) use conformance_case;
