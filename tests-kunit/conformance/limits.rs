// SPDX-License-Identifier: GPL-2.0

//! What can be asked of an allocator.

use core::alloc::Layout;

use kernel::{
    bindings,
    page::PAGE_SIZE, //
};

/// What can be asked of an allocator.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The largest size, in bytes, that it must have memory for, with what its alignment adds; a
    /// power of two, 64 or more.
    pub(crate) max: usize,
    /// The largest alignment, in bytes, that it must have memory for; a power of two. One that is
    /// larger than `max` is not asked for.
    pub(crate) max_align: usize,
    /// How many blocks are live at once of a layout; 2 or more.
    pub(crate) live: usize,
    /// Whether it can be used where nothing may sleep.
    pub(crate) atomic: bool,
    /// Whether its small blocks may lie side by side, as the slab's do. Say `false` only if there
    /// are pages between them: what it spares the machine otherwise is to be overwritten, by an
    /// allocator that writes past its blocks.
    pub(crate) slab: bool,
    /// Whether a block that is shrunk to much less gives memory back, as `Vec::shrink_to()` would
    /// have it. An allocator that doesn't say so is not asked for it: the slab keeps the block.
    pub(crate) gives_back: bool,
    /// The one layout that it has blocks of, as a cache has; `None` if it has blocks of any. It may
    /// have a block that it has shrunk in place. What is about other layouts is not applicable.
    pub(crate) only: Option<Layout>,
}

/// How many blocks of the slab are live at once. A kernel that looks at every access takes ten
/// times as long, and needs fewer to see what is wrong.
const LIVE: usize = if cfg!(CONFIG_KASAN_GENERIC) { 8 } else { 32 };

/// A size, in bytes, that no request of the suite for pages comes up to.
const PAGES: usize = 16 * PAGE_SIZE;

impl Limits {
    /// For allocators over the slab.
    pub(crate) const SLAB: Self = Self {
        max: bindings::KMALLOC_MAX_SIZE as usize,
        max_align: bindings::KMALLOC_MAX_SIZE as usize,
        live: LIVE,
        atomic: true,
        slab: true,
        gives_back: false,
        only: None,
    };

    /// For a cache: allocators over the slab that have blocks of one layout.
    pub(crate) const fn one(layout: Layout) -> Self {
        Self {
            only: Some(layout),
            ..Self::SLAB
        }
    }

    /// For allocators over the slab that map pages where it has no memory, and may sleep to do so.
    pub(crate) const EITHER: Self = Self {
        max: PAGES,
        max_align: PAGE_SIZE,
        live: LIVE,
        atomic: false,
        slab: true,
        gives_back: false,
        only: None,
    };

    /// For allocators that map pages, which takes longer and may sleep.
    pub(crate) const PAGES: Self = Self {
        max: PAGES,
        max_align: PAGE_SIZE,
        live: 4,
        atomic: false,
        slab: false,
        gives_back: false,
        only: None,
    };

    /// Returns whether they are ones that an allocator can be held to.
    pub(crate) const fn are_valid(&self) -> bool {
        self.max.is_power_of_two()
            && self.max >= 64
            && self.max_align.is_power_of_two()
            && self.live >= 2
            && !matches!(self.only, Some(only) if only.size() == 0)
    }

    /// Returns the largest alignment that is asked for, in bytes.
    pub(crate) fn align(&self) -> usize {
        self.max_align.min(self.max)
    }

    /// Returns whether a layout is one that the allocator must have memory for.
    pub(crate) fn fit(&self, layout: Layout) -> bool {
        if let Some(only) = self.only {
            return layout == only;
        }
        layout.align() <= self.align() && layout.pad_to_align().size() <= self.max
    }

    /// Returns whether a block that it has may be given a layout: with [`Limits::only`], any that
    /// fits into it.
    pub(crate) fn fit_resized(&self, layout: Layout) -> bool {
        match self.only {
            Some(only) => layout.size() <= only.size() && layout.align() <= only.align(),
            None => self.fit(layout),
        }
    }

    /// Returns the only layout if there is one, and else this.
    pub(crate) fn only_or(&self, layout: Layout) -> Layout {
        self.only.unwrap_or(layout)
    }
}
