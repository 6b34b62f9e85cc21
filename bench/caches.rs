// SPDX-License-Identifier: GPL-2.0

//! Caches of one's own: what an object costs beside C's `kmem_cache`, and how much memory it takes
//! beside a bucket of kmalloc().

use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};

use kernel::{
    alloc::{
        Allocator,
        Box,
        Vec, //
    },
    prelude::*, //
};

use crate::{
    allocator::{
        self,
        cache::{
            kmem_cache,
            Cache,
            StaticCache, //
        },
        KernelAllocator, //
    },
    compat::{
        self,
        NumaNode, //
    },
    costs,
    loops::{
        batch,
        pair,
        Loop, //
    },
    path::{
        sink,
        Boxed,
        Path, //
    },
    record::{
        rest,
        Case,
        Records, //
    },
};

extern "C" {
    fn bench_slab_of(object: *const u8, bytes: *mut usize) -> usize;
}

/// Through a cache that is held ([`Cache::uninit`]), which nobody needs to look for.
struct Held<C>(PhantomData<C>);

impl<C: StaticCache + Allocator> Path for Held<C> {
    #[inline(always)]
    fn get(_size: usize) -> Option<NonNull<u8>> {
        // SAFETY: It is of size zero, so nothing is read; there is one, in `measure_one`.
        let cache = unsafe { NonNull::<Cache<C>>::dangling().as_ref() };
        let Ok(boxed) = cache.uninit(GFP_KERNEL) else {
            // So that what the loop returns then is loaded here, and not in each round.
            sink(0);
            return None;
        };

        NonNull::new(Box::into_raw(boxed).cast())
    }

    #[inline(always)]
    unsafe fn put(block: NonNull<u8>, _size: usize) {
        // SAFETY: The pointer is one of `Box::into_raw`, and nobody else has it, by the
        // requirements of this function.
        drop(unsafe { Box::<MaybeUninit<C::Object>, C>::from_raw(block.as_ptr().cast()) });
    }
}

/// Measures a case with a cache of its own, as those of C are.
fn measure_one<C: StaticCache + Allocator>(to: &mut Records, case: Case) -> Result {
    // SAFETY: All that allocates from it is the case, which ends before it.
    let _cache = unsafe { Cache::<C>::new() }?;

    to.measure(case)
}

/// Measures what the objects of a cache cost.
fn measure<C: StaticCache + Allocator>(to: &mut Records) -> Result {
    let loops: [(&str, Loop, Loop); 2] = [
        (
            "Cache",
            pair::<Boxed<C::Object, C>>,
            batch::<Boxed<C::Object, C>>,
        ),
        ("Cache-held", pair::<Held<C>>, batch::<Held<C>>),
    ];

    for (path, pair, batch) in loops {
        let case = |op, run| costs::case(path, op, run, Cache::<C>::LAYOUT.size());

        measure_one::<C>(to, case("pair", pair))?;
        measure_one::<C>(
            to,
            Case {
                n: costs::LIVE,
                rounds: costs::rounds(costs::BLOCKS, costs::LIVE),
                ops: costs::LIVE,
                ..case("batch", batch)
            },
        )?;
    }
    Ok(())
}

macro_rules! measured {
    ($($module:ident $size:literal $name:literal,)*) => {
        $(
            mod $module {
                use super::*;

                kmem_cache! {
                    /// Objects of that size.
                    pub(super) struct Objects for [u64; $size / 8] {
                        name: $name,
                        flags: [],
                    }
                }
            }
        )*

        /// Measures the costs, for each size that C's `kmem_cache` is measured with.
        pub(crate) fn costs(to: &mut Records) -> Result {
            $(measure::<$module::Objects>(to)?;)*
            Ok(())
        }
    };
}

measured! {
    of_8 8 "rust_alloc_demo_bench_8",
    of_16 16 "rust_alloc_demo_bench_16",
    of_32 32 "rust_alloc_demo_bench_32",
    of_64 64 "rust_alloc_demo_bench_64",
    of_96 96 "rust_alloc_demo_bench_96",
    of_128 128 "rust_alloc_demo_bench_128",
    of_192 192 "rust_alloc_demo_bench_192",
    of_256 256 "rust_alloc_demo_bench_256",
    of_512 512 "rust_alloc_demo_bench_512",
    of_1024 1024 "rust_alloc_demo_bench_1024",
    of_2048 2048 "rust_alloc_demo_bench_2048",
    of_4096 4096 "rust_alloc_demo_bench_4096",
    of_8192 8192 "rust_alloc_demo_bench_8192",
}

/// How much memory objects are to come to at least, in bytes: some slabs of any size.
const ENOUGH: usize = 256 * 1024;

/// A live block, where the slab that it is in begins, and how large that is in bytes.
struct Seen {
    block: NonNull<u8>,
    slab: usize,
    bytes: usize,
}

/// Returns how large the slabs of `A` are, in bytes, and how many blocks of a layout the fullest
/// one has.
fn slab<A: Allocator>(layout: Layout) -> Result<(usize, usize)> {
    let count = ENOUGH.checked_div(layout.size()).ok_or(EINVAL)?;
    let mut seen = Vec::<Seen, KernelAllocator>::with_capacity(count, GFP_KERNEL)?;
    let mut fullest = (0, 0);

    for _ in 0..count {
        let Ok(block) = compat::alloc::<A>(layout, GFP_KERNEL, NumaNode::NO_NODE) else {
            break;
        };
        let (block, mut bytes) = (block.cast::<u8>(), 0);
        // SAFETY: The block is live, and is the slab's or the page allocator's.
        let slab = unsafe { bench_slab_of(block.as_ptr(), &mut bytes) };

        seen.push(Seen { block, slab, bytes }, GFP_KERNEL)?;
    }
    for Seen { slab, bytes, .. } in &seen {
        let blocks = seen.iter().filter(|other| other.slab == *slab).count();

        if blocks > fullest.1 {
            fullest = (*bytes, blocks);
        }
    }
    for Seen { block, .. } in &seen {
        // SAFETY: The block is live, has this layout, and is not used any more.
        unsafe { A::free(*block, layout) };
    }
    if seen.len() < count {
        return Err(ENOMEM);
    }
    Ok(fullest)
}

/// Prints what an object takes in a cache and in a bucket: the bytes of a slab, and how many are in
/// one.
fn memory_of<C: StaticCache + Allocator>(lines: &mut usize) -> Result {
    // SAFETY: All that allocates from it is in this function, and ends before it.
    let _cache = unsafe { Cache::<C>::new() }?;
    let layout = Cache::<C>::LAYOUT;
    let (own, bucket) = (slab::<C>(layout)?, slab::<KernelAllocator>(layout)?);

    pr_info!(
        "slabs size={} align={} cache={}/{} KernelAllocator={}/{}\n",
        layout.size(),
        layout.align(),
        own.0,
        own.1,
        bucket.0,
        bucket.1
    );
    rest(*lines);
    *lines += 1;
    Ok(())
}

macro_rules! weighed {
    ($($module:ident $size:literal $align:literal $name:literal,)*) => {
        $(
            mod $module {
                use super::*;

                #[repr(align($align))]
                #[allow(dead_code, reason = "nobody reads it")]
                pub(super) struct Object([u8; $size]);

                kmem_cache! {
                    /// Objects of that layout.
                    pub(super) struct Objects for Object {
                        name: $name,
                        flags: [],
                    }
                }
            }
        )*

        /// Prints a line for each type of the layouts where a bucket is worst.
        pub(crate) fn memory() -> Result {
            let mut lines = 0;

            $(memory_of::<$module::Objects>(&mut lines)?;)*
            pr_info!("slabs lines={lines}\n");
            Ok(())
        }
    };
}

// The sizes are those that a type of the alignment can have.
weighed! {
    at_8_of_72 72 8 "rust_alloc_demo_bench_72",
    at_8_of_80 80 8 "rust_alloc_demo_bench_80",
    at_8_of_88 88 8 "rust_alloc_demo_bench_88",
    at_8_of_96 96 8 "rust_alloc_demo_bench_96_",
    at_8_of_136 136 8 "rust_alloc_demo_bench_136",
    at_8_of_144 144 8 "rust_alloc_demo_bench_144",
    at_8_of_152 152 8 "rust_alloc_demo_bench_152",
    at_8_of_160 160 8 "rust_alloc_demo_bench_160",
    at_8_of_168 168 8 "rust_alloc_demo_bench_168",
    at_8_of_176 176 8 "rust_alloc_demo_bench_176",
    at_8_of_184 184 8 "rust_alloc_demo_bench_184",
    at_8_of_192 192 8 "rust_alloc_demo_bench_192_",
    at_8_of_8200 8200 8 "rust_alloc_demo_bench_8200",
    at_64_of_128 128 64 "rust_alloc_demo_bench_128_",
    at_64_of_192 192 64 "rust_alloc_demo_bench_192_64",
    at_64_of_8256 8256 64 "rust_alloc_demo_bench_8256",
}
