// SPDX-License-Identifier: GPL-2.0

//! What is promised of an allocator that is created and destroyed, as a cache is. These properties
//! are not in the list of all: they need to be told how that is done.

use core::{
    alloc::Layout,
    mem::forget, //
};

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        Allocator, //
    },
    prelude::*, //
};

use super::{
    block::Block,
    property::{
        ensure,
        Outcome,
        Stop, //
    },
    subject::Subject, //
};

/// An allocator that is created and destroyed.
pub(crate) trait Lifecycle: Allocator + Sized {
    /// A layout that it has blocks of.
    const LAYOUT: Layout;

    /// What there is of it once it is created.
    type Created;

    /// Creates it.
    fn create() -> Result<Self::Created>;

    /// Destroys it; gives it back if it was not.
    fn destroy(created: Self::Created) -> Result<(), Self::Created>;
}

/// Allocates a block.
fn block<L: Lifecycle>() -> Option<Block> {
    Block::new(Subject::of::<L>(), L::LAYOUT, GFP_KERNEL | __GFP_NOWARN).ok()
}

/// Creates it.
fn create<L: Lifecycle>() -> Result<L::Created, Stop> {
    L::create().map_err(|_| Stop::NoMemory)
}

/// Nothing can be had of it before it is created and when it is destroyed, and asking is no harm.
pub(crate) fn usable_while_it_is_there<L: Lifecycle>() -> Outcome {
    for _ in 0..2 {
        ensure!(
            block::<L>().is_none(),
            "a block was granted before the cache was created",
            L::LAYOUT
        );
        let created = create::<L>()?;
        let granted = block::<L>();

        ensure!(granted.is_some(), "a created cache has no block", L::LAYOUT);
        drop(granted);
        ensure!(
            L::destroy(created).is_ok(),
            "a cache without a live block was not destroyed",
            L::LAYOUT
        );
        ensure!(
            block::<L>().is_none(),
            "a block was granted after the cache was destroyed",
            L::LAYOUT
        );
    }
    Ok(())
}

/// It is there once.
pub(crate) fn created_once<L: Lifecycle>() -> Outcome {
    let created = create::<L>()?;
    let is_refused = match L::create() {
        Ok(second) => {
            drop(second);
            false
        }
        Err(_) => true,
    };

    ensure!(is_refused, "a cache was created twice", L::LAYOUT);
    ensure!(
        L::destroy(created).is_ok(),
        "a cache without a live block was not destroyed",
        L::LAYOUT
    );
    Ok(())
}

/// It is not destroyed while a block is live, of however many it had: that one stays what it is.
pub(crate) fn live_blocks_keep_it<L: Lifecycle>() -> Outcome {
    for count in [1, 2, 500] {
        let mut created = create::<L>()?;
        let mut blocks = KVec::with_capacity(count, GFP_KERNEL)?;

        for n in 0..count {
            let block = Block::new(Subject::of::<L>(), L::LAYOUT, GFP_KERNEL)?;
            block.fill(n as u64);
            blocks.push(Some(block), GFP_KERNEL)?;
        }
        // One after the other, so that each is the last one live at least once.
        for n in 0..count {
            created = match L::destroy(created) {
                Err(created) => created,
                Ok(()) => {
                    // They are nobody's any more; to free them is not safe.
                    for block in blocks {
                        forget(block);
                    }
                    ensure!(
                        false,
                        "a cache was destroyed while a block was live",
                        L::LAYOUT
                    );
                    return Ok(());
                }
            };
            // It takes a while, so not for each.
            let more = if n % 100 == 0 { 1 } else { 100 };
            for (n, slot) in blocks.iter_mut().enumerate().skip(n).take(more) {
                if let Some(block) = slot.take() {
                    ensure!(
                        block.matches(n as u64, block.size()),
                        "a live block changed when its cache was to be destroyed",
                        L::LAYOUT
                    );
                }
            }
            if blocks.iter().all(Option::is_none) {
                break;
            }
        }
        ensure!(
            L::destroy(created).is_ok(),
            "a cache without a live block was not destroyed",
            L::LAYOUT
        );
    }
    Ok(())
}
