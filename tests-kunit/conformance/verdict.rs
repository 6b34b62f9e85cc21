// SPDX-License-Identifier: GPL-2.0

//! What it means that an allocator keeps a property, or does not: whose the defect is.

use core::ffi::CStr;

use kernel::prelude::*;

use super::{
    limits::Limits,
    property::{
        Property,
        Stop,
        Violation, //
    },
    subject::Subject,
    suite, //
};

/// How often a base is tried before it is believed to keep what an allocator over it does not: some
/// violations show only now and then.
const TRIES: usize = 3;

/// What became of a property.
pub(crate) enum Verdict {
    /// It holds.
    Kept,
    /// It is not about this allocator, or can't be tested on this machine.
    NotApplicable(&'static CStr),
    /// There was no memory to test it, or a modest request was refused.
    NoMemory,
    /// The allocator violates it, and what it stands on doesn't do the same.
    Own(Violation),
    /// What the allocator stands on violates it alike.
    Inherited(Violation),
}

/// Tries a property of an allocator, and if it is violated the same one of its `base`, within the
/// same limits.
///
/// Violations are alike if the same is wrong, in the same words; the layouts may differ.
pub(crate) fn judge(
    subject: Subject,
    base: Option<Subject>,
    property: Property,
    limits: &Limits,
) -> Verdict {
    let violation = match property(subject, limits) {
        Ok(()) => return Verdict::Kept,
        Err(Stop::NotApplicable(why)) => return Verdict::NotApplicable(why),
        Err(Stop::NoMemory) => return Verdict::NoMemory,
        Err(Stop::Violated(violation)) => violation,
    };
    let is_alike = |base: Subject| {
        (0..TRIES).any(|_| {
            matches!(
                property(base, limits),
                Err(Stop::Violated(other)) if other.what == violation.what
            )
        })
    };

    if base.is_some_and(is_alike) {
        Verdict::Inherited(violation)
    } else {
        Verdict::Own(violation)
    }
}

/// What an allocator stands on.
pub(crate) struct Base {
    /// Its type, as the suite has it.
    pub(crate) name: &'static str,
    /// The allocator itself.
    pub(crate) subject: Subject,
    /// What is said of a case in which it violates that.
    pub(crate) inherited: &'static CStr,
}

/// Holds an allocator to a property, each given with its name, and reports what comes of it.
///
/// # Errors
///
/// Fails the case if the violation is the allocator's own, or if there was no memory; skips it if
/// the violation is inherited from `base`, or if the property can't be tested.
pub(crate) fn hold(
    (allocator, subject): (&str, Subject),
    base: Option<Base>,
    (name, property): (&str, Property),
    limits: &Limits,
) -> suite::Outcome {
    let stands_on = base.as_ref().map(|base| base.subject);

    match judge(subject, stands_on, property, limits) {
        Verdict::Kept => Ok(()),
        Verdict::NotApplicable(why) => Err(suite::Stop::Skipped(why)),
        Verdict::NoMemory => {
            pr_err!("{allocator} has no memory for {name}\n");
            Err(suite::Stop::Failed)
        }
        Verdict::Own(violation) => {
            pr_err!("{allocator} violates {name}: {violation:?}\n");
            Err(suite::Stop::Failed)
        }
        Verdict::Inherited(violation) => {
            let Some(base) = base else {
                return Err(suite::Stop::Failed);
            };

            pr_notice!(
                "note: {allocator} inherits a defect of {}: {violation:?}\n",
                base.name
            );
            Err(suite::Stop::Skipped(base.inherited))
        }
    }
}
