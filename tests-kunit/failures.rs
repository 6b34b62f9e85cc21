// SPDX-License-Identifier: GPL-2.0

//! What is built on the allocator, when allocations fail.

use core::{
    alloc::{
        GlobalAlloc,
        Layout, //
    },
    ptr,
    slice, //
};

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        Box,
        Flags,
        Vec, //
    },
    prelude::*, //
};

use crate::{
    allocator::{
        Accounted,
        KernelAllocator, //
    },
    conformance::{
        probe,
        suite::{
            self,
            Outcome,
            Stop, //
        }, //
    },
};

kunit_suite! {
    /// Each allocation fails in turn: an error comes back, nothing leaks, old data is whole.
    name: rust_alloc_failures,
    cases: [
        boxes,
        vecs,
        global_alloc,
    ],
}

/// An over-aligned value, whose neighbours in a block are not its own.
#[repr(align(64))]
#[derive(Clone, PartialEq)]
struct Line(u64);

/// Does something with its first allocation failing, then with its second, and so on, until it has
/// no more of them.
///
/// `prepare` makes what it is done to. `run` returns whether it was granted, and `check` whether
/// what it was done to is right, both if it was granted and if not.
fn until_none_fails<T>(
    what: &str,
    prepare: impl Fn() -> Result<T, Stop>,
    run: impl Fn(&mut T) -> bool,
    check: impl Fn(&T, bool) -> bool,
) -> Outcome {
    let before = Accounted::live();
    let mut refused = 0;

    if !probe::can_fail() {
        return Err(Stop::Skipped(c"this kernel fails no allocations"));
    }
    let ended = probe::until_none_fails(|nth| {
        let mut subject = prepare()?;
        let (granted, failed) = probe::with_failure(nth, || run(&mut subject));

        check!(
            granted || failed,
            "{what}: refused though no allocation failed"
        );
        check!(
            check(&subject, granted),
            "{what}: not right with allocation {nth} failing"
        );
        drop(subject);
        check!(
            Accounted::live() == before,
            "{what}: not given back with allocation {nth} failing"
        );
        refused += usize::from(!granted);
        Ok(failed)
    })?;
    check!(ended, "{what}: there is no end of its allocations");
    check!(refused != 0, "{what}: never refused");
    Ok(())
}

/// `Box`: a refused one leaves nothing.
fn boxes() -> Outcome {
    let flags = GFP_KERNEL | __GFP_NOWARN;

    until_none_fails(
        "Box::new",
        || Ok(None),
        |subject| {
            *subject = Box::<_, Accounted>::new(Line(7), flags).ok();
            subject.is_some()
        },
        |subject, granted| match subject {
            Some(line) => line.0 == 7,
            None => !granted,
        },
    )
}

/// Something that is done to a vector.
type Change = fn(&mut Vec<Line, Accounted>, Flags) -> bool;

/// `Vec`: one that could not grow has what it had.
fn vecs() -> Outcome {
    const OLD: usize = 3;
    let flags = GFP_KERNEL | __GFP_NOWARN;
    let grown: [(&str, usize, Change); 4] = [
        ("Vec::push", 1, |vec, flags| {
            vec.push(Line(3), flags).is_ok()
        }),
        ("Vec::reserve", 0, |vec, flags| {
            vec.reserve(100, flags).is_ok()
        }),
        ("Vec::extend_with", 100, |vec, flags| {
            vec.extend_with(100, Line(3), flags).is_ok()
        }),
        ("Vec::extend_from_slice", 2, |vec, flags| {
            vec.extend_from_slice(&[Line(3), Line(4)], flags).is_ok()
        }),
    ];

    for (what, more, change) in grown {
        until_none_fails(
            what,
            || {
                let mut vec = Vec::with_capacity(OLD, flags)?;
                for n in 0..OLD {
                    vec.push(Line(n as u64), flags)?;
                }
                // What there is room for would take no allocation.
                while vec.len() < vec.capacity() {
                    vec.push(Line(vec.len() as u64), flags)?;
                }
                Ok((vec.len(), vec))
            },
            |(_, vec)| change(vec, flags),
            |(old, vec), granted| {
                vec.len() == old + if granted { more } else { 0 }
                    && vec.iter().take(*old).zip(0..).all(|(line, n)| line.0 == n)
            },
        )?;
    }
    Ok(())
}

/// `GlobalAlloc`: null, and the old block is what it was.
fn global_alloc() -> Outcome {
    const OLD: Layout = Layout::new::<[u64; 100]>();
    const NEW: usize = 9000;

    /// A block, and how many bytes of it were written to.
    struct Global(*mut u8, Layout, usize);

    impl Drop for Global {
        fn drop(&mut self) {
            if !self.0.is_null() {
                // SAFETY: It is a live block with that layout.
                unsafe { KernelAllocator.dealloc(self.0, self.1) };
            }
        }
    }

    for zeroed in [false, true] {
        until_none_fails(
            "GlobalAlloc::alloc",
            || Ok(Global(ptr::null_mut(), OLD, 0)),
            |subject| {
                // SAFETY: The layout is not of size zero.
                subject.0 = unsafe {
                    if zeroed {
                        KernelAllocator.alloc_zeroed(OLD)
                    } else {
                        KernelAllocator.alloc(OLD)
                    }
                };
                !subject.0.is_null()
            },
            |subject, granted| granted != subject.0.is_null(),
        )?;
    }
    until_none_fails(
        "GlobalAlloc::realloc",
        || {
            // SAFETY: The layout is not of size zero.
            let block = unsafe { KernelAllocator.alloc(OLD) };
            check!(!block.is_null(), "no memory");
            // SAFETY: The block has that many bytes.
            unsafe { block.write_bytes(0x5a, OLD.size()) };
            Ok(Global(block, OLD, OLD.size()))
        },
        |subject| {
            // SAFETY: It is a live block with that layout; the size is not zero.
            let block = unsafe { KernelAllocator.realloc(subject.0, subject.1, NEW) };
            if let (false, Ok(new)) = (block.is_null(), Layout::from_size_align(NEW, OLD.align())) {
                (subject.0, subject.1) = (block, new);
                return true;
            }
            false
        },
        |subject, _| {
            // SAFETY: The block is live, and that many bytes were written.
            let bytes = unsafe { slice::from_raw_parts(subject.0, subject.2) };
            bytes.iter().all(|&byte| byte == 0x5a)
        },
    )
}
