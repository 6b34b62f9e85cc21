// SPDX-License-Identifier: GPL-2.0

//! `Vmalloc::realloc()` with a larger alignment.

use kernel::prelude::*;

module! {
    type: VreallocWarning,
    name: "vrealloc_warning",
    description: "Vmalloc::realloc() with a larger alignment",
    license: "GPL",
}

struct VreallocWarning;

impl kernel::Module for VreallocWarning {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(vrealloc_warning)]
mod tests {
    use super::*;
    use core::alloc::Layout;
    use kernel::alloc::{
        allocator::Vmalloc,
        Allocator,
        NumaNode, //
    };

    /// The request is within the contract of `Allocator::realloc()`: it may be met, or refused with
    /// `AllocError`, but is no reason to warn.
    #[test]
    fn larger_alignment_does_not_warn() -> Result {
        const OLD: Layout = Layout::new::<u64>();

        let flags = GFP_KERNEL | __GFP_NOWARN;
        let new = OLD.align_to(1 << 24).map_err(|_| EINVAL)?;
        let block = Vmalloc::alloc(OLD, flags, NumaNode::NO_NODE)?;

        // SAFETY: `block` is a block of `Vmalloc`'s with that layout.
        match unsafe { Vmalloc::realloc(Some(block.cast()), new, OLD, flags, NumaNode::NO_NODE) } {
            // SAFETY: As above; nothing uses it after this.
            Ok(moved) => unsafe { Vmalloc::free(moved.cast(), new) },
            // SAFETY: As above; it is still valid, as the reallocation failed.
            Err(_) => unsafe { Vmalloc::free(block.cast(), OLD) },
        }
        Ok(())
    }
}
