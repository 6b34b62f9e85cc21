// SPDX-License-Identifier: GPL-2.0

//! `Box` and `Vec` over [`KernelAllocator`].

use core::{
    mem::align_of,
    ptr,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use kernel::{
    alloc::{
        Box,
        Vec, //
    },
    prelude::*, //
};

use crate::{
    allocator::KernelAllocator,
    conformance::suite::{
        self,
        Outcome, //
    },
};

kunit_suite! {
    /// `Box` and `Vec` of over-aligned and zero-sized types.
    name: rust_alloc_collections,
    cases: [
        boxes_are_aligned,
        vec_stays_aligned_as_it_grows,
        zero_sized_types,
        boxes_drop_once,
        vecs_drop_once,
        vec_of_boxes,
    ],
}

#[repr(align(64))]
struct Line(u64);

#[repr(align(1024))]
struct Kilo(u64);

/// Counts how often values were dropped.
struct Counter(AtomicUsize);

impl Counter {
    const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    fn drops(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Over-aligned, and counted when dropped.
#[repr(align(128))]
struct Counted<'a>(&'a Counter, usize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0 .0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Of no size, and counted when dropped.
struct Nothing;

static NOTHINGS: Counter = Counter::new();

impl Drop for Nothing {
    fn drop(&mut self) {
        NOTHINGS.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn is_aligned<T>(at: *const T) -> bool {
    at as usize % align_of::<T>() == 0
}

fn boxes_are_aligned() -> Outcome {
    let mut lines = KVec::<Box<Line, KernelAllocator>>::new();
    let mut kilos = KVec::<Box<Kilo, KernelAllocator>>::new();

    for n in 0..64 {
        lines.push(Box::new(Line(n), GFP_KERNEL)?, GFP_KERNEL)?;
        kilos.push(Box::new(Kilo(n), GFP_KERNEL)?, GFP_KERNEL)?;
    }
    for (n, (line, kilo)) in lines.iter().zip(&kilos).enumerate() {
        check!(
            is_aligned(ptr::from_ref(&**line)) && line.0 == n as u64,
            "align 64: box {n} is misaligned or was overwritten"
        );
        check!(
            is_aligned(ptr::from_ref(&**kilo)) && kilo.0 == n as u64,
            "align 1024: box {n} is misaligned or was overwritten"
        );
    }
    Ok(())
}

fn vec_stays_aligned_as_it_grows() -> Outcome {
    let mut vec = Vec::<Line, KernelAllocator>::new();

    for n in 0..300 {
        vec.push(Line(n), GFP_KERNEL)?;
        check!(is_aligned(vec.as_ptr()), "misaligned with {n} elements");
    }
    for (n, line) in vec.iter().enumerate() {
        check!(line.0 == n as u64, "element {n} was lost");
    }
    Ok(())
}

fn zero_sized_types() -> Outcome {
    let before = NOTHINGS.drops();

    drop(Box::<_, KernelAllocator>::new(Nothing, GFP_KERNEL)?);

    let mut vec = Vec::<Nothing, KernelAllocator>::new();
    for _ in 0..100 {
        vec.push(Nothing, GFP_KERNEL)?;
    }
    drop(vec);

    let drops = NOTHINGS.drops() - before;
    check!(drops == 101, "101 values were dropped {drops} times");
    Ok(())
}

fn boxes_drop_once() -> Outcome {
    let counter = Counter::new();

    for n in 0..50 {
        let value = Box::<_, KernelAllocator>::new(Counted(&counter, n), GFP_KERNEL)?;

        check!(
            is_aligned(ptr::from_ref(&*value)) && value.1 == n && counter.drops() == n,
            "box {n} is misaligned, overwritten or dropped early"
        );
    }
    check!(
        counter.drops() == 50,
        "50 values, {} drops",
        counter.drops()
    );
    Ok(())
}

fn vecs_drop_once() -> Outcome {
    let counter = Counter::new();
    let mut vec = Vec::<Counted<'_>, KernelAllocator>::with_capacity(3, GFP_KERNEL)?;

    for n in 0..50 {
        vec.push(Counted(&counter, n), GFP_KERNEL)?;
    }
    check!(counter.drops() == 0, "dropped while the vector grew");
    let mut rest = vec.into_iter();
    for value in rest.by_ref().take(30) {
        drop(value);
    }
    check!(
        counter.drops() == 30,
        "30 taken out, {} drops",
        counter.drops()
    );
    drop(rest);
    check!(
        counter.drops() == 50,
        "50 values, {} drops",
        counter.drops()
    );
    Ok(())
}

fn vec_of_boxes() -> Outcome {
    let counter = Counter::new();
    let mut vec = Vec::<Box<Counted<'_>, KernelAllocator>, KernelAllocator>::new();

    for n in 0..100 {
        vec.push(Box::new(Counted(&counter, n), GFP_KERNEL)?, GFP_KERNEL)?;
    }
    for (n, value) in vec.iter().enumerate() {
        check!(value.1 == n, "box {n} was overwritten");
    }
    drop(vec);
    check!(
        counter.drops() == 100,
        "100 values, {} drops",
        counter.drops()
    );
    Ok(())
}
