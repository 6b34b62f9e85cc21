// SPDX-License-Identifier: GPL-2.0

//! What is measured: which paths in which loops, at which sizes and alignments.

use kernel::{
    alloc::allocator::Kmalloc,
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    allocator::{
        Accounted,
        KernelAllocator,
        KMALLOC_MAX_SIZE, //
    },
    loops::{
        batch,
        grow,
        moved,
        pair,
        push,
        resize,
        Args,
        Loop, //
    },
    path::{
        Boxed,
        Global,
        GlobalConstant,
        Nothing,
        Through, //
    },
    record::{
        cpus,
        Case,
        Records,
        LIVE_MAX, //
    },
};

/// The C loops, of `c_paths.c` and `measure.c`.
mod c {
    use super::Args;
    use core::ffi::{
        c_int,
        c_uint, //
    };

    extern "C" {
        pub(super) fn bench_calibration(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_pair_nothing(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_pair_kmalloc(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_pair_kmalloc_constant(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_pair_kmem_cache(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_pair_krealloc(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_pair_kzalloc(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_batch_nothing(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_batch_kmalloc(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_batch_kmalloc_constant(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_batch_kmem_cache(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_resize_nothing(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_resize_krealloc(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_move_krealloc(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_grow_nothing(args: *const Args, worker: c_uint) -> c_int;
        pub(super) fn bench_grow_krealloc(args: *const Args, worker: c_uint) -> c_int;
    }
}

/// The alignment where none in particular is asked for.
const ALIGN: usize = 8;

/// Rounds of a loop, and at most how many bytes or blocks they are to touch. Time takes more rounds
/// than instructions, for UML's clock is coarse.
const ROUNDS: usize = 128 * MORE;
const BYTES: usize = MORE << 20;
pub(crate) const BLOCKS: usize = 512 * MORE;
const MORE: usize = if cfg!(CONFIG_UML) { 32 } else { 1 };

/// Blocks that are held at once, where that isn't what is varied.
pub(crate) const LIVE: usize = 64;

/// Above this kmalloc() goes to the page allocator (`KMALLOC_MAX_CACHE_SIZE`).
const BUCKET_MAX: usize = 2 * PAGE_SIZE;

/// Returns a case on one CPU.
pub(crate) fn case(path: &'static str, op: &'static str, run: Loop, size: usize) -> Case {
    Case {
        path,
        op,
        run,
        size,
        align: ALIGN,
        n: 1,
        cpus: 1,
        rounds: ROUNDS,
        ops: 1,
    }
}

/// Returns how many rounds come to `budget` if each takes so much of it, and one at least.
pub(crate) fn rounds(budget: usize, each: usize) -> usize {
    budget.checked_div(each).unwrap_or(0).clamp(1, ROUNDS)
}

macro_rules! sizes {
    ($($size:literal)*) => {
        /// Sizes from 8 bytes to 4 MiB; each is a bucket of kmalloc() or a power of two.
        const SIZES: &[usize] = &[$($size),*];

        /// A box of each of the sizes, for an allocator.
        fn boxed<A: kernel::alloc::Allocator>(size: usize) -> Result<Loop> {
            match size {
                $($size => Ok(pair::<Boxed<[u64; $size / 8], A>>),)*
                _ => Err(EINVAL),
            }
        }

        /// Several of them at once.
        fn boxes<A: kernel::alloc::Allocator>(size: usize) -> Result<Loop> {
            match size {
                $($size => Ok(batch::<Boxed<[u64; $size / 8], A>>),)*
                _ => Err(EINVAL),
            }
        }

        /// A block of each of the sizes, where the compiler knows the size.
        fn constant(size: usize) -> Result<Loop> {
            match size {
                $($size => Ok(pair::<GlobalConstant<$size, ALIGN>>),)*
                _ => Err(EINVAL),
            }
        }
    };
}

sizes!(
    8 16 32 64 96 128 192 256 512 1024 2048 4096 8192 16384 32768 65536 131072 262144 524288
    1048576 2097152 4194304
);

/// Measures all.
pub(crate) fn all(to: &mut Records) -> Result {
    calibration(to)?;
    pairs(to)?;
    aligned(to)?;
    zeroed(to)?;
    reallocations(to)?;
    batches(to)?;
    several_cpus(to)?;
    vectors(to)
}

fn calibration(to: &mut Records) -> Result {
    to.measure(Case {
        rounds: 1000,
        ..case("calibration", "pair", c::bench_calibration, 0)
    })
}

fn pairs(to: &mut Records) -> Result {
    to.measure(case("c-nothing", "pair", c::bench_pair_nothing, 8))?;
    to.measure(case("nothing", "pair", pair::<Nothing>, 8))?;
    for &size in SIZES {
        let loops: [(&str, Loop); 10] = [
            ("c-kmalloc-constant", c::bench_pair_kmalloc_constant),
            ("c-kmalloc", c::bench_pair_kmalloc),
            ("c-krealloc", c::bench_pair_krealloc),
            ("Kmalloc", pair::<Through<Kmalloc, ALIGN>>),
            ("KBox", boxed::<Kmalloc>(size)?),
            ("GlobalAlloc", pair::<Global<ALIGN>>),
            ("GlobalAlloc-constant", constant(size)?),
            ("Allocator", pair::<Through<KernelAllocator, ALIGN>>),
            ("Accounted", pair::<Through<Accounted, ALIGN>>),
            ("Box", boxed::<KernelAllocator>(size)?),
        ];

        for (path, run) in loops {
            to.measure(Case {
                rounds: rounds(4 * BYTES, size),
                ..case(path, "pair", run, size)
            })?;
        }
        if size <= BUCKET_MAX {
            to.measure_cache(case("c-kmem_cache", "pair", c::bench_pair_kmem_cache, size))?;
        }
    }
    Ok(())
}

/// C has to ask for a size that is a multiple of the alignment, which is what gives the alignment.
fn aligned(to: &mut Records) -> Result {
    macro_rules! aligned {
        ($($align:literal)*) => {
            $({
                #[repr(align($align))]
                #[allow(dead_code, reason = "nobody reads it")]
                struct Aligned([u8; 24]);

                for size in [24, 200, 1000, 5000] {
                    let loops: [(&str, Loop); 3] = [
                        ("Kmalloc", pair::<Through<Kmalloc, $align>>),
                        ("GlobalAlloc", pair::<Global<$align>>),
                        ("Allocator", pair::<Through<KernelAllocator, $align>>),
                    ];

                    for (path, run) in loops {
                        to.measure(Case {
                            align: $align,
                            ..case(path, "pair", run, size)
                        })?;
                    }
                    to.measure(Case {
                        align: $align,
                        ..case(
                            "c-kmalloc",
                            "pair",
                            c::bench_pair_kmalloc,
                            size,
                        )
                    })?;
                }
                for (path, run) in [
                    ("KBox", pair::<Boxed<Aligned, Kmalloc>> as Loop),
                    ("Box", pair::<Boxed<Aligned, KernelAllocator>>),
                ] {
                    to.measure(Case {
                        align: $align,
                        ..case(path, "pair", run, 24)
                    })?;
                }
            })*
        };
    }

    aligned!(8 16 32 64 128 256 512 1024 2048 4096);
    Ok(())
}

fn zeroed(to: &mut Records) -> Result {
    let loops: [(&str, Loop); 4] = [
        ("c-kmalloc", c::bench_pair_kzalloc),
        ("Kmalloc", pair::<Through<Kmalloc, ALIGN, true>>),
        ("GlobalAlloc", pair::<Global<ALIGN, true>>),
        ("Allocator", pair::<Through<KernelAllocator, ALIGN, true>>),
    ];

    for &size in SIZES {
        for (path, run) in loops {
            to.measure(Case {
                rounds: rounds(BYTES, size),
                ..case(path, "zeroed", run, size)
            })?;
        }
    }
    Ok(())
}

/// In place a block becomes a little smaller and what it was; moved it becomes twice as large.
fn reallocations(to: &mut Records) -> Result {
    let in_place: [(&str, Loop); 4] = [
        ("c-krealloc", c::bench_resize_krealloc),
        ("Kmalloc", resize::<Through<Kmalloc, ALIGN>>),
        ("GlobalAlloc", resize::<Global<ALIGN>>),
        ("Allocator", resize::<Through<KernelAllocator, ALIGN>>),
    ];
    let moves: [(&str, Loop); 4] = [
        ("c-krealloc", c::bench_move_krealloc),
        ("Kmalloc", moved::<Through<Kmalloc, ALIGN>>),
        ("GlobalAlloc", moved::<Global<ALIGN>>),
        ("Allocator", moved::<Through<KernelAllocator, ALIGN>>),
    ];

    let in_place_of = |path, run, size: usize| Case {
        n: size - 1,
        ops: 2,
        ..case(path, "realloc-in-place", run, size)
    };

    to.measure(in_place_of("c-nothing", c::bench_resize_nothing, ALIGN))?;
    to.measure(in_place_of("nothing", resize::<Nothing>, ALIGN))?;
    for &size in SIZES {
        for (path, run) in in_place {
            to.measure(in_place_of(path, run, size))?;
        }
    }
    for &size in SIZES.iter().filter(|&&size| size < KMALLOC_MAX_SIZE) {
        for (path, run) in moves {
            to.measure(Case {
                n: 2 * size,
                rounds: rounds(BYTES, 2 * size),
                ..case(path, "realloc-move", run, size)
            })?;
        }
    }
    Ok(())
}

/// Several blocks are live at once: so many of each size, and of some sizes more and more.
fn batches(to: &mut Records) -> Result {
    for &size in SIZES.iter().filter(|&&size| size <= 16 * PAGE_SIZE) {
        batches_of(to, size, LIVE)?;
    }
    for size in [64, 1024, 4096] {
        for live in [4, 16, 256, 1024, LIVE_MAX] {
            batches_of(to, size, live)?;
        }
    }
    Ok(())
}

fn batches_of(to: &mut Records, size: usize, live: usize) -> Result {
    let case = |path, run| Case {
        n: live,
        rounds: rounds(BLOCKS, live),
        ops: live,
        ..case(path, "batch", run, size)
    };
    let loops: [(&str, Loop); 8] = [
        ("c-nothing", c::bench_batch_nothing),
        ("nothing", batch::<Nothing>),
        ("c-kmalloc-constant", c::bench_batch_kmalloc_constant),
        ("c-kmalloc", c::bench_batch_kmalloc),
        ("Kmalloc", batch::<Through<Kmalloc, ALIGN>>),
        ("GlobalAlloc", batch::<Global<ALIGN>>),
        ("Allocator", batch::<Through<KernelAllocator, ALIGN>>),
        ("Box", boxes::<KernelAllocator>(size)?),
    ];

    for (path, run) in loops {
        to.measure(case(path, run))?;
    }
    if size <= BUCKET_MAX {
        to.measure_cache(case("c-kmem_cache", c::bench_batch_kmem_cache))?;
    }
    Ok(())
}

/// On two CPUs and more at once, up to all; for longer, because the CPUs don't begin at once.
fn several_cpus(to: &mut Records) -> Result {
    for cpus in 2..=cpus() {
        for size in [64, 1024] {
            let pairs: [(&str, Loop); 8] = [
                ("c-nothing", c::bench_pair_nothing),
                ("nothing", pair::<Nothing>),
                ("c-kmalloc-constant", c::bench_pair_kmalloc_constant),
                ("c-kmalloc", c::bench_pair_kmalloc),
                ("Kmalloc", pair::<Through<Kmalloc, ALIGN>>),
                ("GlobalAlloc", pair::<Global<ALIGN>>),
                ("Allocator", pair::<Through<KernelAllocator, ALIGN>>),
                ("Box", boxed::<KernelAllocator>(size)?),
            ];
            let batches: [(&str, Loop); 8] = [
                ("c-nothing", c::bench_batch_nothing),
                ("nothing", batch::<Nothing>),
                ("c-kmalloc-constant", c::bench_batch_kmalloc_constant),
                ("c-kmalloc", c::bench_batch_kmalloc),
                ("Kmalloc", batch::<Through<Kmalloc, ALIGN>>),
                ("GlobalAlloc", batch::<Global<ALIGN>>),
                ("Allocator", batch::<Through<KernelAllocator, ALIGN>>),
                ("Box", boxes::<KernelAllocator>(size)?),
            ];

            for (path, run) in pairs {
                to.measure(Case {
                    cpus,
                    rounds: 8 * ROUNDS,
                    ..case(path, "pair", run, size)
                })?;
            }
            for (path, run) in batches {
                to.measure(Case {
                    cpus,
                    n: LIVE,
                    rounds: rounds(4 * BLOCKS, LIVE),
                    ops: LIVE,
                    ..case(path, "batch", run, size)
                })?;
            }
        }
    }
    Ok(())
}

fn vectors(to: &mut Records) -> Result {
    let loops: [(&str, &str, Loop); 4] = [
        ("KVec", "push", push::<Kmalloc, false>),
        ("Vec", "push", push::<KernelAllocator, false>),
        ("KVec", "push-with-capacity", push::<Kmalloc, true>),
        ("Vec", "push-with-capacity", push::<KernelAllocator, true>),
    ];

    let growing: [(&str, Loop); 6] = [
        ("c-nothing", c::bench_grow_nothing),
        ("nothing", grow::<Nothing>),
        ("c-krealloc", c::bench_grow_krealloc),
        ("Kmalloc", grow::<Through<Kmalloc, ALIGN>>),
        ("GlobalAlloc", grow::<Global<ALIGN>>),
        ("Allocator", grow::<Through<KernelAllocator, ALIGN>>),
    ];

    for elements in [1, 4, 16, 64, 256, 1024, 4096, 16384] {
        for (path, run) in growing {
            to.measure(Case {
                n: elements,
                rounds: rounds(BLOCKS, elements),
                ..case(path, "grow", run, 8)
            })?;
        }
        for (path, op, run) in loops {
            to.measure(Case {
                n: elements,
                rounds: rounds(BLOCKS, elements),
                ops: elements,
                ..case(path, op, run, 8)
            })?;
        }
    }
    Ok(())
}
