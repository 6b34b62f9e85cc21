// SPDX-License-Identifier: GPL-2.0

//! A dangerous reallocation, made where it can't hurt.
//!
//! An allocator that moves a block to a smaller one and copies all of the old one writes past the
//! new one, as `krealloc()` of Linux 6.18.15 does. To see that without losing the guest, the new
//! block is made to lie before live blocks of ours, which are looked at afterwards.

use core::alloc::Layout;

use kernel::{
    new_spinlock,
    prelude::*, //
};

use super::{
    block::Block,
    limits::Limits,
    property::{
        layout,
        Stop, //
    },
    subject::Subject, //
};

/// How many blocks the new one is placed among.
const FIELD: usize = 96;

/// How often it is tried to place it.
const TRIES: usize = 32;

/// Of how many tries the blocks are kept. They fill the slabs that had room, so that the only block
/// to be had is the one that was freed; unless KASAN keeps that for a while.
const KEPT: usize = 16;

/// What came of it.
#[derive(PartialEq)]
pub(crate) enum Neighbours {
    /// All are what they were.
    Intact,
    /// At least one was written to.
    Overwritten,
    /// The block stayed where it was, so nothing was copied.
    NotMoved,
    /// The new block did not come to lie among them, so nothing is known.
    Elsewhere,
}

/// Reallocates a block from `old` to `new`, which must be smaller, among live blocks of ours.
pub(crate) fn shrink(subject: Subject, old: Layout, new: Layout) -> Result<Neighbours, Stop> {
    let mut kept = KVec::<Blocks>::with_capacity(KEPT, GFP_KERNEL)?;

    for _ in 0..TRIES {
        let mut blocks = Blocks::new(subject, old, new)?;

        match blocks.shrink(subject, old, new)? {
            Neighbours::Elsewhere => {}
            known => return Ok(known),
        }
        if kept.len() == KEPT {
            kept = KVec::with_capacity(KEPT, GFP_KERNEL)?;
        }
        kept.push(blocks, GFP_KERNEL)?;
    }
    Ok(Neighbours::Elsewhere)
}

/// Returns whether an allocator may write past a block that it shrinks and realigns: then nothing
/// but [`shrink`] may have it do that, also where a block was shrunk in place before.
pub(crate) fn may_overwrite(subject: Subject, limits: &Limits) -> Result<bool, Stop> {
    let mut known = false;

    for (old, new) in PAIRS {
        let (old, new) = (layout(old.0, old.1)?, layout(new.0, new.1)?);

        if !limits.fit(old) || !limits.fit(new) {
            continue;
        }
        match shrink(subject, old, new)? {
            Neighbours::Overwritten => return Ok(true),
            Neighbours::Intact | Neighbours::NotMoved => known = true,
            Neighbours::Elsewhere => {}
        }
    }
    Ok(!known)
}

/// Layouts that a block is shrunk from and to, size and alignment each.
///
/// The old ones are from the slab's buckets of 96 and 192 bytes: of all others the blocks have the
/// new alignment, and stay where they are.
pub(crate) const PAIRS: [((usize, usize), (usize, usize)); 4] = [
    ((72, 8), (8, 64)),
    ((90, 2), (8, 64)),
    ((96, 32), (24, 64)),
    ((136, 8), (8, 128)),
];

/// How many old blocks there are to choose one that lacks the new alignment.
const CHOICE: usize = 8;

/// The blocks of one try.
struct Blocks {
    /// Those that the new one is to lie among, each filled by its number.
    field: KVec<Option<Block>>,
    /// Old ones, of which the one is shrunk that lacks the new alignment.
    choice: KVec<Block>,
}

impl Blocks {
    fn new(subject: Subject, old: Layout, new: Layout) -> Result<Self, Stop> {
        let mut field = KVec::with_capacity(FIELD, GFP_KERNEL)?;
        let mut choice = KVec::with_capacity(CHOICE, GFP_KERNEL)?;

        for n in 0..FIELD {
            let block = Block::new(subject, new, GFP_KERNEL)?;
            block.fill(n as u64);
            field.push(Some(block), GFP_KERNEL)?;
        }
        for _ in 0..CHOICE {
            choice.push(Block::new(subject, old, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self { field, choice })
    }

    /// Reallocates one of them, once.
    fn shrink(&mut self, subject: Subject, old: Layout, new: Layout) -> Result<Neighbours, Stop> {
        let Self { field, choice } = self;
        let Some(moving) = choice
            .iter_mut()
            .find(|block| !block.is_aligned_to(new.align()))
        else {
            return Ok(Neighbours::Elsewhere);
        };
        moving.fill(FIELD as u64);
        let before = moving.address();

        // As much as the slab can have granted for the old block.
        let reach = old.pad_to_align().size().next_power_of_two();
        let Some(stride) = stride(field) else {
            return Ok(Neighbours::Elsewhere);
        };
        let followers = reach.checked_div(stride).unwrap_or(0);

        // Nothing else may take the place meanwhile, at least not on this CPU.
        let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL).map_err(|_| Stop::NoMemory)?;
        let guard = lock.lock();
        let mut place = None;
        for n in (0..FIELD).rev() {
            if !has_followers(field, address(&field[n]), stride, followers) {
                continue;
            }
            // A block is freed to where the next one comes from, as a rule: then that has
            // followers.
            field[n] = None;
            let next = Block::new(subject, new, GFP_ATOMIC)?;
            if has_followers(field, next.address(), stride, followers) {
                place = Some(next.address());
                break;
            }
            next.fill(n as u64);
            field[n] = Some(next);
        }
        let resized = place.is_some() && moving.resize(new, GFP_ATOMIC).is_ok();
        drop(guard);

        if resized && moving.address() == before {
            return Ok(Neighbours::NotMoved);
        }
        if !resized || Some(moving.address()) != place {
            return Ok(Neighbours::Elsewhere);
        }
        for (n, block) in field.iter().enumerate() {
            let Some(block) = block else { continue };

            if !block.matches(n as u64, new.size()) {
                return Ok(Neighbours::Overwritten);
            }
        }
        Ok(Neighbours::Intact)
    }
}

/// Returns a block's address, and 0 if there is none.
fn address(block: &Option<Block>) -> usize {
    block.as_ref().map_or(0, Block::address)
}

/// Returns how far the blocks of `field` are apart at the least.
fn stride(field: &[Option<Block>]) -> Option<usize> {
    field
        .iter()
        .flat_map(|a| field.iter().map(move |b| (address(a), address(b))))
        .filter_map(|(a, b)| a.checked_sub(b))
        .filter(|&gap| gap != 0)
        .min()
}

/// Returns whether the places after `start` have blocks of `field`, without a gap.
fn has_followers(field: &[Option<Block>], start: usize, stride: usize, followers: usize) -> bool {
    (1..=followers).all(|n| {
        field
            .iter()
            .any(|block| address(block) == start + n * stride)
    })
}
