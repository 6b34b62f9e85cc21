// SPDX-License-Identifier: GPL-2.0

//! The other trait: [`core::alloc::GlobalAlloc`].

use core::{
    alloc::{
        GlobalAlloc,
        Layout, //
    },
    slice, //
};

use kernel::{
    alloc::AllocError,
    prelude::*, //
};

use crate::{
    allocator::{
        KernelAllocator,
        KMALLOC_MAX_SIZE, //
    },
    conformance::{
        block::layout,
        suite::{
            self,
            Outcome, //
        },
    },
    limits,
};

kunit_suite! {
    /// `KernelAllocator` as a `GlobalAlloc`.
    name: rust_alloc_global_alloc,
    cases: [
        alloc_is_aligned_and_writable,
        alloc_zeroed_is_zero,
        realloc_keeps_contents_and_alignment,
        zero_size,
        too_large_is_null,
        largest_is_not_null,
    ],
}

const LAYOUTS: [(usize, usize); 8] = [
    (1, 1),
    (8, 8),
    (24, 64),
    (90, 32),
    (96, 128),
    (192, 64),
    (100, 4096),
    (20000, 64),
];

/// A block of `KernelAllocator`, through `GlobalAlloc`; freed when dropped.
///
/// # Invariants
///
/// `ptr` is a live block with this layout.
struct Raw {
    ptr: *mut u8,
    layout: Layout,
}

impl Raw {
    fn new(layout: Layout) -> Result<Self, AllocError> {
        // SAFETY: This implementation takes any layout.
        Self::of(unsafe { KernelAllocator.alloc(layout) }, layout)
    }

    fn new_zeroed(layout: Layout) -> Result<Self, AllocError> {
        // SAFETY: This implementation takes any layout.
        Self::of(unsafe { KernelAllocator.alloc_zeroed(layout) }, layout)
    }

    fn of(ptr: *mut u8, layout: Layout) -> Result<Self, AllocError> {
        if ptr.is_null() {
            return Err(AllocError);
        }
        // INVARIANT: Both callers just allocated it.
        Ok(Self { ptr, layout })
    }

    fn resize(&mut self, size: usize) -> Result<(), AllocError> {
        // SAFETY: By the type invariants the block is live with this layout.
        let ptr = unsafe { KernelAllocator.realloc(self.ptr, self.layout, size) };

        if ptr.is_null() {
            return Err(AllocError);
        }
        // INVARIANT: It was just reallocated.
        self.ptr = ptr;
        self.layout = layout(size, self.layout.align())?;
        Ok(())
    }

    fn is_aligned(&self) -> bool {
        self.ptr as usize % self.layout.align() == 0
    }

    fn fill(&mut self, byte: u8) {
        // SAFETY: By the type invariants the block is live and has that many bytes.
        unsafe { self.ptr.write_bytes(byte, self.layout.size()) };
    }

    fn is(&self, byte: u8, len: usize) -> bool {
        // SAFETY: By the type invariants the block is live; the cases wrote the first `len` bytes.
        let bytes = unsafe { slice::from_raw_parts(self.ptr, len) };

        bytes.iter().all(|&b| b == byte)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the block is live with this layout; nobody else has it.
        unsafe { KernelAllocator.dealloc(self.ptr, self.layout) };
    }
}

fn alloc_is_aligned_and_writable() -> Outcome {
    for (size, align) in LAYOUTS {
        let mut blocks = KVec::<Raw>::new();

        for n in 0..32 {
            let mut block = Raw::new(layout(size, align)?)?;

            check!(block.is_aligned(), "size {size}, align {align}: misaligned");
            block.fill(n);
            blocks.push(block, GFP_KERNEL)?;
        }
        for (n, block) in blocks.iter().enumerate() {
            check!(
                block.is(n as u8, size),
                "size {size}, align {align}: what was written is not there"
            );
        }
    }
    Ok(())
}

fn alloc_zeroed_is_zero() -> Outcome {
    for (size, align) in LAYOUTS {
        for _ in 0..16 {
            let mut block = Raw::new_zeroed(layout(size, align)?)?;

            check!(
                block.is_aligned() && block.is(0, size),
                "size {size}, align {align}: misaligned, or not zero"
            );
            block.fill(0xff);
        }
    }
    Ok(())
}

fn realloc_keeps_contents_and_alignment() -> Outcome {
    for (size, align) in LAYOUTS {
        for new in [size / 2 + 1, size + 1, 3 * size, 20 * size] {
            let mut block = Raw::new(layout(size, align)?)?;

            block.fill(0x5a);
            block.resize(new)?;
            check!(
                block.is_aligned() && block.is(0x5a, size.min(new)),
                "size {size} to {new}, align {align}: misaligned, or the contents were lost"
            );
            block.fill(0xa5);
        }
    }
    Ok(())
}

fn zero_size() -> Outcome {
    for align in [1, 64, 4096] {
        let mut block = Raw::new(layout(0, align)?)?;

        check!(block.is_aligned(), "align {align}: misaligned");
        block.resize(40)?;
        block.fill(1);
        block.resize(0)?;
        check!(block.is_aligned(), "align {align}: misaligned");
    }
    Ok(())
}

fn too_large_is_null() -> Outcome {
    let mut block = Raw::new(layout(64, 64)?)?;

    block.fill(3);
    for size in [KMALLOC_MAX_SIZE + 1, isize::MAX as usize, usize::MAX] {
        check!(block.resize(size).is_err(), "size {size}: not refused");
        check!(block.is(3, 64), "size {size}: the block was lost");
    }
    check!(
        Raw::new(layout(1, 2 * KMALLOC_MAX_SIZE)?).is_err(),
        "an alignment above KMALLOC_MAX_SIZE was not refused"
    );
    // The largest alignment of all, which only a layout of size zero can have.
    let mut none = Raw::new(layout(0, 1 << (usize::BITS - 1))?)?;
    check!(none.resize(1).is_err(), "there is no such layout");
    Ok(())
}

/// One byte less than the least that is refused.
fn largest_is_not_null() -> Outcome {
    limits::need_the_largest()?;

    let mut block = Raw::new(layout(64, 64)?)?;

    block.fill(3);
    block.resize(KMALLOC_MAX_SIZE)?;
    check!(
        block.is(3, 64),
        "size {KMALLOC_MAX_SIZE}: the block was lost"
    );
    Ok(())
}
