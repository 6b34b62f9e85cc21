// SPDX-License-Identifier: GPL-2.0

//! An ordinary program on `KernelAllocator`, and what memory it takes.
//!
//! For each thing: how many blocks it has, how many bytes it asked for and the slab granted; for a
//! single block also the alignment that its type wants and the one that its place has.

#[path = "../../allocator/mod.rs"]
#[allow(dead_code, reason = "a program uses what it needs")]
mod allocator;

use std::{
    collections::{
        BTreeMap,
        HashMap, //
    },
    mem::align_of,
    thread, //
};

use kernel::test;

use allocator::KernelAllocator;

#[global_allocator]
static GLOBAL: KernelAllocator = KernelAllocator;

#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "it takes room")] [u8; 24]);

#[repr(align(4096))]
struct Page(#[expect(dead_code, reason = "it takes room")] u8);

/// Makes something and prints what it takes.
fn show<T>(what: &str, make: impl FnOnce() -> T) -> T {
    let before = test::live();
    let made = make();
    let after = test::live();

    print!(
        "{what:<24} {:>6} {:>8} {:>8}",
        after.blocks - before.blocks,
        after.asked - before.asked,
        after.granted - before.granted
    );
    made
}

/// The same for something in one block, which is somewhere.
fn show_block<T, V>(what: &str, make: impl FnOnce() -> T, place: fn(&T) -> *const V) {
    let made = show(what, make);
    let place = place(&made) as usize;

    println!(
        " {:>6} {:>6}",
        align_of::<V>(),
        1usize << place.trailing_zeros()
    );
    assert_eq!(place % align_of::<V>(), 0, "{what} is misaligned");
}

/// The same for something in any number of blocks.
fn show_blocks<T>(what: &str, make: impl FnOnce() -> T) {
    show(what, make);
    println!();
}

fn main() {
    // What printing allocates for good, it has then.
    println!("what                     blocks    asked  granted  align     at");
    let start = test::live();

    show_block("Box<u8>", || Box::new(1u8), |b| &**b);
    show_block("Box<[u8; 100]>", || Box::new([1u8; 100]), |b| &**b);
    show_block("Box<[u64; 12]>", || Box::new([1u64; 12]), |b| &**b);
    show_block("Box<Line>, align 64", || Box::new(Line([1; 24])), |b| &**b);
    show_block("Box<Page>, align 4096", || Box::new(Page(1)), |b| &**b);
    show_block("Vec<u32> of 1000", || vec![1u32; 1000], |v| v.as_ptr());
    show_block(
        "String of 26",
        || ('a'..='z').collect::<String>(),
        |s| s.as_ptr(),
    );
    show_blocks("100 Box<Line>", || {
        (0..100)
            .map(|n| Box::new(Line([n; 24])))
            .collect::<Vec<_>>()
    });
    show_blocks("HashMap of 1000", || {
        (0..1000).map(|n| (n, n * n)).collect::<HashMap<u32, u32>>()
    });
    show_blocks("BTreeMap of 1000", || {
        (0..1000)
            .map(|n| (n, n.to_string()))
            .collect::<BTreeMap<u32, String>>()
    });
    show_blocks("Vec<Line>, 4 threads", || {
        let lines = |n| thread::spawn(move || (0..100).map(|_| Line([n; 24])).collect::<Vec<_>>());

        [1, 2, 3, 4]
            .map(lines)
            .map(|thread| thread.join().expect("no panic"))
    });

    let end = test::live();
    println!("left: {} blocks", end.blocks - start.blocks);
}
