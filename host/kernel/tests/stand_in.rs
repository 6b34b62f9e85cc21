// SPDX-License-Identifier: GPL-2.0

//! The stand-in's slab keeps what kmalloc promises, no more than that, and ends the program of who
//! breaks the rules.

use core::ffi::{
    c_void,
    CStr, //
};
use std::{
    env,
    process::Command,
    ptr::{
        null,
        null_mut, //
    },
    slice, //
};

use kernel::{
    bindings::{
        __kmalloc_noprof,
        __kmem_cache_create_args,
        _slab_flag_bits__SLAB_HWCACHE_ALIGN,
        _slab_flag_bits__SLAB_NO_MERGE,
        _slab_flag_bits__SLAB_POISON,
        _slab_flag_bits__SLAB_RED_ZONE,
        kfree,
        kmem_cache,
        kmem_cache_alloc_noprof,
        kmem_cache_args,
        kmem_cache_destroy,
        kmem_cache_free,
        kmem_cache_shrink,
        ksize,
        GFP_ATOMIC,
        GFP_KERNEL,
        KMALLOC_MAX_SIZE,
        __GFP_HIGHMEM,
        __GFP_NOWARN,
        __GFP_ZERO, //
    },
    sync::SpinLock,
    test, //
};

/// Allocates a block.
fn kmalloc(size: usize, flags: u32) -> *mut u8 {
    // SAFETY: The stand-in's functions have no requirements: what is wrong ends the program.
    unsafe { __kmalloc_noprof(size, flags) }.cast()
}

/// Reallocates a block, by the function that there is.
fn krealloc(block: *mut u8, size: usize, align: usize, flags: u32) -> *mut u8 {
    let block = block.cast_const().cast::<c_void>();

    #[cfg(slab_api = "krealloc_node_align")]
    // SAFETY: As above.
    let new = unsafe { kernel::bindings::krealloc_node_align(block, size, align, flags, -1) };
    #[cfg(slab_api = "krealloc")]
    // SAFETY: As above.
    let new = unsafe {
        assert_ne!(align, 0);
        kernel::bindings::krealloc(block, size, flags)
    };
    new.cast()
}

/// Frees a block.
fn free(block: *mut u8) {
    // SAFETY: As above.
    unsafe { kfree(block.cast()) };
}

/// Returns the bytes of a block.
fn bytes<'a>(block: *mut u8, len: usize) -> &'a mut [u8] {
    // SAFETY: The tests ask for what they allocated, one at a time.
    unsafe { slice::from_raw_parts_mut(block, len) }
}

/// Runs `crime` in a process of its own, which must end with these words.
fn must_end(name: &str, words: &str, crime: impl FnOnce()) {
    const CULPRIT: &str = "STAND_IN_CULPRIT";

    if env::var_os(CULPRIT).is_some() {
        return crime();
    }
    let culprit = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", name])
        .env(CULPRIT, "")
        .output()
        .expect("this program again");
    let said = String::from_utf8_lossy(&culprit.stderr);

    assert!(!culprit.status.success(), "nobody has noticed");
    assert!(said.contains(&format!("slab: {words}")), "it said: {said}");
}

/// Declares tests of what must end the program: the words, and who is to blame.
macro_rules! crimes {
    ($($name:ident: $words:literal, $crime:block)+) => {
        $(
            #[test]
            fn $name() {
                must_end(stringify!($name), $words, || $crime);
            }
        )+
    };
}

/// Creates a cache of 72 bytes by this name, and with these flags beside the one that it needs.
fn cache(name: &CStr, flags: u32) -> *mut kmem_cache {
    let mut args = kmem_cache_args {
        align: 16,
        ..Default::default()
    };
    let flags = flags | (1 << _slab_flag_bits__SLAB_NO_MERGE);

    // SAFETY: The name is a C string, and the arguments are live.
    unsafe { __kmem_cache_create_args(name.as_ptr(), 72, &mut args, flags) }
}

/// Allocates an object.
fn object(cache: *mut kmem_cache) -> *mut u8 {
    // SAFETY: As above.
    unsafe { kmem_cache_alloc_noprof(cache, GFP_KERNEL) }.cast()
}

#[test]
fn objects_are_as_large_and_aligned_as_asked() {
    // To their alignment, to a cache line, and with nothing of what lies beside them.
    for (flags, align, granted) in [
        (0, 16, 80),
        (1 << _slab_flag_bits__SLAB_HWCACHE_ALIGN, 64, 128),
        (1 << _slab_flag_bits__SLAB_RED_ZONE, 16, 72),
        (1 << _slab_flag_bits__SLAB_POISON, 16, 72),
    ] {
        let cache = cache(c"exact", flags);
        let objects = [object(cache), object(cache)];

        for object in objects {
            assert_eq!(object as usize % (2 * align), align);
            // SAFETY: As above.
            assert_eq!(unsafe { ksize(object.cast()) }, granted);
            // SAFETY: As above.
            unsafe { kmem_cache_free(cache, object.cast()) };
        }
        // SAFETY: As above.
        unsafe { kmem_cache_destroy(cache) };
    }
}

#[test]
fn a_slab_that_counts_knows_what_is_live() {
    let cache = cache(c"counted", 0);
    let object = object(cache);

    // SAFETY: As above.
    unsafe {
        assert_eq!(kmem_cache_shrink(cache) != 0, cfg!(CONFIG_SLUB_DEBUG));
        kmem_cache_free(cache, object.cast());
        assert_eq!(kmem_cache_shrink(cache), 0);
        kmem_cache_destroy(cache);
    }
}

crimes! {
    destroy_a_cache_with_live_objects: "a cache was destroyed that has live objects", {
        let cache = cache(c"live", 0);
        object(cache);
        // SAFETY: As above.
        unsafe { kmem_cache_destroy(cache) };
    }
    use_what_is_no_cache: "what is no cache was used", {
        object(null_mut());
    }
    use_a_cache_that_was_destroyed: "what is no cache was used", {
        let cache = cache(c"gone", 0);
        // SAFETY: As above.
        unsafe { kmem_cache_destroy(cache) };
        object(cache);
    }
    free_to_another_cache: "a block was freed to a cache that it is not of", {
        let object = object(cache(c"one", 0));
        // SAFETY: As above.
        unsafe { kmem_cache_free(cache(c"another", 0), object.cast()) };
    }
    free_an_object_by_kfree: "a block was freed to a cache that it is not of", {
        free(object(cache(c"objects", 0)));
    }
    create_two_of_a_name: "two caches of one name", {
        cache(c"twice", 0);
        cache(c"twice", 0);
    }
    write_past_an_object: "somebody wrote past the end of a block: a block of size 72, align 16", {
        let cache = cache(c"written", 0);
        let object = object(cache);
        bytes(object, 73)[72] = 0;
        // SAFETY: As above.
        unsafe { kmem_cache_free(cache, object.cast()) };
    }
    write_past_the_end: "somebody wrote past the end of a block: a block of size 13, align 8", {
        let block = kmalloc(13, GFP_KERNEL);
        // Within what is granted: a real slab would not see it.
        bytes(block, 14)[13] = 0;
        free(block);
    }
    write_past_what_is_granted: "somebody wrote past the end", {
        let block = kmalloc(64, GFP_KERNEL);
        bytes(block, 65)[64] = 0;
        free(block);
    }
    write_past_a_block_that_was_shrunk: "somebody wrote past the end", {
        let block = krealloc(kmalloc(64, GFP_KERNEL), 40, 1, GFP_KERNEL);
        bytes(block, 41)[40] = 0;
        free(block);
    }
    write_before_a_block: "somebody wrote before a block", {
        let block = kmalloc(64, GFP_KERNEL);
        bytes(block.wrapping_sub(1), 1)[0] = 0;
        free(block);
    }
    write_beside_a_live_block: "somebody wrote past the end", {
        bytes(kmalloc(64, GFP_KERNEL), 65)[64] = 0;
        test::check();
    }
    write_beside_a_block_that_is_reallocated: "somebody wrote past the end", {
        let block = kmalloc(64, GFP_KERNEL);
        bytes(block, 65)[64] = 0;
        krealloc(block, 200, 1, GFP_KERNEL);
    }
    write_to_a_freed_block: "somebody wrote to a block that was freed", {
        let block = kmalloc(64, GFP_KERNEL);
        free(block);
        bytes(block, 1)[0] = 0;
        for _ in 0..100 {
            free(kmalloc(64, GFP_KERNEL));
        }
    }
    write_to_a_block_that_was_moved: "somebody wrote to a block that was freed", {
        let block = kmalloc(64, GFP_KERNEL);
        krealloc(block, 65, 1, GFP_KERNEL);
        bytes(block, 1)[0] = 0;
        test::check();
    }
    free_twice: "a block was freed twice: a block of size 64, align 64", {
        let block = kmalloc(64, GFP_KERNEL);
        free(block);
        free(block);
    }
    free_the_middle: "what is no block was freed", {
        free(kmalloc(64, GFP_KERNEL).wrapping_add(8));
    }
    reallocate_what_was_freed: "what is no live block was reallocated", {
        let block = kmalloc(64, GFP_KERNEL);
        free(block);
        krealloc(block, 8, 1, GFP_KERNEL);
    }
    ask_for_unmapped_memory: "flags that the slab can't honour", {
        kmalloc(64, GFP_KERNEL | __GFP_HIGHMEM);
    }
    sleep_under_a_spinlock: "a request that may sleep, where nothing may", {
        let lock = SpinLock::new(());
        let _guard = lock.lock();
        kmalloc(64, GFP_KERNEL);
    }
    ask_for_too_much: "a request for more than KMALLOC_MAX_SIZE", {
        kmalloc(KMALLOC_MAX_SIZE as usize + 1, GFP_KERNEL);
    }
}

#[cfg(slab_api = "krealloc_node_align")]
crimes! {
    ask_for_an_offline_node: "a request for a NUMA node that is not online", {
        // SAFETY: As above.
        unsafe { kernel::bindings::krealloc_node_align(null(), 64, 1, GFP_KERNEL, 2) };
    }
}

/// `include/linux/slab.h`, `kmalloc()`: the largest power of two that divides the size, at least 8;
/// and no block has more by luck.
#[test]
fn alignment_is_what_is_promised_and_no_more() {
    let sizes = [
        (1, 8),
        (8, 8),
        (13, 8),
        (96, 32),
        (100, 8),
        (192, 64),
        (4096, 4096),
        (5 << 12, 1 << 12),
        (3 << 20, 1 << 20),
        (4 << 20, 4 << 20),
    ];

    for (size, align) in sizes {
        for _ in 0..20 {
            let block = kmalloc(size, GFP_KERNEL);

            assert_eq!(1 << (block as usize).trailing_zeros(), align, "size {size}");
            free(block);
        }
    }
}

#[test]
fn granted_is_the_size_of_the_cache_or_of_pages() {
    for (size, granted) in [
        (1, 8),
        (65, 96),
        (129, 192),
        (4097, 8192),
        (8193, 16384),
        (3 << 20, 4 << 20),
    ] {
        let block = kmalloc(size, GFP_KERNEL);

        // SAFETY: As above.
        assert_eq!(unsafe { ksize(block.cast()) }, granted, "size {size}");
        free(block);
    }
}

#[test]
fn fresh_memory_is_dirty_unless_asked_otherwise() {
    for size in [1, 100, 10_000] {
        let (dirty, zeroed) = (
            kmalloc(size, GFP_KERNEL),
            kmalloc(size, GFP_KERNEL | __GFP_ZERO),
        );

        assert!(bytes(dirty, size).iter().all(|&byte| byte != 0));
        assert!(bytes(zeroed, size).iter().all(|&byte| byte == 0));
        free(dirty);
        free(zeroed);
    }
}

/// `mm/slab_common.c`, `krealloc()`: only if all calls had `__GFP_ZERO`.
#[test]
fn growth_is_zero_only_if_all_calls_were_for_zeroed_memory() {
    let (plain, zero) = (GFP_KERNEL, GFP_KERNEL | __GFP_ZERO);

    for (first, second, size, zeroed) in [
        (zero, zero, 60, true),
        (zero, zero, 600, true),
        (plain, zero, 60, false),
        (plain, zero, 600, false),
        (zero, plain, 60, false),
        (zero, plain, 600, false),
    ] {
        let block = kmalloc(40, first);
        bytes(block, 40).fill(1);
        let block = krealloc(block, size, 1, second);

        assert!(bytes(block, 40).iter().all(|&byte| byte == 1));
        assert!(bytes(block, size)[40..]
            .iter()
            .all(|&byte| (byte == 0) == zeroed));
        free(block);
    }
}

/// `__do_krealloc()`: in place if it is large enough, and on 7.3 if it has the alignment as well.
#[test]
fn krealloc_moves_a_block_where_the_kernel_does() {
    let moves = |size, new, align| {
        let block = kmalloc(size, GFP_KERNEL);
        bytes(block, size).fill(7);
        let moved = krealloc(block, new, align, GFP_KERNEL);

        assert!(bytes(moved, size.min(new)).iter().all(|&byte| byte == 7));
        free(moved);
        moved != block
    };

    assert!(!moves(72, 8, 1));
    assert!(!moves(72, 96, 1));
    assert!(moves(72, 97, 1));
    assert_eq!(moves(72, 64, 64), cfg!(slab_api = "krealloc_node_align"));
}

#[test]
fn no_bytes_are_no_block() {
    free(kmalloc(0, GFP_KERNEL));
    free(krealloc(kmalloc(64, GFP_KERNEL), 0, 1, GFP_KERNEL));
    free(null::<u8>().cast_mut());
    // SAFETY: As above.
    assert_eq!(unsafe { ksize(null()) }, 0);
}

#[test]
fn the_nth_allocation_fails_once() {
    let block = kmalloc(64, GFP_KERNEL);
    bytes(block, 64).fill(7);

    test::fail_nth(2);
    let first = kmalloc(8, GFP_KERNEL);
    assert!(!first.is_null());
    // In place, so nothing is allocated.
    assert_eq!(krealloc(block, 60, 1, GFP_KERNEL), block);
    assert!(krealloc(block, 1000, 1, GFP_KERNEL).is_null());
    assert_eq!(test::fail_nth(0), 0);
    assert!(bytes(block, 60).iter().all(|&byte| byte == 7));

    let second = kmalloc(8, GFP_KERNEL);
    assert!(!second.is_null());
    assert_eq!(test::fail_nth(3), 0);
    assert_eq!(test::fail_nth(0), 3);
    [block, first, second].map(free);
}

#[test]
fn warnings_are_counted_where_they_are_looked_for() {
    let too_much = KMALLOC_MAX_SIZE as usize + 1;

    assert_eq!(
        test::warnings_of(|| {
            assert!(kmalloc(too_much, GFP_KERNEL).is_null());
            assert!(kmalloc(too_much, GFP_KERNEL | __GFP_NOWARN).is_null());
        }),
        1
    );
}

#[test]
fn who_may_not_sleep_can_ask_for_memory() {
    let lock = SpinLock::new(());
    let guard = lock.lock();
    let block = kmalloc(64, GFP_ATOMIC);
    free(block);
    drop(guard);
    free(kmalloc(64, GFP_KERNEL));
}
