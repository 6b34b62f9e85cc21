// SPDX-License-Identifier: GPL-2.0

//! An ordinary std program on `KernelAllocator`: this one, with cargo's test harness in it.

#[path = "../../allocator/mod.rs"]
#[allow(dead_code, reason = "a program uses what it needs")]
mod allocator;

use std::{
    collections::{
        BTreeMap,
        HashMap, //
    },
    mem::align_of,
    ptr,
    sync::mpsc,
    thread, //
};

use kernel::test;

use allocator::{
    KernelAllocator,
    KMALLOC_MAX_SIZE, //
};

#[global_allocator]
static GLOBAL: KernelAllocator = KernelAllocator;

#[repr(align(64))]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Line(u8);

#[repr(align(4096))]
struct Page(u8);

/// Returns whether a value is where its type wants it.
fn is_aligned<T>(value: &T) -> bool {
    ptr::from_ref(value) as usize % align_of::<T>() == 0
}

/// All of what follows would pass with any allocator: it must be this one.
#[test]
fn memory_is_the_slabs() {
    let before = test::live().asked;
    let kept = vec![1u8; 1 << 20];

    // Others allocate as well meanwhile, but not as much.
    assert!(test::live().asked >= before + kept.len() / 2);
    // SAFETY: The function has no requirements: what is no live block ends the program.
    assert_eq!(unsafe { test::node_of(kept.as_ptr().cast()) }, 0);
}

#[test]
fn boxes_of_over_aligned_types() {
    let lines: Vec<Box<Line>> = (0..100).map(|n| Box::new(Line(n))).collect();
    let pages: Vec<Box<Page>> = (0..100).map(|n| Box::new(Page(n))).collect();

    for (n, (line, page)) in (0..).zip(lines.iter().zip(&pages)) {
        assert!(is_aligned(&**line) && line.0 == n);
        assert!(is_aligned(&**page) && page.0 == n);
    }
}

#[test]
fn vectors_grow_and_shrink() {
    let mut lines = Vec::new();

    for n in 0..1000 {
        lines.push(Line(n as u8));
        assert!(is_aligned(&lines[0]));
    }
    lines.truncate(10);
    lines.shrink_to_fit();
    assert!((0..10).all(|n| lines[n] == Line(n as u8)) && is_aligned(&lines[0]));
}

#[test]
fn strings() {
    let mut text = String::new();

    for n in 0..10_000 {
        text += &n.to_string();
    }
    assert_eq!(text.len(), 38_890);
    assert!(text.ends_with("99989999"));
}

#[test]
fn maps() {
    let hashed: HashMap<u32, String> = (0..5000).map(|n| (n, n.to_string())).collect();
    let mut sorted: BTreeMap<String, u32> = hashed.iter().map(|(&n, s)| (s.clone(), n)).collect();

    sorted.retain(|_, n| *n % 7 == 0);
    assert_eq!(sorted.len(), 715);
    assert!(sorted.iter().all(|(s, n)| hashed[n] == *s));
}

#[test]
fn zeroed_memory() {
    // Where others have left their dirt.
    drop(vec![0xffu8; 100_000]);
    assert!(vec![0u8; 100_000].iter().all(|&byte| byte == 0));
}

#[test]
fn threads_free_what_others_allocated() {
    let (to, from) = mpsc::channel::<Vec<Box<Line>>>();
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let to = to.clone();

            thread::spawn(move || {
                for _ in 0..50 {
                    to.send((0..20).map(|n| Box::new(Line(n))).collect())
                        .expect("somebody receives");
                }
            })
        })
        .collect();
    drop(to);

    assert_eq!(
        from.iter()
            .flatten()
            .filter(|line| is_aligned(&**line))
            .count(),
        4000
    );
    for sender in senders {
        sender.join().expect("it has not panicked");
    }
}

#[test]
fn a_vector_that_cannot_grow_is_what_it_was() {
    let mut vec: Vec<u64> = (0..100).collect();

    test::fail_nth(1);
    let refused = vec.try_reserve(10_000);
    assert_eq!(test::fail_nth(0), 0);
    assert!(refused.is_err());
    assert!(vec.iter().copied().eq(0..100));

    assert!(vec.try_reserve(KMALLOC_MAX_SIZE).is_err());
    assert!(vec.iter().copied().eq(0..100));
}
