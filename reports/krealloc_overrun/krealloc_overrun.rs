// SPDX-License-Identifier: GPL-2.0

//! `Kmalloc::realloc()` to a smaller size and a larger alignment.

use kernel::prelude::*;

module! {
    type: KreallocOverrun,
    name: "krealloc_overrun",
    description: "Kmalloc::realloc() to a smaller size and a larger alignment",
    license: "GPL",
}

struct KreallocOverrun;

impl kernel::Module for KreallocOverrun {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(krealloc_overrun)]
mod tests {
    use super::*;
    use core::{
        alloc::Layout,
        ptr::NonNull, //
    };
    use kernel::alloc::{
        allocator::Kmalloc,
        Allocator,
        NumaNode, //
    };

    /// What lies beside others of its kind in the slab.
    #[repr(align(64))]
    struct Line([u64; 8]);

    /// `Allocator::realloc()` makes a block valid for `layout.size()` bytes: what lies behind it is
    /// somebody else's.
    #[test]
    fn neighbour_survives() -> Result {
        const OLD: Layout = Layout::new::<[u64; 9]>();
        const NEW: Layout = Layout::new::<Line>();
        const NODE: NumaNode = NumaNode::NO_NODE;

        // A task that is moved to another CPU gets blocks from other slabs: not each try tells.
        for _ in 0..100 {
            let mut lines = KVec::new();
            for _ in 0..64 {
                lines.push(KBox::new(Line([0; 8]), GFP_KERNEL)?, GFP_KERNEL)?;
            }
            for n in (0..lines.len()).rev() {
                let place = &raw const *lines[n];
                let behind = place.wrapping_add(1);
                if !lines.iter().any(|line| &raw const **line == behind) {
                    continue;
                }
                // Every other one of these isn't aligned to 64, and has to move: to where a line
                // was.
                let block = NonNull::from(KBox::leak(KBox::new([!0_u64; 9], GFP_KERNEL)?)).cast();
                drop(lines.remove(n));
                // SAFETY: `block` is a block of `Kmalloc`'s with that layout.
                let moved = unsafe { Kmalloc::realloc(Some(block), NEW, OLD, GFP_KERNEL, NODE) }?;
                if moved.as_ptr().cast_const().cast() == place {
                    assert!(lines.iter().all(|line| line.0 == [0; 8]));
                    // SAFETY: It is a block with that layout; nothing uses it after this.
                    unsafe { Kmalloc::free(moved.cast(), NEW) };
                    return Ok(());
                }
                // What is elsewhere is left there, so that the next block is another one.
            }
        }
        Err(EAGAIN)
    }
}
