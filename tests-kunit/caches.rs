// SPDX-License-Identifier: GPL-2.0

//! Caches of one's own.

use core::alloc::Layout;

use kernel::{
    alloc::{
        flags::__GFP_NOWARN,
        AllocError,
        Allocator,
        Box, //
    },
    new_spinlock,
    prelude::*, //
};

use crate::{
    allocator::{
        self,
        cache::{
            kmem_cache,
            Cache,
            Reserve,
            StaticCache, //
        },
        KernelAllocator, //
    },
    conformance::{
        block::{
            layout,
            Block, //
        },
        lifecycle::{
            self,
            Lifecycle, //
        },
        probe,
        property::{
            self,
            Stop as Found, //
        },
        suite::{
            self,
            Outcome,
            Stop, //
        },
        Subject, //
    },
};

kunit_suite! {
    /// Caches of one's own.
    name: rust_alloc_caches,
    cases: [
        usable_while_it_is_there,
        created_once,
        live_blocks_keep_it,
        dropped_with_a_live_object,
        objects_are_not_padded,
        flags_as_in_c,
        other_layouts_are_refused,
        resized_in_place_or_refused,
        names_are_taken_once,
        too_large_is_refused,
        boxes_by_the_cache,
        reserve_under_a_spinlock,
        reserve_with_allocations_failing,
    ],
}

/// Of a size between two buckets.
pub(crate) type Nine = [u64; 9];

/// Its alignment, which is 4 on some machines with 32 bits.
const NINE: usize = align_of::<Nine>();

/// Over-aligned, between two buckets.
#[repr(align(64))]
pub(crate) struct Lines {
    _bytes: [u8; 192],
}

/// More than a bucket has: kmalloc() would take twice as much.
type Large = [u64; 1025];

/// Of a size that the slab pads to a word.
type Odd = [u8; 20];

/// More than a cache is created for.
type TooLarge = [u8; allocator::KMALLOC_MAX_SIZE / 4 + 1];

/// More than a u32 counts.
#[cfg(target_pointer_width = "64")]
type Huge = [u8; (1 << 32) + 72];

kmem_cache! {
    /// For the conformance suite; nothing but the size and the alignment.
    pub(crate) struct NineCache for Nine {
        name: "rust_alloc_demo_kunit_nine",
        flags: [],
    }
}

kmem_cache! {
    /// For the conformance suite; all the flags that there are.
    pub(crate) struct LinesCache for Lines {
        name: "rust_alloc_demo_kunit_lines",
        flags: [HWCACHE_ALIGN, ACCOUNT, RECLAIM_ACCOUNT, POISON, RED_ZONE],
    }
}

// What boxes of it promise to C (`ForeignOwnable`) is the alignment of the type, if that is more.
const _: () = assert!(
    <LinesCache as allocator::NodeAllocator>::MIN_ALIGN == 64
        && <NineCache as allocator::NodeAllocator>::MIN_ALIGN == allocator::SLAB_MIN_ALIGN
);

kmem_cache! {
    /// For the cases here.
    struct Own for Nine {
        name: "rust_alloc_demo_kunit_own",
        flags: [HWCACHE_ALIGN],
    }
}

kmem_cache! {
    /// One that has the name of another.
    struct SameName for Large {
        name: "rust_alloc_demo_kunit_own",
        flags: [],
    }
}

kmem_cache! {
    /// Its objects are large.
    struct LargeCache for Large {
        name: "rust_alloc_demo_kunit_large",
        flags: [],
    }
}

kmem_cache! {
    /// Its free objects have a pattern.
    struct Poisoned for Odd {
        name: "rust_alloc_demo_kunit_poisoned",
        flags: [POISON],
    }
}

kmem_cache! {
    /// Its objects have guards.
    struct Guarded for Odd {
        name: "rust_alloc_demo_kunit_guarded",
        flags: [RED_ZONE],
    }
}

kmem_cache! {
    /// Its objects are too large.
    struct TooLargeCache for TooLarge {
        name: "rust_alloc_demo_kunit_too_large",
        flags: [],
    }
}

#[cfg(target_pointer_width = "64")]
kmem_cache! {
    /// Its objects are 72 bytes larger than the largest that C can be asked for.
    struct HugeCache for Huge {
        name: "rust_alloc_demo_kunit_huge",
        flags: [],
    }
}

/// The caches that the conformance suite is run on.
pub(crate) struct Caches {
    _nine: Cache<NineCache>,
    _lines: Cache<LinesCache>,
}

impl Caches {
    /// Creates them.
    ///
    /// # Errors
    ///
    /// As of [`Cache::new`].
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: They are dropped with the module's state, when no case runs any more.
        unsafe {
            Ok(Self {
                _nine: Cache::new()?,
                _lines: Cache::new()?,
            })
        }
    }
}

/// Creates the cache of the cases.
fn own() -> Result<Cache<Own>> {
    // SAFETY: One case runs at a time, and what is made of the cache is the case's own.
    unsafe { Cache::new() }
}

/// Allocates an object of a cache.
fn object<C: StaticCache + Allocator>() -> Result<Block, AllocError> {
    Block::new(Subject::of::<C>(), Cache::<C>::LAYOUT, GFP_KERNEL)
}

impl Lifecycle for Own {
    const LAYOUT: Layout = Cache::<Self>::LAYOUT;

    type Created = Cache<Self>;

    fn create() -> Result<Cache<Self>> {
        own()
    }

    fn destroy(created: Cache<Self>) -> Result<(), Cache<Self>> {
        created.destroy()
    }
}

/// Reports what was found of a property.
fn report(found: property::Outcome) -> Outcome {
    match found {
        Ok(()) => Ok(()),
        Err(Found::NotApplicable(why)) => Err(Stop::Skipped(why)),
        Err(Found::NoMemory) => Err(AllocError.into()),
        Err(Found::Violated(violation)) => {
            check!(false, "{violation:?}");
            Ok(())
        }
    }
}

fn usable_while_it_is_there() -> Outcome {
    report(lifecycle::usable_while_it_is_there::<Own>())
}

fn created_once() -> Outcome {
    report(lifecycle::created_once::<Own>())
}

fn live_blocks_keep_it() -> Outcome {
    report(lifecycle::live_blocks_keep_it::<Own>())
}

/// A line in the log, and the object is what it was.
fn dropped_with_a_live_object() -> Outcome {
    let cache = own()?;
    let live = Box::<Nine, Own>::new([7; 9], GFP_KERNEL)?;

    drop(cache);
    let another = Box::<Nine, Own>::new([8; 9], GFP_KERNEL)?;
    check!(
        *live == [7; 9] && *another == [8; 9],
        "a live object was lost"
    );
    // Who creates it again has the same one.
    let cache = own()?;
    let Err(cache) = cache.destroy() else {
        check!(false, "another cache was created");
        return Ok(());
    };
    drop((live, another));
    check!(cache.destroy().is_ok(), "not destroyed without an object");
    Ok(())
}

/// What memory is tagged by on arm64, in bytes; whether it is shows when the kernel runs
/// (`arch_slab_minalign()`).
const GRANULE: usize = 16;

/// What the slab grants is what was asked for, up to a granule.
fn objects_are_not_padded() -> Outcome {
    // SAFETY: As in `own`.
    let large = unsafe { Cache::<LargeCache>::new() }?;
    let cache = own()?;
    let (small, big) = (object::<Own>()?, object::<LargeCache>()?);
    // SAFETY: Both blocks are live, have this layout, and are the slab's.
    let granted = unsafe {
        (
            KernelAllocator::granted(small.as_ptr(), small.layout()),
            KernelAllocator::granted(big.as_ptr(), big.layout()),
        )
    };

    // To the cache line, which `Own` asks for.
    check!(
        granted.0 >= 72 && granted.0 <= 128,
        "72 bytes: granted {}",
        granted.0
    );
    check!(
        granted.1 >= 8200 && granted.1 <= 8200_usize.next_multiple_of(GRANULE),
        "8200 bytes: granted {}",
        granted.1
    );
    big.fill(1);
    check!(big.matches(1, 8200), "not all there");
    drop((small, big, cache, large));
    Ok(())
}

/// Returns what the slab grants of an object of a cache, which is created for that.
fn granted<C: StaticCache + Allocator>() -> Result<usize, Stop> {
    // SAFETY: As in `own`.
    let _cache = unsafe { Cache::<C>::new() }?;
    let block = object::<C>()?;

    // SAFETY: The block is live, has this layout, and is the slab's.
    Ok(unsafe { KernelAllocator::granted(block.as_ptr(), block.layout()) })
}

/// Each flag does what it does in C, as far as an object shows it.
fn flags_as_in_c() -> Outcome {
    let cache = own()?;
    let mut lines = KVec::new();
    for _ in 0..16 {
        lines.push(object::<Own>()?, GFP_KERNEL)?;
    }
    // No supported machine has shorter cache lines, and none aligns 72 bytes to less than one.
    check!(
        lines.iter().all(|block| block.is_aligned_to(64)),
        "HWCACHE_ALIGN: not at a cache line"
    );
    drop((lines, cache));

    // What is beside an object is the debugging's, and nothing of it is granted (`slab_ksize()`).
    if cfg!(CONFIG_SLUB_DEBUG) {
        for (flag, granted) in [
            ("POISON", granted::<Poisoned>()?),
            ("RED_ZONE", granted::<Guarded>()?),
        ] {
            check!(granted == 20, "{flag}: 20 bytes: granted {granted}");
        }
    }
    Ok(())
}

fn other_layouts_are_refused() -> Outcome {
    let _cache = own()?;
    let own = Subject::of::<Own>();

    for (size, align) in [
        (71, NINE),
        (73, NINE),
        (72, NINE / 2),
        (72, 2 * NINE),
        (144, NINE),
        (8, NINE),
        (1, 1),
    ] {
        check!(
            Block::new(own, layout(size, align)?, GFP_KERNEL).is_err(),
            "size {size}, align {align}: not refused"
        );
    }
    for align in [1, 8, 4096] {
        check!(
            Block::new(own, layout(0, align)?, GFP_KERNEL)?.is_aligned(),
            "size 0, align {align}: misaligned"
        );
    }
    Ok(())
}

fn resized_in_place_or_refused() -> Outcome {
    let _cache = own()?;
    let mut block = object::<Own>()?;
    let before = block.address();

    block.fill(1);
    for (size, align) in [(72, NINE), (71, NINE), (1, 1), (72, NINE / 2), (72, NINE)] {
        block.resize(layout(size, align)?, GFP_KERNEL)?;
        check!(
            block.address() == before && block.matches(1, 1),
            "size {size}, align {align}: moved or lost"
        );
        block.fill(1);
    }
    for (size, align) in [(73, 8), (72, 16), (8, 64), (8200, 8)] {
        check!(
            block.resize(layout(size, align)?, GFP_KERNEL).is_err(),
            "size {size}, align {align}: not refused"
        );
        check!(
            block.address() == before && block.matches(1, 72),
            "size {size}, align {align}: refused, and lost"
        );
    }
    Ok(())
}

/// Returns the error of creating a cache, which then is none.
fn refusal<C: StaticCache>() -> Option<Error> {
    // SAFETY: Nothing allocates from it.
    unsafe { Cache::<C>::new() }.err()
}

fn names_are_taken_once() -> Outcome {
    let cache = own()?;

    check!(
        refusal::<Own>() == Some(EBUSY),
        "there twice: {:?}",
        refusal::<Own>()
    );
    // What `SLAB_SUPPORTS_SYSFS` says in C.
    if cfg!(any(not(CONFIG_SYSFS), CONFIG_SLUB_TINY)) {
        return Err(Stop::Skipped(c"the slab has no names in sysfs here"));
    }
    check!(
        refusal::<SameName>() == Some(EEXIST),
        "two of a name: {:?}",
        refusal::<SameName>()
    );
    drop(cache);
    check!(
        refusal::<SameName>().is_none(),
        "the name was not given back"
    );
    Ok(())
}

fn too_large_is_refused() -> Outcome {
    check!(
        refusal::<TooLargeCache>() == Some(EINVAL),
        "not refused, or not for its size"
    );
    #[cfg(target_pointer_width = "64")]
    check!(
        refusal::<HugeCache>() == Some(EINVAL),
        "not refused, or not for its size"
    );
    Ok(())
}

fn boxes_by_the_cache() -> Outcome {
    let cache = own()?;
    let mut boxes = KVec::<Box<Nine, Own>>::new();

    for n in 0..100 {
        boxes.push(cache.boxed([n; 9], GFP_KERNEL)?, GFP_KERNEL)?;
    }
    check!(
        boxes
            .iter()
            .enumerate()
            .all(|(n, value)| **value == [n as u64; 9]),
        "a box was overwritten"
    );
    check!(
        cache.boxed([0; 9], !GFP_KERNEL).is_err(),
        "flags that the slab can't honour were accepted"
    );
    Ok(())
}

/// How many objects a reserve has.
const RESERVED: usize = 20;

/// Takes all that a reserve has, and sees that there is no more.
fn take_all(reserve: &mut Reserve<Own>) -> Result<KVec<Box<Nine, Own>>, Stop> {
    let mut taken = KVec::with_capacity(RESERVED + 1, GFP_KERNEL)?;
    let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL).map_err(|_| Stop::Failed)?;
    let guard = lock.lock();
    let mut last = [RESERVED as u64; 9];

    // There are as many in it as it takes, or the case fails below; there is room for all.
    let (all, failures) = probe::with_failure(1, || {
        for n in 0..RESERVED as u64 {
            if let Ok(object) = reserve.take([n; 9]) {
                let _ = taken.push(object, GFP_ATOMIC);
            }
        }
        match reserve.take(last) {
            Ok(_) => false,
            Err(value) => {
                last = value;
                taken.len() == RESERVED
            }
        }
    });
    drop(guard);
    check!(all, "{} of {RESERVED} were taken", taken.len());
    check!(!failures, "memory was asked for");
    check!(
        last == [RESERVED as u64; 9] && reserve.len() == 0,
        "what there was no object for was lost"
    );
    for (n, object) in taken.iter().enumerate() {
        check!(**object == [n as u64; 9], "object {n} was overwritten");
    }
    Ok(taken)
}

fn reserve_under_a_spinlock() -> Outcome {
    let cache = own()?;
    let mut reserve = Reserve::new(&cache, RESERVED, GFP_KERNEL)?;

    for _ in 0..3 {
        check!(reserve.len() == RESERVED, "{} are there", reserve.len());
        drop(take_all(&mut reserve)?);
        reserve.fill(GFP_KERNEL)?;
    }
    // What is in the reserve is live.
    let Err(cache) = cache.destroy() else {
        check!(false, "destroyed with a reserve");
        return Ok(());
    };
    drop(reserve);
    check!(cache.destroy().is_ok(), "not destroyed without the reserve");
    Ok(())
}

/// One that could not be filled has what it has.
fn reserve_with_allocations_failing() -> Outcome {
    if !probe::can_fail() {
        return Err(Stop::Skipped(c"this kernel fails no allocations"));
    }
    let cache = own()?;
    let flags = GFP_KERNEL | __GFP_NOWARN;
    let mut reserve = Reserve::new(&cache, RESERVED, flags)?;

    drop(take_all(&mut reserve)?);
    for nth in 1..=RESERVED {
        let (filled, failed) = probe::with_failure(nth, || reserve.fill(flags));

        // The slab has allocations of its own that it can do without.
        check!(
            (filled.is_ok() || failed) && filled.is_ok() == (reserve.len() == RESERVED),
            "with allocation {nth} failing: {} are there",
            reserve.len()
        );
    }
    reserve.fill(flags)?;
    drop(take_all(&mut reserve)?);
    Ok(())
}
