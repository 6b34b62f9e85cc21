// SPDX-License-Identifier: GPL-2.0

//! A block comes from the bucket of kmalloc() that C takes it from.
//!
//! The allocator picks the bucket itself where C's inline does. What C picks and what the slab has
//! of a block is asked of C (`buckets.c`).

use core::{
    alloc::{
        GlobalAlloc,
        Layout, //
    },
    ffi::c_void, //
};

use kernel::{
    alloc::{
        flags::{
            GFP_KERNEL_ACCOUNT,
            __GFP_NOWARN,
            __GFP_ZERO, //
        },
        Box,
        Flags,
        Vec, //
    },
    bindings,
    prelude::*, //
};

use crate::{
    allocator::KernelAllocator,
    conformance::{
        block::{
            layout,
            Block, //
        },
        suite::{
            self,
            Outcome,
            Stop, //
        },
        Subject, //
    },
};

kunit_suite! {
    /// The buckets of kmalloc().
    name: rust_alloc_buckets,
    cases: [
        every_size_as_in_c,
        flags_as_in_c,
        alignments_as_the_padded_size_in_c,
        constants_as_in_c,
    ],
}

/// The allocator under test.
const SUBJECT: Subject = Subject::of::<KernelAllocator>();

extern "C" {
    fn rust_alloc_demo_buckets_have_copies() -> bool;
    fn rust_alloc_demo_cache_of(block: *const c_void) -> *const c_void;
    fn rust_alloc_demo_cache_picked(size: usize, flags: bindings::gfp_t) -> *const c_void;
    fn rust_alloc_demo_cache_used(size: usize, flags: bindings::gfp_t) -> *const c_void;
    fn rust_alloc_demo_cache_of_constant(size: usize) -> *const c_void;
}

/// The largest size that a bucket serves, in bytes.
const MAX: usize = bindings::KMALLOC_MAX_CACHE_SIZE as usize;

/// A cache of the slab's: two are equal if they are the same.
#[derive(Clone, Copy, PartialEq)]
struct Cache(*const c_void);

impl Cache {
    /// Returns the cache of a block.
    ///
    /// # Safety
    ///
    /// `block` must be a live block of [`KernelAllocator`] of at least 1 byte and at most [`MAX`].
    unsafe fn of(block: *const u8) -> Self {
        // SAFETY: The block is of some bucket by the requirements of this function.
        Self(unsafe { rust_alloc_demo_cache_of(block.cast()) })
    }

    /// Returns the cache that C's inline picks; `size` must be at least 1 and at most [`MAX`].
    fn picked(size: usize, raw: u32) -> Self {
        // SAFETY: There is a bucket for the size.
        Self(unsafe { rust_alloc_demo_cache_picked(size, raw) })
    }

    /// Returns the cache that C's kmalloc() used; `size` must be at least 1 and at most [`MAX`].
    fn used(size: usize, raw: u32) -> Self {
        // SAFETY: There is a bucket for the size, and the flags are some that the slab takes.
        Self(unsafe { rust_alloc_demo_cache_used(size, raw) })
    }
}

/// Skips the case where the place in the code chooses among copies of each bucket.
fn buckets_are_single() -> Outcome {
    // SAFETY: The function has no requirements.
    if unsafe { rust_alloc_demo_buckets_have_copies() } {
        return Err(Stop::Skipped(
            c"here the place in the code chooses among copies",
        ));
    }
    Ok(())
}

/// Returns the sizes at which buckets end, those before them and those after.
fn edges() -> impl Iterator<Item = usize> {
    (0..=MAX.ilog2())
        .flat_map(|log| [1 << log, 3 << log])
        .flat_map(|end: usize| [end - 1, end, end + 1])
        .filter(|&size| (1..=MAX).contains(&size))
}

/// Checks that `KernelAllocator` serves a layout as C serves `size` bytes.
fn as_in_c(layout: Layout, size: usize, flags: Flags, raw: u32) -> Outcome {
    let block = Block::new(SUBJECT, layout, flags)?;
    // SAFETY: The block is live, and the sizes of all cases are from 1 to `MAX`.
    let ours = unsafe { Cache::of(block.as_ptr().as_ptr()) };

    // That the last two are the same says that the cache of a block is read where the slab has it.
    check!(
        ours == Cache::picked(size, raw) && ours == Cache::used(size, raw),
        "{layout:?}, flags {raw:#x}: not the bucket of C"
    );
    Ok(())
}

fn every_size_as_in_c() -> Outcome {
    buckets_are_single()?;
    for size in Iterator::chain(1..=MAX.min(8192), edges()) {
        as_in_c(layout(size, 1)?, size, GFP_KERNEL, bindings::GFP_KERNEL)?;

        let layout = layout(size, 1)?;
        // SAFETY: The layout is not of size zero.
        let block = unsafe { KernelAllocator.alloc(layout) };
        check!(!block.is_null(), "size {size}: no memory");
        // SAFETY: The block is live and its size is from 1 to `MAX`.
        let ours = unsafe { Cache::of(block) };
        // SAFETY: The block is live with this layout, and is not used any more.
        unsafe { KernelAllocator.dealloc(block, layout) };
        check!(
            ours == Cache::picked(size, bindings::GFP_KERNEL),
            "size {size}, through GlobalAlloc: not the bucket of C"
        );
    }
    Ok(())
}

/// Memory that is charged to a control group has buckets of its own.
fn flags_as_in_c() -> Outcome {
    buckets_are_single()?;
    for (flags, raw) in [
        (GFP_ATOMIC, bindings::GFP_ATOMIC),
        (GFP_NOWAIT, bindings::GFP_NOWAIT),
        (GFP_KERNEL_ACCOUNT, bindings::GFP_KERNEL_ACCOUNT),
        (
            GFP_KERNEL_ACCOUNT | __GFP_ZERO,
            bindings::GFP_KERNEL_ACCOUNT | bindings::__GFP_ZERO,
        ),
        (
            GFP_KERNEL | __GFP_NOWARN,
            bindings::GFP_KERNEL | bindings::__GFP_NOWARN,
        ),
    ] {
        for size in edges() {
            as_in_c(layout(size, 1)?, size, flags, raw)?;
        }
    }
    // The same with flags that are constants, which they are not in a table of functions.
    for size in edges() {
        let vec = Vec::<u8, KernelAllocator>::with_capacity(size, GFP_KERNEL_ACCOUNT)?;

        check!(
            // SAFETY: The vector has a live block, and its size is from 1 to `MAX`.
            unsafe { Cache::of(vec.as_ptr()) } == Cache::picked(size, bindings::GFP_KERNEL_ACCOUNT),
            "size {size}: not the bucket of C"
        );
    }
    Ok(())
}

fn alignments_as_the_padded_size_in_c() -> Outcome {
    buckets_are_single()?;
    for align in (0..=MAX.ilog2()).map(|log| 1 << log) {
        for size in edges() {
            let layout = layout(size, align)?;
            let padded = layout.pad_to_align().size();

            if padded <= MAX {
                as_in_c(layout, padded, GFP_KERNEL, bindings::GFP_KERNEL)?;
            }
        }
    }
    Ok(())
}

/// What the compiler has worked out, here and in C.
fn constants_as_in_c() -> Outcome {
    macro_rules! constants {
        ($($size:literal)*) => {
            $({
                let boxed = Box::<[u8; $size], KernelAllocator>::new_uninit(GFP_KERNEL)?;
                // SAFETY: The box has a live block; its size is from 1 to 8192, and a bucket
                // serves two pages.
                let ours = unsafe { Cache::of((&raw const *boxed).cast()) };
                // SAFETY: The function has no requirements.
                let used = unsafe { rust_alloc_demo_cache_of_constant($size) };

                check!(
                    ours == Cache(used) && ours == Cache::picked($size, bindings::GFP_KERNEL),
                    "size {}: not the bucket of C",
                    $size
                );
            })*
        };
    }

    buckets_are_single()?;
    constants!(
        1 8 9 16 17 32 33 64 65 96 97 128 129 192 193 256 257 512 513 1024 1025 2048 2049 4096 4097
        8192
    );
    Ok(())
}
