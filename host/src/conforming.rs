// SPDX-License-Identifier: GPL-2.0

//! Puts our allocators through the conformance suite.

use kernel::{
    alloc::AllocError,
    prelude::*, //
};

use crate::{
    allocator::{
        Accounted,
        KernelAllocator, //
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
        with_properties,
        Limits, //
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
                crate::suite::run(|| report(crate::conformance::$module::$property::<$A>(&LIMITS)))
            });)+
        }
    };
}

with_properties!(conformance_tests! { kernel_allocator, KernelAllocator });
with_properties!(conformance_tests! { accounted, Accounted });
