// SPDX-License-Identifier: GPL-2.0

//! Which of kmalloc()'s buckets a size belongs to, by the arithmetic of C's inline.
//!
//! Of [`kernel::bindings`] it has the constants of that; `slab.rs` says why they are touched.

use kernel::bindings;

/// The largest request that is served from a bucket, in bytes, and the logarithm of it to base two;
/// above it the page allocator serves (`include/linux/slab.h`).
const KMALLOC_MAX_CACHE_SIZE: usize = bindings::KMALLOC_MAX_CACHE_SIZE as usize;
const KMALLOC_SHIFT_HIGH: usize = bindings::KMALLOC_SHIFT_HIGH as usize;

/// The smallest bucket, in bytes; a power of two (`include/linux/slab.h`).
const KMALLOC_MIN_SIZE: usize = bindings::KMALLOC_MIN_SIZE as usize;

/// Up to here buckets lie closer than powers of two (`mm/slab.h`, `kmalloc_slab()`), in bytes.
const SMALL: usize = 192;

/// Every bucket's size is a multiple of this many bytes.
const STEP: usize = 8;

/// The index of the bucket, less 1, for each multiple of [`STEP`] up to [`SMALL`].
const BELOW: [u8; SMALL / STEP] = {
    let mut below = [0; SMALL / STEP];
    let mut n = 0;

    while n < below.len() {
        below[n] = small((n + 1) * STEP) - 1;
        n += 1;
    }
    below
};

/// Returns the index of the bucket for a size up to [`SMALL`], not zero (`include/linux/slab.h`,
/// `__kmalloc_index()`).
const fn small(size: usize) -> u8 {
    if size <= KMALLOC_MIN_SIZE {
        KMALLOC_MIN_SIZE.ilog2() as u8
    } else if KMALLOC_MIN_SIZE <= 32 && size > 64 && size <= 96 {
        1
    } else if KMALLOC_MIN_SIZE <= 64 && size > 128 && size <= 192 {
        2
    } else {
        size.next_power_of_two().ilog2() as u8
    }
}

/// A bucket of kmalloc(), by its index less 1: so the highest bit of a size is it as it stands, and
/// an index of 0, which is no bucket's, can't be said.
///
/// # Invariants
///
/// The index is what C's `kmalloc_index()` returns for a size from 1 to `KMALLOC_MAX_CACHE_SIZE`,
/// so at most `KMALLOC_SHIFT_HIGH`.
#[derive(Clone, Copy)]
pub(super) struct Bucket(usize);

impl Bucket {
    /// Returns the bucket for `size` bytes; `None` if that is zero, or more than any bucket has.
    ///
    /// Nothing is left of this where the size is a constant. Where it is not, this is cheaper than
    /// having `__kmalloc_noprof()` do the same: one comparison finds sizes of zero and those that
    /// are too large, and it is the caller's as well.
    #[inline(always)]
    pub(super) fn of(size: usize) -> Option<Self> {
        const {
            assert!(KMALLOC_MIN_SIZE.is_power_of_two() && KMALLOC_MIN_SIZE >= STEP);
            assert!(KMALLOC_MAX_CACHE_SIZE == 1 << KMALLOC_SHIFT_HIGH);
            // Above `SMALL` all buckets are powers of two.
            assert!(KMALLOC_MIN_SIZE <= 256 && KMALLOC_MAX_CACHE_SIZE >= 256);
        };
        // The largest of all sizes for zero.
        let last = size.wrapping_sub(1);

        // INVARIANT: The table has what `kmalloc_index()` returns, less 1. Above it that is the
        // number of the highest bit of `size - 1`, counted from 0.
        if last < SMALL {
            Some(Self(usize::from(BELOW[last / STEP])))
        } else if last < KMALLOC_MAX_CACHE_SIZE {
            Some(Self(last.ilog2() as usize))
        } else {
            None
        }
    }

    /// Returns the index, from 1 to `KMALLOC_SHIFT_HIGH`.
    #[inline(always)]
    pub(super) fn index(self) -> usize {
        self.0 + 1
    }
}
