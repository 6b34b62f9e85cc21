// SPDX-License-Identifier: GPL-2.0

//! A block of memory under test.

use core::{
    alloc::Layout,
    cmp::max,
    ops::Range,
    ptr::NonNull,
    slice,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use kernel::alloc::{
    AllocError,
    Flags, //
};

use super::{
    compat::NumaNode,
    rng::mix,
    subject::Subject, //
};

/// Returns the layout of `size` bytes aligned to `align`, in bytes.
///
/// # Errors
///
/// [`AllocError`] if there is no such layout, which then is a mistake of the case.
pub(crate) fn layout(size: usize, align: usize) -> Result<Layout, AllocError> {
    Layout::from_size_align(size, align).map_err(|_| AllocError)
}

/// How many layouts were asked for.
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

/// Returns how many layouts allocators were asked for so far, to allocate or to reallocate.
pub(crate) fn requests() -> usize {
    REQUESTS.load(Ordering::Relaxed)
}

/// A live block of an allocator, freed when dropped.
///
/// # Invariants
///
/// `ptr` is a live block of `subject` with this layout.
pub(crate) struct Block {
    subject: Subject,
    ptr: NonNull<u8>,
    layout: Layout,
}

impl Block {
    /// Allocates a block.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if the allocator refuses it.
    pub(crate) fn new(subject: Subject, layout: Layout, flags: Flags) -> Result<Self, AllocError> {
        Self::new_on(subject, layout, flags, NumaNode::NO_NODE)
    }

    /// Allocates a block on a NUMA node.
    ///
    /// # Errors
    ///
    /// As [`Block::new`].
    pub(crate) fn new_on(
        subject: Subject,
        layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<Self, AllocError> {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        let block = subject.alloc(layout, flags, nid)?;

        // INVARIANT: The block was just allocated.
        Ok(Self {
            subject,
            ptr: block.cast(),
            layout,
        })
    }

    /// Reallocates the block.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if the allocator refuses it; it is the block that it was then.
    pub(crate) fn resize(&mut self, layout: Layout, flags: Flags) -> Result<(), AllocError> {
        self.resize_on(layout, flags, NumaNode::NO_NODE)
    }

    /// Reallocates the block; a new one comes from the NUMA node.
    ///
    /// # Errors
    ///
    /// As [`Block::resize`].
    pub(crate) fn resize_on(
        &mut self,
        layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<(), AllocError> {
        let (ptr, old) = (Some(self.ptr), self.layout);

        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: By the type invariants the block is one of this allocator, live with that layout.
        let block = unsafe { self.subject.realloc(ptr, layout, old, flags, nid) }?;

        // INVARIANT: The block was just reallocated.
        self.ptr = block.cast();
        self.layout = layout;
        Ok(())
    }

    /// Returns the block's layout.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the block's size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.layout.size()
    }

    /// Returns the pointer, to look at but not to print.
    pub(crate) fn as_ptr(&self) -> NonNull<u8> {
        self.ptr
    }

    /// Returns the block's address, to calculate with but not to print; without the tag that arm64
    /// may have in its top byte.
    pub(crate) fn address(&self) -> usize {
        let untagged = match usize::BITS {
            64 => usize::MAX >> 8,
            _ => usize::MAX,
        };

        self.ptr.as_ptr() as usize & untagged
    }

    /// Returns whether the block is aligned as it was asked for and as the allocator always aligns.
    pub(crate) fn is_aligned(&self) -> bool {
        let align = match self.size() {
            0 => self.layout.align(),
            _ => max(self.layout.align(), self.subject.min_align()),
        };

        self.is_aligned_to(align)
    }

    /// Returns whether the block's address is a multiple of `align`, a power of two.
    pub(crate) fn is_aligned_to(&self, align: usize) -> bool {
        // Not by a division: objtool doesn't know where one by zero ends.
        self.address() & align.wrapping_sub(1) == 0
    }

    /// Writes to the whole block: something else for each `seed`, and at each place.
    pub(crate) fn fill(&self, seed: u64) {
        let tail = self.size() / 8 * 8;

        for offset in (0..tail).step_by(8) {
            // SAFETY: By the type invariants the block is live and has these eight bytes.
            unsafe { self.word(offset).write_unaligned(pattern(seed, offset)) };
        }
        for offset in tail..self.size() {
            // SAFETY: By the type invariants the block is live and has this byte.
            unsafe {
                self.ptr
                    .as_ptr()
                    .add(offset)
                    .write(pattern_byte(seed, offset))
            };
        }
    }

    /// Returns whether the first `len` bytes are those that [`Block::fill`] wrote with this seed,
    /// at a time when the block had at least that many.
    pub(crate) fn matches(&self, seed: u64, len: usize) -> bool {
        let tail = len / 8 * 8;

        // SAFETY: By the type invariants the block is live; these eight bytes were written.
        let word = |offset| unsafe { self.word(offset).read_unaligned() };
        // SAFETY: By the type invariants the block is live; this byte was written.
        let byte = |offset| unsafe { self.ptr.as_ptr().add(offset).read() };

        (0..tail)
            .step_by(8)
            .all(|offset| word(offset) == pattern(seed, offset))
            && (tail..len).all(|offset| byte(offset) == pattern_byte(seed, offset))
    }

    /// Returns whether the bytes of `range`, all of which must have been written, are zero.
    pub(crate) fn is_zero(&self, range: Range<usize>) -> bool {
        // SAFETY: By the type invariants the block is live; the case stays within it.
        let bytes =
            unsafe { slice::from_raw_parts(self.ptr.as_ptr().add(range.start), range.len()) };

        bytes.iter().all(|&byte| byte == 0)
    }

    /// Returns a pointer to the eight bytes at `offset`.
    fn word(&self, offset: usize) -> *mut u64 {
        self.ptr.as_ptr().wrapping_add(offset).cast()
    }
}

// SAFETY: A block is memory that nobody else has, and may be used and freed on any CPU.
unsafe impl Send for Block {}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the block is one of this allocator, live with this layout;
        // nobody else has it.
        unsafe { self.subject.free(self.ptr, self.layout) };
    }
}

/// Returns the word that belongs at `offset`, a multiple of eight.
fn pattern(seed: u64, offset: usize) -> u64 {
    mix((seed << 32) ^ offset as u64)
}

/// Returns the byte that belongs at `offset`.
fn pattern_byte(seed: u64, offset: usize) -> u8 {
    pattern(seed, offset / 8 * 8).to_ne_bytes()[offset % 8]
}
