// SPDX-License-Identifier: GPL-2.0

//! Shows [`allocator::KernelAllocator`] at work: walks the layouts when it is loaded, holds
//! over-aligned objects while it is there, and accounts for its memory when it goes.

use kernel::{
    alloc::{
        Box,
        Vec, //
    },
    prelude::*, //
};

use allocator::Accounted;
use cached::Cached;
use debugfs::Files;
use walk::Walk;

mod allocator;
#[path = "demo/cached.rs"]
mod cached;
#[path = "demo/debugfs.rs"]
mod debugfs;
#[path = "demo/walk.rs"]
mod walk;

#[macro_use]
#[path = "demo/modinfo.rs"]
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

/// Says at the end how much of the module's memory is still out.
struct Exit;

impl Drop for Exit {
    fn drop(&mut self) {
        let (live, bytes) = Accounted::live();

        if live == 0 {
            pr_info!("exit: live={live} bytes={bytes}\n");
        } else {
            pr_err!("exit: live={live} bytes={bytes}\n");
        }
    }
}

/// What goes when the module goes, in this order.
struct RustAllocDemo {
    _files: Files,
    _held: Held,
    _cached: Cached,
    _exit: Exit,
}

impl kernel::Module for RustAllocDemo {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut walk = Walk::new(params::max_align.value(), params::live.value())?;
        let exit = Exit;

        walk.run()?;
        let held = Held::new()?;
        let cached = Cached::new()?;
        let (live, bytes) = Accounted::live();
        pr_info!("init: holding {live} blocks of {bytes} bytes until exit\n");

        Ok(Self {
            _files: Files::new(walk)?,
            _held: held,
            _cached: cached,
            _exit: exit,
        })
    }
}
