// SPDX-License-Identifier: GPL-2.0

//! An allocation on a NUMA node that is not there.

use kernel::prelude::*;

module! {
    type: OfflineNode,
    name: "offline_node",
    description: "An allocation on a NUMA node that is not there",
    license: "GPL",
}

struct OfflineNode;

impl kernel::Module for OfflineNode {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(offline_node)]
mod tests {
    use super::*;
    use core::alloc::Layout;
    use kernel::{
        alloc::{
            allocator::Kmalloc,
            Allocator,
            NumaNode, //
        },
        page::PAGE_SIZE, //
    };

    /// `NumaNode::new()` and `Allocator::alloc()` are safe: the kernel lives, whether there is a
    /// block or an error.
    #[test]
    fn allocation_is_met_or_refused() -> Result {
        let layout = Layout::new::<[u8; 4 * PAGE_SIZE]>();
        // The last that there can be. Where it is the only one, it is there.
        let last = (0..1024).rev().find_map(|node| NumaNode::new(node).ok());

        if let Ok(block) = Kmalloc::alloc(layout, GFP_KERNEL, last.ok_or(EINVAL)?) {
            // SAFETY: It is a block of `Kmalloc`'s with that layout; nothing uses it after this.
            unsafe { Kmalloc::free(block.cast(), layout) };
        }
        Ok(())
    }
}
