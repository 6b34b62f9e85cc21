// SPDX-License-Identifier: GPL-2.0

//! A block, with guard bytes on both sides.

use core::{
    alloc::Layout,
    ptr::NonNull,
    slice, //
};
use std::alloc::{
    GlobalAlloc,
    System, //
};

use crate::{
    constants::ARCH_KMALLOC_MINALIGN,
    context::bug,
    page::PAGE_SIZE, //
};

/// How many bytes before a block and after what is granted nobody may write to.
const GUARD: usize = 128;

/// What those bytes are.
const GUARD_BYTE: u8 = 0xbb;

/// What a fresh block has.
const DIRT: u8 = 0x5d;

/// What a freed block has, as in the kernel (`include/linux/poison.h`, `POISON_FREE`).
const FREED: u8 = 0x6b;

/// The sizes of the caches that kmalloc has, in bytes; above them are whole pages.
const CACHES: [usize; 13] = [
    8,
    16,
    32,
    64,
    96,
    128,
    192,
    256,
    512,
    1024,
    PAGE_SIZE / 2,
    PAGE_SIZE,
    2 * PAGE_SIZE,
];

/// Returns how many bytes are granted to a request for `size`.
fn granted(size: usize) -> usize {
    CACHES
        .into_iter()
        .find(|&cache| cache >= size)
        .unwrap_or(size.next_power_of_two())
}

/// Returns the alignment that is promised to a request for `size` bytes.
fn align(size: usize) -> usize {
    (1 << size.trailing_zeros()).max(ARCH_KMALLOC_MINALIGN)
}

/// A block.
///
/// # Invariants
///
/// - `base` is a live block of the system's with the layout `memory`.
/// - `start` lies within it, with [`GUARD`] bytes before it, and `granted + GUARD` from it on.
/// - `size` is at most `granted`.
pub(super) struct Object {
    base: NonNull<u8>,
    memory: Layout,
    start: NonNull<u8>,
    size: usize,
    granted: usize,
    align: usize,
    node: i32,
    zeroed: bool,
    cache: usize,
}

// SAFETY: The memory may be used by any thread.
unsafe impl Send for Object {}

impl Object {
    /// Allocates a block at a multiple of the alignment that its size is promised, and not of twice
    /// that; none if the system has no memory.
    pub(super) fn new(size: usize, node: i32, zeroed: bool) -> Option<Self> {
        Self::of_cache(0, (size, granted(size), align(size)), node, zeroed)
    }

    /// As [`Object::new`], for a cache, which is a number other than 0, and with what it says of
    /// the size, of how much is granted, and of the alignment.
    pub(super) fn of_cache(
        cache: usize,
        (size, granted, align): (usize, usize, usize),
        node: i32,
        zeroed: bool,
    ) -> Option<Self> {
        // An odd multiple that leaves room for the guard.
        let offset = (GUARD.div_ceil(align) | 1) * align;
        let memory = Layout::from_size_align(offset + granted + GUARD, 2 * align).ok()?;
        // SAFETY: The layout is not of size zero.
        let base = NonNull::new(unsafe { System.alloc(memory) })?;
        // SAFETY: It is that far from the block's end, and more.
        let start = unsafe { NonNull::new_unchecked(base.as_ptr().add(offset)) };

        // INVARIANT: By the arithmetic above.
        let mut object = Self {
            base,
            memory,
            start,
            size: 0,
            granted,
            align,
            node,
            zeroed,
            cache,
        };
        // SAFETY: By the type invariants these bytes are the object's.
        unsafe { start.as_ptr().sub(GUARD).write_bytes(GUARD_BYTE, GUARD) };
        object.resize(size, zeroed);
        Some(object)
    }

    /// Returns where the block begins.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Returns how many bytes were asked for last.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Returns how many bytes were granted.
    pub(super) fn granted(&self) -> usize {
        self.granted
    }

    /// Returns the cache that it is of, 0 for those of kmalloc.
    pub(super) fn cache(&self) -> usize {
        self.cache
    }

    /// Returns the NUMA node that the block is on.
    pub(super) fn node(&self) -> i32 {
        self.node
    }

    /// Returns whether all requests for the block were for zeroed memory.
    pub(super) fn is_zeroed(&self) -> bool {
        self.zeroed
    }

    /// Gives the block another size, which must not exceed what was granted.
    pub(super) fn resize(&mut self, size: usize, zeroed: bool) {
        let old_size = self.size;

        // INVARIANT: By the requirement of this function.
        self.size = size;
        self.grown_from(old_size, zeroed && self.zeroed);
        // SAFETY: By the type invariants these bytes are the object's, and nobody else's.
        unsafe {
            self.start
                .as_ptr()
                .add(size)
                .write_bytes(GUARD_BYTE, self.granted - size + GUARD);
        }
    }

    /// Makes the bytes that the block has more than `old_size` zero or dirty.
    pub(super) fn grown_from(&mut self, old_size: usize, zeroed: bool) {
        self.zeroed = zeroed;
        if let Some(more) = self.size.checked_sub(old_size) {
            let byte = if zeroed { 0 } else { DIRT };

            // SAFETY: By the type invariants these bytes are the object's, and nobody has written
            // to them.
            unsafe { self.start.as_ptr().add(old_size).write_bytes(byte, more) };
        }
    }

    /// Ends the program, as somebody did `what` to this block.
    pub(super) fn bug(&self, what: &str) -> ! {
        bug(what, Some((self.size, self.align)))
    }

    /// Returns whether `len` bytes from `offset` on, which may lie before the block, are `byte`.
    fn is_filled(&self, offset: isize, len: usize, byte: u8) -> bool {
        // SAFETY: All callers stay within the bytes that are the object's by the type invariants.
        let bytes = unsafe { slice::from_raw_parts(self.start.as_ptr().offset(offset), len) };

        bytes.iter().all(|&other| other == byte)
    }

    /// Ends the program if somebody has written beside the block.
    pub(super) fn check(&self) {
        let after = self.granted - self.size + GUARD;

        if !self.is_filled(-(GUARD as isize), GUARD, GUARD_BYTE) {
            self.bug("somebody wrote before a block");
        }
        if !self.is_filled(self.size as isize, after, GUARD_BYTE) {
            self.bug("somebody wrote past the end of a block");
        }
    }

    /// Makes the block one that was freed.
    pub(super) fn retire(&mut self) {
        // SAFETY: By the type invariants these bytes are the object's, and nobody uses them.
        unsafe { self.start.as_ptr().write_bytes(FREED, self.granted) };
    }

    /// Ends the program if somebody has written to the block since it was freed.
    pub(super) fn check_retired(&self) {
        if !self.is_filled(0, self.granted, FREED) {
            self.bug("somebody wrote to a block that was freed");
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the memory is live and has this layout.
        unsafe { System.dealloc(self.base.as_ptr(), self.memory) };
    }
}
