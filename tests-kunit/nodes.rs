// SPDX-License-Identifier: GPL-2.0

//! The NUMA node reaches the slab as the caller gave it, and one that is not online is refused.

use core::ffi::{
    c_int,
    c_void, //
};

use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::{
        KernelAllocator,
        NumaNode, //
    },
    block::{
        layout,
        Block, //
    },
    compat,
    suite::{
        Outcome,
        Stop, //
    }, //
};

kunit_suite! {
    /// NUMA nodes.
    name: rust_alloc_nodes,
    cases: [
        block_comes_from_its_node,
        moved_block_comes_from_its_node,
        offline_node_is_refused,
    ],
}

extern "C" {
    /// See `probe.c`.
    fn rust_alloc_demo_block_nid(block: *const c_void) -> c_int;
    fn rust_alloc_demo_online_nodes() -> c_int;
}

/// Returns the node that a block is on.
fn nid(block: &Block<KernelAllocator>) -> i32 {
    // SAFETY: The block is live and from the slab, so it has a page.
    unsafe { rust_alloc_demo_block_nid(block.as_ptr().as_ptr().cast()) }
}

/// Returns the first `n` nodes, all online on a machine that has that many.
fn nodes(n: i32) -> Result<KVec<(i32, NumaNode)>, Stop> {
    let mut nodes = KVec::new();

    compat::node(0)?;
    // SAFETY: The function has no requirements.
    if unsafe { rust_alloc_demo_online_nodes() } < n {
        return Err(Stop::Skipped(c"needs two NUMA nodes"));
    }
    for id in 0..n {
        nodes.push((id, compat::node(id)?), GFP_KERNEL)?;
    }
    Ok(nodes)
}

fn block_comes_from_its_node() -> Outcome {
    for (id, node) in nodes(2)? {
        for (size, align) in [
            (8, 8),
            (24, 64),
            (PAGE_SIZE, 64),
            (5 * PAGE_SIZE, PAGE_SIZE),
        ] {
            for _ in 0..16 {
                let block =
                    Block::<KernelAllocator>::new_on(layout(size, align)?, GFP_KERNEL, node)?;

                check!(
                    nid(&block) == id,
                    "size {size}, align {align}: asked for node {id}, got node {}",
                    nid(&block)
                );
            }
        }
    }
    Ok(())
}

/// Where a block is moved for its size, and where it is for its alignment.
fn moved_block_comes_from_its_node() -> Outcome {
    let nodes = nodes(2)?;

    for &(_, from) in &nodes {
        for &(id, to) in &nodes {
            for new in [
                layout(2000, 8)?,
                layout(5 * PAGE_SIZE, 8)?,
                layout(8, 4 * PAGE_SIZE)?,
            ] {
                let old = layout(72, 8)?;
                let mut block = Block::<KernelAllocator>::new_on(old, GFP_KERNEL, from)?;

                block.fill(1);
                block.resize_on(new, GFP_KERNEL, to)?;
                check!(
                    block.matches(1, new.size().min(72)),
                    "{new:?}: the contents were lost"
                );
                check!(
                    nid(&block) == id,
                    "{new:?}: asked for node {id}, got node {}",
                    nid(&block)
                );
            }
        }
    }
    Ok(())
}

/// The page allocator would look for the zones of a node that has none.
fn offline_node_is_refused() -> Outcome {
    let last = bindings::MAX_NUMNODES as i32 - 1;
    let node = compat::node(last)?;

    if last == 0 {
        return Err(Stop::Skipped(c"this kernel has one node, which is online"));
    }
    for (size, align) in [(8, 8), (5 * PAGE_SIZE, 64)] {
        check!(
            Block::<KernelAllocator>::new_on(layout(size, align)?, GFP_KERNEL, node).is_err(),
            "size {size}, align {align}: an offline node was accepted"
        );

        let mut block = Block::<KernelAllocator>::new(layout(size, align)?, GFP_KERNEL)?;
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
