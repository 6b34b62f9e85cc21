// SPDX-License-Identifier: GPL-2.0

//! The collections, filled and drained. That nothing leaks is what kmemleak says after the run.

use core::{
    mem::align_of,
    ptr, //
};

use alloc::{
    borrow::Cow,
    boxed::Box,
    collections::{
        BTreeMap,
        BTreeSet,
        BinaryHeap,
        LinkedList,
        VecDeque, //
    },
    format,
    rc::Rc,
    string::{
        String,
        ToString, //
    },
    sync::Arc,
    vec,
    vec::Vec, //
};

#[cfg(not(target_pointer_width = "64"))]
use crate::suite::Stop;
use crate::suite::{
    self,
    Outcome, //
};

kunit_suite! {
    /// All of the alloc crate's collections.
    name: rust_alloc_crate_infallible,
    cases: [
        vec,
        vec_of_over_aligned,
        vec_deque,
        b_tree_map,
        b_tree_set,
        binary_heap,
        linked_list,
        strings,
        pointers,
        sorting,
    ],
}

const MANY: usize = 2000;

/// The numbers below `MANY` in another order, each once: 7 and `MANY` have no common divisor.
fn numbers() -> impl Iterator<Item = usize> {
    (0..MANY).map(|n| n * 7 % MANY)
}

fn vec() -> Outcome {
    let mut vec: Vec<Box<usize>> = numbers().map(Box::new).collect();

    vec.insert(3, Box::new(MANY));
    check!(*vec.remove(3) == MANY, "what was inserted is not there");
    let rest = vec.split_off(vec.len() / 2);
    vec.shrink_to_fit();
    vec.extend(rest);
    check!(
        vec.iter().map(|value| **value).eq(numbers()),
        "what was pushed is not there"
    );
    let drained: usize = vec.drain(..).map(|value| *value).sum();
    check!(
        drained == MANY * (MANY - 1) / 2 && vec.is_empty(),
        "drained: {drained}"
    );
    check!(vec![1; 100].iter().sum::<u64>() == 100, "vec! is wrong");
    Ok(())
}

fn vec_of_over_aligned() -> Outcome {
    #[repr(align(256))]
    struct Wide(usize);

    let mut vec = Vec::new();

    for n in numbers().take(300) {
        vec.push(Wide(n));
        check!(
            vec.as_ptr() as usize % align_of::<Wide>() == 0,
            "misaligned with {} elements",
            vec.len()
        );
    }
    check!(
        vec.iter().map(|wide| wide.0).eq(numbers().take(300)),
        "what was pushed is not there"
    );
    Ok(())
}

fn vec_deque() -> Outcome {
    let mut deque = VecDeque::new();

    for n in 0..MANY {
        if n % 2 == 0 {
            deque.push_back(Box::new(n));
        } else {
            deque.push_front(Box::new(n));
        }
    }
    for n in (0..MANY / 2).rev() {
        let (front, back) = (deque.pop_front(), deque.pop_back());

        check!(
            front.is_some_and(|value| *value == 2 * n + 1)
                && back.is_some_and(|value| *value == 2 * n),
            "pair {n} was lost"
        );
    }
    check!(deque.is_empty(), "{} left", deque.len());
    Ok(())
}

fn b_tree_map() -> Outcome {
    let mut map = BTreeMap::new();

    for n in numbers() {
        check!(map.insert(n, n.to_string()).is_none(), "{n} was there");
    }
    check!(
        map.iter().zip(0..).all(|((key, _), n)| *key == n),
        "the keys are not in order"
    );
    map.retain(|key, _| key % 2 == 0);
    *map.entry(MANY).or_default() += "last";
    let upper = map.split_off(&(MANY / 2));
    check!(
        map.len() == MANY / 4 && upper.len() == MANY / 4 + 1,
        "split into {} and {}",
        map.len(),
        upper.len()
    );
    while let Some((key, text)) = map.pop_first() {
        check!(text.parse() == Ok(key), "{key} has another value");
    }
    check!(
        upper
            .last_key_value()
            .is_some_and(|(_, text)| text == "last"),
        "the last one was lost"
    );
    Ok(())
}

fn b_tree_set() -> Outcome {
    // Not by `collect()`, which sorts.
    let (mut even, mut third) = (BTreeSet::new(), BTreeSet::new());

    even.extend(numbers().filter(|n| n % 2 == 0));
    third.extend(numbers().filter(|n| n % 3 == 0));
    check!(
        even.intersection(&third).all(|n| n % 6 == 0),
        "an intersection is wrong"
    );
    check!(
        (&even | &third).len() == 1333,
        "a union has {} elements",
        (&even | &third).len()
    );
    Ok(())
}

fn binary_heap() -> Outcome {
    let mut heap: BinaryHeap<(usize, Box<usize>)> = numbers().map(|n| (n, Box::new(n))).collect();

    for n in (0..MANY).rev() {
        check!(
            heap.pop()
                .is_some_and(|(key, value)| key == n && *value == n),
            "{n} is not the greatest"
        );
    }
    check!(heap.is_empty(), "{} left", heap.len());
    Ok(())
}

fn linked_list() -> Outcome {
    let mut list: LinkedList<usize> = numbers().collect();
    let mut rest = list.split_off(MANY / 2);

    rest.append(&mut list);
    check!(
        list.is_empty() && rest.len() == MANY,
        "{} and {} elements",
        list.len(),
        rest.len()
    );
    check!(rest.pop_back() == numbers().nth(MANY / 2 - 1), "lost");
    Ok(())
}

fn strings() -> Outcome {
    let mut text = String::from("größer");

    text.push('→');
    text.insert_str(0, "noch ");
    text += &format!("{:>5}", 42);
    check!(text == "noch größer→   42", "built: {}", &*text);
    check!(
        text.to_uppercase() == "NOCH GRÖSSER→   42",
        "in capitals: {}",
        &*text.to_uppercase()
    );
    let words: Vec<String> = text.split_whitespace().map(String::from).collect();
    check!(words.join("+") == "noch+größer→+42", "joined wrongly");
    check!(
        matches!(String::from_utf8_lossy(b"a\xffb"), Cow::Owned(text) if text == "a\u{fffd}b"),
        "what is no UTF-8 was not replaced"
    );
    Ok(())
}

fn pointers() -> Outcome {
    let shared: Arc<[String]> = (0..10).map(|n| format!("n{n}")).collect();
    let weak = Arc::downgrade(&shared);
    let counted: Rc<dyn Fn(usize) -> usize> = Rc::new(move |n| shared[n].len());

    check!(counted(9) == 2 && weak.upgrade().is_some(), "not alive");
    drop(counted);
    check!(weak.upgrade().is_none(), "alive without an owner");

    // These are one static of alloc's, which is in its object file.
    let (one, other) = (Arc::<str>::default(), Arc::<str>::default());
    check!(
        one.is_empty() && ptr::eq(one.as_ptr(), other.as_ptr()),
        "an empty string is not alloc's own"
    );
    Ok(())
}

/// `core`'s stable sort divides a `u64` (`core::slice::sort::stable::drift`). Machines of 32 bits
/// have a function do that, and the kernel has none for modules.
#[cfg(not(target_pointer_width = "64"))]
fn sorting() -> Outcome {
    Err(Stop::Skipped(
        c"a module of 32 bits can't have the stable sort",
    ))
}

#[cfg(target_pointer_width = "64")]
fn sorting() -> Outcome {
    let mut pairs: Vec<(usize, usize)> = numbers().map(|n| (n % 10, n)).collect();
    let place: BTreeMap<usize, usize> = numbers().zip(0..).collect();

    pairs.sort_by_key(|pair| pair.0);
    check!(
        pairs.windows(2).all(|two| {
            two[0].0 < two[1].0 || two[0].0 == two[1].0 && place[&two[0].1] < place[&two[1].1]
        }),
        "the sort is not stable"
    );
    Ok(())
}
