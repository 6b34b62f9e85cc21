// SPDX-License-Identifier: GPL-2.0

//! How many bytes are granted for how many that are asked for.

use core::alloc::Layout;

use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator, //
    },
    prelude::*, //
};

use crate::{
    allocator::{
        KernelAllocator,
        KMALLOC_MAX_SIZE,
        SLAB_MIN_ALIGN, //
    },
    compat::{
        self,
        NumaNode, //
    },
    record::rest, //
};

extern "C" {
    fn bench_granted(size: usize) -> usize;
}

/// The alignments, in bytes: 8 to 4096.
const ALIGNS: [usize; 10] = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// Returns the sizes: 1 to 256 by one, then four to each power of two, and around it, as far as
/// blocks go.
fn sizes() -> impl Iterator<Item = usize> {
    let larger = (8..KMALLOC_MAX_SIZE.ilog2()).flat_map(|log| {
        let base = 1usize << log;
        [
            base + 1,
            base + base / 4,
            base + base / 2,
            base + base / 4 * 3,
            2 * base,
        ]
    });

    // By name: on a kernel that has it, `pin_init::Init` has a `chain` as well.
    Iterator::chain(1..=256, larger)
}

/// What a path grants for a layout, in bytes; 0 if it can't.
type Granted = fn(Layout) -> usize;

/// Returns what `A` grants, whose blocks must be the slab's.
fn through<A: Allocator>(layout: Layout) -> usize {
    let Ok(block) = compat::alloc::<A>(layout, GFP_KERNEL, NumaNode::NO_NODE) else {
        return 0;
    };
    // SAFETY: The block is live, has this layout and, as `KernelAllocator`'s are, is one of the
    // slab's.
    let granted = unsafe { KernelAllocator::granted(block.cast(), layout) };

    // SAFETY: The block is live, has this layout, and is not used any more.
    unsafe { A::free(block.cast(), layout) };
    granted
}

/// Returns what the older rounding grants, that of the kernel crate before 6.12: the padded size,
/// and the next power of two if the alignment is more than the slab's least.
fn older(layout: Layout) -> usize {
    let padded = layout.pad_to_align().size();
    let size = if layout.align() > SLAB_MIN_ALIGN {
        padded.next_power_of_two()
    } else {
        padded
    };

    // SAFETY: The function has no requirements.
    unsafe { bench_granted(size) }
}

/// Prints a line for each size, with what each path grants at each alignment.
pub(crate) fn print() -> Result {
    let paths: [Granted; 3] = [older, through::<Kmalloc>, through::<KernelAllocator>];
    let mut lines = 0;

    pr_info!("memory aligns={ALIGNS:?}\n");
    for size in sizes() {
        let mut rows = [[0; ALIGNS.len()]; 3];

        for (row, granted) in rows.iter_mut().zip(paths) {
            for (bytes, align) in row.iter_mut().zip(ALIGNS) {
                let layout = Layout::from_size_align(size, align).map_err(|_| EINVAL)?;

                *bytes = granted(layout);
            }
        }
        let [older, kernels, ours] = rows;

        pr_info!(
            "memory size={size} older={older:?} Kmalloc={kernels:?} KernelAllocator={ours:?}\n"
        );
        rest(lines);
        lines += 1;
    }
    pr_info!("memory lines={lines}\n");
    Ok(())
}
