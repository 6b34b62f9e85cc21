// SPDX-License-Identifier: GPL-2.0

//! What is granted, and what never can be.

use core::{
    mem::align_of_val,
    ptr, //
};

use alloc::{
    boxed::Box,
    rc::Rc,
    string::String,
    sync::Arc,
    vec::Vec, //
};

use crate::{
    allocator::{
        try_format,
        OrNoMemory,
        TryString,
        TryVec,
        KMALLOC_MAX_SIZE, //
    },
    suite::{
        self,
        Outcome, //
    },
};

kunit_suite! {
    /// `Box`, `Rc`, `Arc`, `Vec` and `String` of the alloc crate, by calls that return an error.
    name: rust_alloc_crate_fallible,
    cases: [
        pointers_are_aligned,
        vec_keeps_what_is_pushed,
        vec_is_extended,
        string_is_built,
        zero_sized_values_take_nothing,
        too_large_is_an_error,
    ],
}

/// Over-aligned, and more so than the slab aligns a block of its size by itself.
#[repr(align(1024))]
struct Kilo(u64);

fn is_aligned<T>(value: &T) -> bool {
    ptr::from_ref(value) as usize % align_of_val(value) == 0
}

fn pointers_are_aligned() -> Outcome {
    let mut kept = Vec::new();

    for n in 0..64 {
        let boxed = Box::try_new(Kilo(n)).or_no_memory()?;
        let counted = Rc::try_new(Kilo(n)).or_no_memory()?;
        let shared = Arc::try_new(Kilo(n)).or_no_memory()?;

        check!(
            is_aligned(&*boxed) && is_aligned(&*counted) && is_aligned(&*shared),
            "value {n} is misaligned"
        );
        kept.try_push((boxed, counted.clone(), counted, shared))?;
    }
    for (n, (boxed, counted, same, shared)) in kept.iter().enumerate() {
        let n = n as u64;

        check!(
            boxed.0 == n && counted.0 == n && same.0 == n && shared.0 == n,
            "value {n} was overwritten"
        );
        check!(
            Rc::strong_count(counted) == 2 && Arc::strong_count(shared) == 1,
            "value {n} is not counted right"
        );
    }
    Ok(())
}

fn vec_keeps_what_is_pushed() -> Outcome {
    let mut vec = Vec::new();

    for n in 0..1000 {
        vec.try_push(Box::try_new(n).or_no_memory()?)?;
    }
    check!(vec.len() == 1000, "1000 pushed, {} there", vec.len());
    check!(
        vec.iter().zip(0..).all(|(value, n)| **value == n),
        "what was pushed is not there"
    );
    vec.retain(|value| **value % 3 == 0);
    check!(vec.len() == 334, "{} of 334 retained", vec.len());
    for n in (0..334).rev() {
        check!(vec.pop().map(|value| *value) == Some(3 * n), "lost {n}");
    }
    Ok(())
}

fn vec_is_extended() -> Outcome {
    let mut vec = Vec::new();

    vec.try_extend(0..100)?;
    vec.try_extend((100..1000).filter(|n| n % 2 == 0))?;
    check!(vec.len() == 550, "extended to {} of 550", vec.len());

    let mut copy = Vec::new();
    copy.try_extend_from_slice(&vec)?;
    copy.try_extend_from_slice(&[])?;
    check!(copy == vec, "the copy is another");
    copy.sort_unstable_by(|a, b| b.cmp(a));
    check!(copy.first() == Some(&998), "not sorted");
    Ok(())
}

fn string_is_built() -> Outcome {
    let mut text = String::new();

    text.try_push_str("größer ")?;
    text.try_push('→')?;
    text.try_push_fmt(format_args!(" {:>5}", 42))?;
    check!(text == "größer →    42", "built: {}", &*text);

    let text = try_format(format_args!("{}, {}", &*text, 0x5a))?;
    check!(text == "größer →    42, 90", "formatted: {}", &*text);
    Ok(())
}

fn zero_sized_values_take_nothing() -> Outcome {
    let mut vec = Vec::new();

    vec.try_reserve(usize::MAX).or_no_memory()?;
    for _ in 0..1000 {
        vec.try_push(())?;
    }
    check!(vec.len() == 1000, "1000 pushed, {} there", vec.len());
    Box::try_new(()).or_no_memory()?;
    Ok(())
}

fn too_large_is_an_error() -> Outcome {
    let mut vec = Vec::new();
    let mut text = String::new();

    vec.try_push(7u8)?;
    text.try_push('x')?;
    for size in [KMALLOC_MAX_SIZE + 1, isize::MAX as usize, usize::MAX] {
        check!(vec.try_reserve(size).is_err(), "size {size}: not refused");
        check!(text.try_reserve(size).is_err(), "size {size}: not refused");
    }
    check!(vec == [7] && text == "x", "what was there is lost");
    check!(
        Box::<[u8]>::try_new_uninit_slice(KMALLOC_MAX_SIZE + 1).is_err(),
        "a slice above KMALLOC_MAX_SIZE was not refused"
    );
    Ok(())
}
