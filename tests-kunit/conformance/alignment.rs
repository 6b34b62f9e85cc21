// SPDX-License-Identifier: GPL-2.0

//! Alignment of fresh blocks.

use core::alloc::Layout;

use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    property::{
        ensure,
        layout,
        powers_of_two,
        several,
        Outcome,
        Stop, //
    },
    subject::Subject, //
};

/// Checks that blocks of a layout, which must be within the limits, are aligned to it.
///
/// What lies beyond an allocator's guarantee is luck, and one block may well have it. With many
/// live at once, a block size that isn't a multiple of the alignment shows.
pub(crate) fn check(subject: Subject, new: Layout, limits: &Limits) -> Outcome {
    for block in several(subject, new, GFP_KERNEL, limits)?.iter() {
        ensure!(
            block.is_aligned_to(new.align()),
            "a fresh block is misaligned",
            new
        );
    }
    Ok(())
}

/// "When the return value is `Ok(ptr)`, then `ptr` is [...] aligned to `layout.align()`."
pub(crate) fn fresh_blocks_are_aligned(subject: Subject, limits: &Limits) -> Outcome {
    if let Some(only) = limits.only {
        return check(subject, only, limits);
    }
    for align in powers_of_two(limits.align()) {
        for size in [
            1,
            24,
            align / 2,
            align - 1,
            align,
            align + 1,
            align + align / 2,
            3 * align,
        ] {
            let new = layout(size.max(1), align)?;

            if limits.fit(new) {
                check(subject, new, limits)?;
            }
        }
    }
    // The slab has buckets of 96 and 192 bytes, which are aligned to 32 and 64 only.
    for size in [65, 90, 96, 97, 129, 160, 191, 192, 2 * PAGE_SIZE + 1] {
        for align in powers_of_two(512) {
            let new = layout(size, align)?;

            if limits.fit(new) {
                check(subject, new, limits)?;
            }
        }
    }
    Ok(())
}

/// Checks that blocks of a layout, which must be within the limits, are aligned to `MIN_ALIGN`.
fn check_min_align(subject: Subject, new: Layout, limits: &Limits) -> Outcome {
    for block in several(subject, new, GFP_KERNEL, limits)?.iter() {
        ensure!(
            block.is_aligned_to(subject.min_align()),
            "a block is not aligned to MIN_ALIGN",
            new
        );
    }
    Ok(())
}

/// What a property says where there is no `MIN_ALIGN`.
const NO_MIN_ALIGN: Stop = Stop::NotApplicable(c"this kernel's allocators promise none");

/// As [`every_block_has_min_align`], of what stands for a block of size zero: `ForeignOwnable`
/// hands out pointers with that alignment, whatever they point to.
pub(crate) fn no_block_has_min_align(subject: Subject, limits: &Limits) -> Outcome {
    let min_align = subject.min_align();

    if min_align == 1 {
        return Err(NO_MIN_ALIGN);
    }
    for align in powers_of_two(min_align) {
        let none = layout(0, align)?;
        let mut block = Block::new(subject, limits.only_or(layout(1, align)?), GFP_KERNEL)?;

        block.resize(none, GFP_KERNEL)?;
        for block in [block, Block::new(subject, none, GFP_KERNEL)?] {
            ensure!(
                block.is_aligned_to(min_align),
                "what stands for no block is not aligned to MIN_ALIGN",
                none
            );
        }
    }
    Ok(())
}

/// "Any pointer allocated by this allocator is guaranteed to be aligned to `MIN_ALIGN` even if the
/// requested layout has a smaller alignment."
pub(crate) fn every_block_has_min_align(subject: Subject, limits: &Limits) -> Outcome {
    if subject.min_align() == 1 {
        return Err(NO_MIN_ALIGN);
    }
    if let Some(only) = limits.only {
        return check_min_align(subject, only, limits);
    }
    for size in 1..=256 {
        for align in [1, 2, 8] {
            let new = layout(size, align)?;

            if limits.fit(new) {
                check_min_align(subject, new, limits)?;
            }
        }
    }
    Ok(())
}
