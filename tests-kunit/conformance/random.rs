// SPDX-License-Identifier: GPL-2.0

//! All promises at once, in long random runs against what is known of each block.

use core::{
    alloc::Layout,
    mem::swap, //
};

use kernel::{
    alloc::{
        flags::{
            __GFP_NOWARN,
            __GFP_ZERO, //
        },
        AllocError, //
    },
    prelude::*, //
};

use super::{
    block::Block,
    contents,
    guard,
    limits::Limits,
    probe,
    property::{
        ensure,
        layout,
        Outcome,
        Stop, //
    },
    rng::{
        Numbers,
        Rng, //
    },
    subject::Subject,
    zeroing, //
};

/// How many blocks are live at the most.
const SLOTS: usize = 64;

/// What an allocator can't be trusted with, which would hide all else.
#[derive(Clone, Copy)]
pub(crate) struct Trust {
    /// It may write past a block that it realigns.
    overwrites: bool,
    /// It aligns a block that it reallocates to a larger alignment.
    realigns: bool,
    /// It zeroes what `__GFP_ZERO` grows.
    zeroes: bool,
}

impl Trust {
    /// Finds out.
    ///
    /// # Errors
    ///
    /// [`Stop::NoMemory`].
    pub(crate) fn of(subject: Subject, limits: &Limits) -> Result<Self, Stop> {
        Ok(Self {
            overwrites: limits.slab
                && limits.only.is_none()
                && guard::may_overwrite(subject, limits)?,
            realigns: !matches!(
                contents::kept_and_aligned_when_alignment_rises(subject, limits),
                Err(Stop::Violated(_))
            ),
            zeroes: zeroing::growth_is_zeroed(subject, limits).is_ok(),
        })
    }

    /// Trusts the allocator.
    pub(crate) const FULL: Self = Self {
        overwrites: false,
        realigns: true,
        zeroes: true,
    };
}

/// A block, and the seed that it was last filled with; none before that.
pub(crate) type Slot = Option<(Block, u64)>;

/// The largest sizes and alignments in a random run, in bytes, as far as the limits go.
const MAX: usize = 1 << 14;
const MAX_ALIGN: usize = 1 << 12;

/// Live blocks and what must be in them.
pub(crate) struct Model<N: Numbers = Rng> {
    subject: Subject,
    slots: KVec<Slot>,
    rng: N,
    /// How many powers of two sizes are below, and how many alignments are.
    magnitudes: (usize, usize),
    trust: Trust,
    /// Whether allocations are made to fail now and then.
    failing: bool,
    /// As in [`Limits`].
    only: Option<Layout>,
}

impl<N: Numbers> Model<N> {
    /// Returns a model without a block, whose operations come from `rng`, and in which allocations
    /// are made to fail now and then if it is `failing`.
    ///
    /// # Errors
    ///
    /// [`Stop::NoMemory`].
    pub(crate) fn new(
        subject: Subject,
        rng: N,
        limits: &Limits,
        trust: Trust,
        failing: bool,
    ) -> Result<Self, Stop> {
        let mut slots = KVec::with_capacity(SLOTS, GFP_KERNEL)?;

        for _ in 0..SLOTS {
            slots.push(None, GFP_KERNEL)?;
        }
        Ok(Self {
            subject,
            slots,
            rng,
            magnitudes: (
                1 + MAX.min(limits.max).trailing_zeros() as usize,
                1 + MAX_ALIGN.min(limits.align()).trailing_zeros() as usize,
            ),
            trust,
            failing,
            only: limits.only,
        })
    }

    /// Exchanges one of its blocks, or the lack of one, for what is in `slot`.
    pub(crate) fn exchange(&mut self, slot: &mut Slot) {
        let n = self.rng.below(SLOTS);

        swap(&mut self.slots[n], slot);
    }

    /// Makes a request, in which an allocation may be made to fail. `None` if it was refused for
    /// that; no other reason is accepted.
    fn request<T>(
        &mut self,
        run: impl FnOnce() -> Result<T, AllocError>,
    ) -> Result<Option<T>, Stop> {
        let nth = 1 + self.rng.below(4);

        if !self.failing || self.rng.below(8) != 0 {
            return Ok(Some(run()?));
        }
        match probe::with_failure(nth, run) {
            (Err(_), true) => Ok(None),
            (value, _) => Ok(Some(value?)),
        }
    }

    /// Looks at a block, and mostly frees or reallocates it, or allocates one where there is none.
    ///
    /// # Errors
    ///
    /// As of a property.
    pub(crate) fn step(&mut self) -> Outcome {
        let magnitude = 1 << self.rng.below(self.magnitudes.0);
        let mut new = layout(
            self.rng.below(magnitude),
            1 << self.rng.below(self.magnitudes.1),
        )?;
        let zeroed = self.rng.below(2) == 0;
        let flags = if zeroed {
            GFP_KERNEL | __GFP_NOWARN | __GFP_ZERO
        } else {
            GFP_KERNEL | __GFP_NOWARN
        };
        let n = self.rng.below(SLOTS);
        if let Some(only) = self.only {
            let has_block = matches!(&self.slots[n], Some((block, _)) if block.size() != 0);

            new = match has_block {
                true => layout(
                    new.size() % (only.size() + 1),
                    new.align().min(only.align()),
                )?,
                false => only,
            };
        }
        // Never 0, which stands for a block that was not written to.
        let next = self.rng.next() | 1;

        let subject = self.subject;
        let (mut block, seed) = match self.slots[n].take() {
            None => match self.request(|| Block::new(subject, new, flags))? {
                None => return Ok(()),
                Some(block) => (block, 0),
            },
            Some(filled) => filled,
        };
        let (old, kept) = match seed {
            0 => (new, 0),
            _ => (block.layout(), block.size()),
        };
        ensure!(
            block.matches(seed, kept),
            "a live block was overwritten in a random run",
            old
        );
        if seed != 0 && self.rng.below(3) == 0 {
            return Ok(());
        }
        // A block that was shrunk before may be much larger than its layout says.
        let is_trusted = self.trust.realigns && !self.trust.overwrites;
        if !is_trusted && !block.is_aligned_to(new.align()) {
            new = layout(new.size(), old.align())?;
        }
        if old != new && self.request(|| block.resize(new, flags))?.is_none() {
            ensure!(
                block.matches(seed, kept),
                "a block was changed by a reallocation that failed in a random run",
                old => new
            );
            self.slots[n] = Some((block, seed));
            return Ok(());
        }
        let kept = kept.min(new.size());
        ensure!(
            block.is_aligned_to(new.align()),
            "a block is misaligned in a random run",
            old => new
        );
        ensure!(
            block.matches(seed, kept),
            "a block lost its contents in a random run",
            old => new
        );
        ensure!(
            !zeroed || !self.trust.zeroes || block.is_zero(kept..new.size()),
            "a block is not zeroed in a random run",
            old => new
        );
        block.fill(next);
        self.slots[n] = Some((block, next));
        Ok(())
    }
}

/// How many operations a random run has, for each block that may be live at once.
const STEPS: usize = 625;

/// What directed properties have found an allocator to do wrong is not asked of it again: whether a
/// random run comes by it is luck.
///
/// The seed is logged; the module's `seed` parameter runs one again.
pub(crate) fn random_sequence(subject: Subject, limits: &Limits) -> Outcome {
    let trust = Trust::of(subject, limits)?;
    let mut model = Model::new(subject, Rng::new("random_sequence"), limits, trust, false)?;

    for _ in 0..STEPS * limits.live {
        model.step()?;
    }
    Ok(())
}
