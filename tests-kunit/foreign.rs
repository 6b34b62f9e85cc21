// SPDX-License-Identifier: GPL-2.0

//! Boxes as pointers that C keeps.

use crate::conformance::suite::{
    self,
    Outcome, //
};

kunit_suite! {
    /// Boxes as pointers that C keeps.
    name: rust_alloc_foreign,
    cases: [
        boxes_are_aligned,
        boxes_of_nothing_are_aligned,
    ],
}

#[cfg(slab_api = "krealloc_node_align")]
mod api {
    use kernel::{
        alloc::Box,
        prelude::*,
        types::ForeignOwnable, //
    };

    use crate::allocator::KernelAllocator;

    /// Returns whether the pointer that a box gives to C is a multiple of what it promises.
    pub(super) fn is_aligned<T: 'static>(value: T) -> Result<bool> {
        type Of<T> = Box<T, KernelAllocator>;

        let foreign = Of::<T>::new(value, GFP_KERNEL)?.into_foreign();
        let is_aligned = foreign as usize % <Of<T> as ForeignOwnable>::FOREIGN_ALIGN == 0;

        // SAFETY: It comes from such a box, and is used no more.
        drop(unsafe { Of::<T>::from_foreign(foreign) });
        Ok(is_aligned)
    }
}

#[cfg(slab_api = "krealloc")]
mod api {
    use crate::conformance::suite::Stop;

    pub(super) fn is_aligned<T: 'static>(_: T) -> Result<bool, Stop> {
        Err(Stop::Skipped(c"this kernel's boxes promise no alignment"))
    }
}

/// "Minimum alignment of returned pointer is `FOREIGN_ALIGN`."
fn boxes_are_aligned() -> Outcome {
    check!(api::is_aligned(1u8)?, "a box of a byte is misaligned");
    check!(api::is_aligned([1u64; 9])?, "a box of words is misaligned");
    Ok(())
}

/// The same where there is nothing, for which the box asks the allocator as well.
fn boxes_of_nothing_are_aligned() -> Outcome {
    check!(api::is_aligned(())?, "a box of nothing is misaligned");
    Ok(())
}
