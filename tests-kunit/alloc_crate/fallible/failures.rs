// SPDX-License-Identifier: GPL-2.0

//! Each allocation fails in turn: an error comes back, and old data is whole. That nothing leaks is
//! what kmemleak says after the run.

use alloc::{
    boxed::Box,
    rc::Rc,
    string::String,
    sync::Arc,
    vec::Vec, //
};

use kernel::alloc::AllocError;

use crate::{
    allocator::{
        try_format,
        OrNoMemory,
        TryString,
        TryVec, //
    },
    probe,
    suite::{
        self,
        Outcome,
        Stop, //
    },
};

kunit_suite! {
    /// The alloc crate, when allocations fail.
    name: rust_alloc_crate_failures,
    cases: [
        pointers,
        vecs,
        strings,
        many_at_once,
    ],
}

/// Does something to what `prepare` makes, with its first allocation failing, then with its second,
/// and so on, until it has no more of them. Each time `check` says whether what it was done to is
/// right; it is told whether it was granted.
///
/// It must be refused `least` times at least, which is less often than it allocates: the slab has
/// allocations of its own, which it can do without, and not the same ones each time.
fn until_none_fails<T>(
    what: &str,
    least: usize,
    prepare: impl Fn() -> Result<T, AllocError>,
    run: impl Fn(&mut T) -> Result<(), AllocError>,
    check: impl Fn(&T, bool) -> bool,
) -> Outcome {
    if !probe::can_fail() {
        return Err(Stop::Skipped(c"this kernel fails no allocations"));
    }
    let mut refused = 0;

    let ended = probe::until_none_fails(|nth| {
        let mut subject = prepare()?;
        let (done, failed) = probe::with_failure(nth, || run(&mut subject));

        check!(
            done.is_ok() || failed,
            "{what}: refused though no allocation failed"
        );
        check!(
            check(&subject, done.is_ok()),
            "{what}: not right with allocation {nth} failing"
        );
        refused += usize::from(done.is_err());
        Ok(failed)
    })?;
    check!(ended, "{what}: there is no end of its allocations");
    check!(refused >= least, "{what}: refused {refused} times only");
    Ok(())
}

/// A pointer that can't be had leaves nothing.
fn pointers() -> Outcome {
    until_none_fails(
        "Box, Rc and Arc",
        1,
        || Ok(None),
        |subject| {
            *subject = Some((
                Box::try_new(1).or_no_memory()?,
                Rc::try_new(2).or_no_memory()?,
                Arc::try_new(3).or_no_memory()?,
            ));
            Ok(())
        },
        |subject, granted| match subject {
            Some((boxed, counted, shared)) => {
                granted && (**boxed, **counted, **shared) == (1, 2, 3)
            }
            None => !granted,
        },
    )
}

/// Something that is done to a vector.
type Change = fn(&mut Vec<u64>) -> Result<(), AllocError>;

/// A vector that can't grow has what it had.
fn vecs() -> Outcome {
    let changes: [(&str, usize, Change); 4] = [
        ("Vec::try_reserve", 0, |vec| {
            vec.try_reserve(100).or_no_memory()
        }),
        ("Vec::try_push", 1, |vec| vec.try_push(4)),
        ("Vec::try_extend", 100, |vec| vec.try_extend(4..104)),
        ("Vec::try_extend_from_slice", 2, |vec| {
            vec.try_extend_from_slice(&[4, 5])
        }),
    ];

    for (what, more, change) in changes {
        until_none_fails(
            what,
            1,
            || {
                let mut vec = Vec::new();

                vec.try_reserve_exact(4).or_no_memory()?;
                // What there is room for would take no allocation.
                vec.try_extend(0..vec.capacity() as u64)?;
                Ok(vec)
            },
            change,
            |vec, granted| {
                vec.len() == 4 + if granted { more } else { 0 }
                    && vec.iter().zip(0..4).all(|(value, n)| *value == n)
            },
        )?;
    }
    Ok(())
}

/// A string that can't grow is as it was.
fn strings() -> Outcome {
    const OLD: &str = "größer";

    until_none_fails(
        "String",
        1,
        || {
            let mut text = String::new();

            text.try_push_str(OLD)?;
            Ok((text, OLD.len()))
        },
        |(text, kept)| {
            text.try_push_fmt(format_args!("{:>60}, {:>90}", 1, 2))?;
            *kept = text.len();
            text.try_push_str(&try_format(format_args!("{:>200}", 3))?)
        },
        |(text, kept), granted| {
            let len = OLD.len() + 60 + 2 + 90;

            text.starts_with(OLD)
                && [OLD.len(), len].contains(kept)
                && text.len() == kept + if granted { 200 } else { 0 }
        },
    )
}

/// What was made before one of many failed is given back.
fn many_at_once() -> Outcome {
    until_none_fails(
        "a vector of boxes and strings",
        20,
        || Ok(Vec::new()),
        |subject: &mut Vec<(Box<usize>, String)>| {
            for n in 0..20 {
                let boxed = Box::try_new(n).or_no_memory()?;
                let text = try_format(format_args!("number {n}"))?;

                subject.try_push((boxed, text))?;
            }
            Ok(())
        },
        |subject, granted| {
            granted == (subject.len() == 20)
                && subject.iter().enumerate().all(|(n, (boxed, text))| {
                    **boxed == n && text.strip_prefix("number ").is_some()
                })
        },
    )
}
