// SPDX-License-Identifier: GPL-2.0

//! Shows [`allocator::KernelAllocator`] at work: walks the layouts when it is loaded, holds
//! over-aligned objects while it is there, and accounts for its memory when it goes.

use core::{
    alloc::Layout,
    cmp::min,
    ptr::NonNull,
    slice, //
};

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        AllocError,
        Box,
        Flags,
        Vec, //
    },
    prelude::*, //
};

use allocator::{
    Accounted,
    KernelAllocator,
    NodeAllocator,
    NumaNode,
    KMALLOC_MAX_SIZE,
    SLAB_MIN_ALIGN, //
};

mod allocator;

#[macro_use]
mod modinfo;

module! {
    type: RustAllocDemo,
    name: "rust_alloc_demo",
    description: "A kernel allocator that honours every layout, shown at work",
    license: "GPL",
}

modinfo! {
    authors: ["The rust_alloc_demo developers"],
    params: {
        max_align {
            default: crate::allocator::KMALLOC_MAX_SIZE,
            description: "Largest alignment walked, in bytes; by default KMALLOC_MAX_SIZE",
        },
        live {
            default: 4,
            description: "Objects held live at once of each layout, 1 to 64; 4 by default",
        },
    },
}

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
        let ptr = Accounted::alloc(layout, flags(), NumaNode::NO_NODE)?.cast::<u8>();

        // SAFETY: The block was just allocated with this size.
        unsafe { ptr.write_bytes(byte, layout.size()) };

        // INVARIANT: The block was just allocated.
        Ok(Self { ptr, layout, byte })
    }

    /// Reallocates the block; on failure it is what it was.
    fn resize(&mut self, layout: Layout) -> Result<(), AllocError> {
        // SAFETY: By the type invariants the block is live with the layout that is told.
        let block = unsafe {
            Accounted::realloc(
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
        unsafe { Accounted::free(self.ptr, self.layout) };
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
    /// Adds the figures of `row`.
    fn add(&mut self, row: &Tally) {
        self.layouts += row.layouts;
        self.misaligned += row.misaligned;
        self.refused += row.refused;
        self.asked += row.asked;
        self.granted += row.granted;
    }

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

/// Walks the alignments up to `max_align` and prints a row for each.
///
/// # Errors
///
/// `EIO` if a block was misaligned or corrupted, `ENOMEM` if there was no memory for the list of
/// objects.
fn walk(max_align: usize, live: usize) -> Result {
    let mut total = Tally::default();
    let mut result = Ok(());

    pr_info!("walk: {live} objects live of each layout; ARCH_SLAB_MINALIGN is {SLAB_MIN_ALIGN}\n");
    pr_info!(
        "{:>9} {:>8} {:>8} {:>12} {:>12}  verdict\n",
        "align",
        "layouts",
        "refused",
        "asked",
        "granted"
    );
    for align in (0..=max_align.trailing_zeros()).map(|shift| 1 << shift) {
        let mut row = Tally::default();

        result = row.try_align(align, live);
        let mark = if align == SLAB_MIN_ALIGN { "*" } else { " " };
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        pr_info!(
            "{align:>8}{mark} {:>8} {:>8} {:>12} {:>12}  {verdict}\n",
            row.layouts,
            row.refused,
            row.asked,
            row.granted
        );
        total.add(&row);
        if result.is_err() {
            break;
        }
    }
    pr_info!(
        "walk: layouts={} misaligned={} refused={}\n",
        total.layouts,
        total.misaligned,
        total.refused
    );
    result
}

/// As large as a cache line, and aligned to it.
#[repr(align(64))]
struct Line {
    _bytes: [u8; 64],
}

/// A byte that wants a kilobyte's alignment.
#[repr(align(1024))]
struct Kilo {
    _byte: u8,
}

/// What the module holds from init to exit.
struct Held {
    _line: Box<Line, Accounted>,
    _kilo: Box<Kilo, Accounted>,
    _lines: Vec<Line, Accounted>,
}

impl Held {
    fn new() -> Result<Self> {
        let mut lines = Vec::new();
        for byte in 0..5 {
            lines.push(Line { _bytes: [byte; 64] }, GFP_KERNEL)?;
        }

        Ok(Self {
            _line: Box::new(Line { _bytes: [0; 64] }, GFP_KERNEL)?,
            _kilo: Box::new(Kilo { _byte: 0 }, GFP_KERNEL)?,
            _lines: lines,
        })
    }
}

/// Says how much of the module's memory is still out.
fn account() {
    let (live, bytes) = Accounted::live();

    if live == 0 {
        pr_info!("exit: live={live} bytes={bytes}\n");
    } else {
        pr_err!("exit: live={live} bytes={bytes}\n");
    }
}

struct RustAllocDemo {
    held: Option<Held>,
}

impl kernel::Module for RustAllocDemo {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let max_align = params::max_align.value();
        let live = params::live.value();

        if !max_align.is_power_of_two() || max_align > KMALLOC_MAX_SIZE {
            pr_err!("max_align={max_align}: must be a power of two, 1 to {KMALLOC_MAX_SIZE}\n");
            return Err(EINVAL);
        }
        if !(1..=LIVE_MAX).contains(&live) {
            pr_err!("live={live}: must be 1 to {LIVE_MAX}\n");
            return Err(EINVAL);
        }

        let held = walk(max_align, live).and_then(|()| Held::new());
        match held {
            Ok(held) => {
                let (live, bytes) = Accounted::live();
                pr_info!("init: holding {live} blocks of {bytes} bytes until exit\n");
                Ok(Self { held: Some(held) })
            }
            Err(err) => {
                account();
                Err(err)
            }
        }
    }
}

impl Drop for RustAllocDemo {
    fn drop(&mut self) {
        self.held = None;
        account();
    }
}
