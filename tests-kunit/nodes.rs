// SPDX-License-Identifier: GPL-2.0

//! A NUMA node that is not online is refused before the slab sees it.

use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::KernelAllocator,
    conformance::{
        block::{
            layout,
            Block, //
        },
        compat,
        suite::{
            self,
            Outcome,
            Stop, //
        },
        Subject, //
    },
};

kunit_suite! {
    /// NUMA nodes.
    name: rust_alloc_nodes,
    cases: [
        offline_node_is_refused,
    ],
}

/// The allocator under test.
const SUBJECT: Subject = Subject::of::<KernelAllocator>();

/// The page allocator would look for the zones of a node that has none.
fn offline_node_is_refused() -> Outcome {
    let last = bindings::MAX_NUMNODES as i32 - 1;
    let node = compat::node(last).map_err(|err| match err == ENOTSUPP {
        true => Stop::Skipped(c"before Linux 6.18 an Allocator takes no NUMA node"),
        false => Stop::Failed,
    })?;

    if last == 0 {
        return Err(Stop::Skipped(c"this kernel has one node, which is online"));
    }
    for (size, align) in [(8, 8), (5 * PAGE_SIZE, 64)] {
        check!(
            Block::new_on(SUBJECT, layout(size, align)?, GFP_KERNEL, node).is_err(),
            "size {size}, align {align}: an offline node was accepted"
        );

        let mut block = Block::new(SUBJECT, layout(size, align)?, GFP_KERNEL)?;
        block.fill(1);
        check!(
            block
                .resize_on(layout(2 * size, 2 * align)?, GFP_KERNEL, node)
                .is_err()
                && block.matches(1, size),
            "size {size}, align {align}: an offline node was accepted, or the block was lost"
        );
    }
    Ok(())
}
