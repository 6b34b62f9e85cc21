// SPDX-License-Identifier: GPL-2.0

//! `Kmalloc::realloc()` with a larger alignment.

use core::{
    alloc::Layout,
    ptr::NonNull, //
};
use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator, //
    },
    prelude::*, //
};

#[macro_use]
mod suite;

#[cfg(node)]
const NODE: kernel::alloc::NumaNode = kernel::alloc::NumaNode::NO_NODE;

module! {
    type: KreallocMisaligned,
    name: "krealloc_misaligned",
    description: "Kmalloc::realloc() with a larger alignment",
    license: "GPL",
}

struct KreallocMisaligned;

impl kernel::Module for KreallocMisaligned {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

kunit_suite! {
    /// An alignment that a reallocation raises.
    name: krealloc_misaligned,
    cases: [raised_alignment_is_met],
}

/// `Allocator::realloc()` has the guarantees of `alloc()`: the block has `layout.align()`.
fn raised_alignment_is_met() -> suite::Outcome {
    const OLD: Layout = Layout::new::<[u64; 9]>();

    let new = Layout::from_size_align(8, 64).map_err(|_| EINVAL)?;
    let mut others = KVec::new();
    for _ in 0..8 {
        let block = NonNull::from(KBox::leak(KBox::new([0_u64; 9], GFP_KERNEL)?)).cast();
        #[cfg(not(node))]
        // SAFETY: It is a block of `Kmalloc`'s with that layout.
        let moved = unsafe { Kmalloc::realloc(Some(block), new, OLD, GFP_KERNEL) }?;
        #[cfg(node)]
        // SAFETY: As above.
        let moved = unsafe { Kmalloc::realloc(Some(block), new, OLD, GFP_KERNEL, NODE) }?;
        let at = moved.as_ptr().cast::<u8>() as usize % 64;

        // SAFETY: As above; nothing uses it after this.
        unsafe { Kmalloc::free(moved.cast(), new) };
        check!(at == 0, "a block lies {at} bytes past a multiple of 64");
        // The next is another one.
        others.push(KBox::new([0_u64; 9], GFP_KERNEL)?, GFP_KERNEL)?;
    }
    Ok(())
}
