// SPDX-License-Identifier: GPL-2.0

//! The walk: objects of all alignments and of the sizes around them, checked while several of each
//! layout are live.

use core::{
    alloc::Layout,
    cmp::min,
    fmt::Arguments,
    ptr::NonNull,
    slice, //
};

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        AllocError,
        Flags,
        Vec, //
    },
    prelude::*, //
};

use crate::allocator::{
    Accounted,
    KernelAllocator,
    NodeAllocator,
    NumaNode,
    KMALLOC_MAX_SIZE,
    SLAB_MIN_ALIGN, //
};

/// The most objects that the walk holds live at once; each is filled with its own byte.
const LIVE_MAX: usize = 64;

/// Returns what all objects of the walk are allocated with: large ones may well be refused, and
/// that is worth a count, not a report of the memory's state.
fn flags() -> Flags {
    GFP_KERNEL | __GFP_NOWARN
}

/// A block filled with a byte of its own.
///
/// # Invariants
///
/// `ptr` is a live block of [`Accounted`] with this layout.
struct Object {
    ptr: NonNull<u8>,
    layout: Layout,
    byte: u8,
}

impl Object {
    /// Allocates a block and fills it with `byte`.
    fn new(layout: Layout, byte: u8) -> Result<Self, AllocError> {
        let ptr = <Accounted>::alloc(layout, flags(), NumaNode::NO_NODE)?.cast::<u8>();

        // SAFETY: The block was just allocated with this size.
        unsafe { ptr.as_ptr().write_bytes(byte, layout.size()) };

        // INVARIANT: The block was just allocated.
        Ok(Self { ptr, layout, byte })
    }

    /// Reallocates the block; on failure it is what it was.
    fn resize(&mut self, layout: Layout) -> Result<(), AllocError> {
        // SAFETY: By the type invariants the block is live with the layout that is told.
        let block = unsafe {
            <Accounted>::realloc(
                Some(self.ptr),
                layout,
                self.layout,
                flags(),
                NumaNode::NO_NODE,
            )
        }?;

        // INVARIANT: The block was just reallocated to `layout`.
        self.ptr = block.cast();
        self.layout = layout;
        Ok(())
    }

    /// Returns whether the first `len` bytes, all of which were filled, are what they were.
    fn is_intact(&self, len: usize) -> bool {
        // SAFETY: By the type invariants the block is live, with at least `len` bytes; they were
        // written, and nothing writes to them now.
        let bytes = unsafe { slice::from_raw_parts(self.ptr.as_ptr(), len) };

        // SAFETY: Any eight bytes are a word.
        let (head, words, tail) = unsafe { bytes.align_to::<u64>() };

        words
            .iter()
            .all(|&word| word == u64::from_ne_bytes([self.byte; 8]))
            && [head, tail]
                .into_iter()
                .flatten()
                .all(|&byte| byte == self.byte)
    }

    /// Returns whether the block has the alignment that was asked for.
    fn is_aligned(&self) -> bool {
        self.ptr.as_ptr() as usize % self.layout.align() == 0
    }

    /// Returns how many bytes the slab granted.
    fn granted(&self) -> usize {
        // SAFETY: By the type invariants the block is live with this layout, and all blocks of
        // `Accounted` are those of `KernelAllocator`.
        unsafe { KernelAllocator::granted(self.ptr, self.layout) }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the block is live with this layout; nobody else has it.
        unsafe { <Accounted>::free(self.ptr, self.layout) };
    }
}

/// What the walk saw.
#[derive(Default)]
struct Tally {
    layouts: usize,
    misaligned: usize,
    refused: usize,
    asked: usize,
    granted: usize,
}

impl Tally {
    /// Checks that all objects are aligned and that each still has the first `len` of its bytes, or
    /// all of them if it has less; the latter can only hold if no two of them overlap.
    ///
    /// # Errors
    ///
    /// `EIO`, after a line that says which layout it was.
    fn check(&mut self, objects: &[Object], len: usize, when: &str) -> Result {
        for (n, object) in objects.iter().enumerate() {
            let (size, align) = (object.layout.size(), object.layout.align());

            let fault = if !object.is_aligned() {
                self.misaligned += 1;
                "misaligned"
            } else if object.granted() < size {
                "smaller than asked"
            } else if !object.is_intact(min(len, size)) {
                "corrupted"
            } else {
                continue;
            };
            pr_err!(
                "walk: layout of size {size}, align {align}: object {} of {} is {fault} {when}\n",
                n + 1,
                objects.len()
            );
            return Err(EIO);
        }
        Ok(())
    }

    /// Tries one layout: allocates `live` objects, writes to them, reallocates them, reads them
    /// back and frees them.
    fn try_layout(&mut self, layout: Layout, live: usize) -> Result {
        let mut objects = Vec::<Object, Accounted>::with_capacity(live, GFP_KERNEL)?;

        self.layouts += 1;
        for n in 0..live {
            let Ok(object) = Object::new(layout, n as u8 + 1) else {
                self.refused += 1;
                break;
            };
            self.asked += layout.size();
            self.granted += object.granted();
            objects.push(object, GFP_KERNEL)?;
        }
        self.check(&objects, layout.size(), "after allocation")?;

        // In turn, grown with the alignment kept and shrunk with it raised. An object that is
        // refused must be what it was.
        let (size, align) = (layout.size(), layout.align());
        let grown = Layout::from_size_align(size + size / 2 + 1, align).map_err(|_| EINVAL)?;
        let raised = Layout::from_size_align(size.div_ceil(2), align * 2).map_err(|_| EINVAL)?;

        for (n, object) in objects.iter_mut().enumerate() {
            let _ = object.resize(if n % 2 == 0 { grown } else { raised });
        }
        self.check(&objects, size, "after reallocation")
    }

    /// Tries the sizes around the alignment: smaller, equal, not a multiple, a few times as large.
    fn try_align(&mut self, align: usize, live: usize) -> Result {
        let sizes = [
            1,
            align / 2,
            align - 1,
            align,
            align + 1,
            align + align / 2,
            3 * align,
        ];

        for (n, &size) in sizes.iter().enumerate() {
            if size != 0 && !sizes[..n].contains(&size) {
                let layout = Layout::from_size_align(size, align).map_err(|_| EINVAL)?;
                self.try_layout(layout, live)?;
            }
        }
        Ok(())
    }
}

/// What the walk saw at one alignment.
struct Row {
    align: usize,
    tally: Tally,
    ok: bool,
}

impl Row {
    /// Hands the row's line to `say`.
    fn tell(&self, say: &mut dyn FnMut(Arguments<'_>)) {
        let Self { align, tally, ok } = self;

        say(format_args!(
            "{align:>8}{} {:>8} {:>8} {:>12} {:>12}  {}",
            if *align == SLAB_MIN_ALIGN { "*" } else { " " },
            tally.layouts,
            tally.refused,
            tally.asked,
            tally.granted,
            if *ok { "ok" } else { "FAILED" }
        ));
    }
}

/// A walk, and what it saw when it was last run.
pub(crate) struct Walk {
    max_align: usize,
    live: usize,
    rows: Vec<Row, KernelAllocator>,
}

impl Walk {
    /// Returns a walk of the alignments up to `max_align` bytes, with `live` objects of each layout
    /// live at once.
    ///
    /// # Errors
    ///
    /// `EINVAL`, after a line that says what can be had, if `max_align` is not a power of two up to
    /// [`KMALLOC_MAX_SIZE`], or `live` not 1 to 64.
    pub(crate) fn new(max_align: usize, live: usize) -> Result<Self> {
        if !max_align.is_power_of_two() || max_align > KMALLOC_MAX_SIZE {
            pr_err!("max_align={max_align}: must be a power of two, 1 to {KMALLOC_MAX_SIZE}\n");
            return Err(EINVAL);
        }
        if !(1..=LIVE_MAX).contains(&live) {
            pr_err!("live={live}: must be 1 to {LIVE_MAX}\n");
            return Err(EINVAL);
        }

        Ok(Self {
            max_align,
            live,
            rows: Vec::new(),
        })
    }

    /// Runs the walk, prints a row for each alignment as it goes, and keeps them.
    ///
    /// # Errors
    ///
    /// `EIO` if a block was misaligned or corrupted, `ENOMEM` if there was no memory for the rows
    /// or for the list of objects.
    pub(crate) fn run(&mut self) -> Result {
        let say = &mut |line: Arguments<'_>| pr_info!("{line}\n");
        let last = self.max_align.trailing_zeros();
        let mut result = Ok(());

        self.rows = Vec::with_capacity(last as usize + 1, GFP_KERNEL)?;
        self.tell_head(say);
        for align in (0..=last).map(|shift| 1 << shift) {
            let mut tally = Tally::default();

            result = tally.try_align(align, self.live);
            let row = Row {
                align,
                tally,
                ok: result.is_ok(),
            };
            row.tell(say);
            self.rows.push(row, GFP_KERNEL)?;
            if result.is_err() {
                break;
            }
        }
        self.tell_total(say);
        result
    }

    /// Hands the table of the last run to `say`, line by line.
    #[allow(dead_code, reason = "without debugfs nobody asks for it again")]
    pub(crate) fn tell(&self, say: &mut dyn FnMut(Arguments<'_>)) {
        self.tell_head(say);
        for row in &self.rows {
            row.tell(say);
        }
        self.tell_total(say);
    }

    fn tell_head(&self, say: &mut dyn FnMut(Arguments<'_>)) {
        say(format_args!(
            "walk: {} objects live of each layout; ARCH_SLAB_MINALIGN is {SLAB_MIN_ALIGN}",
            self.live
        ));
        say(format_args!(
            "{:>9} {:>8} {:>8} {:>12} {:>12}  verdict",
            "align", "layouts", "refused", "asked", "granted"
        ));
    }

    fn tell_total(&self, say: &mut dyn FnMut(Arguments<'_>)) {
        let sum = |count: fn(&Tally) -> usize| -> usize {
            self.rows.iter().map(|row| count(&row.tally)).sum()
        };

        say(format_args!(
            "walk: layouts={} misaligned={} refused={}",
            sum(|tally| tally.layouts),
            sum(|tally| tally.misaligned),
            sum(|tally| tally.refused)
        ));
    }
}
