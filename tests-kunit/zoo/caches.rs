// SPDX-License-Identifier: GPL-2.0

//! Caches that each break one promise.
//!
//! As in `faulty.rs`, what they do wrong stays within memory of the suite's own. They have blocks
//! of one layout, [`LAYOUT`], and no reallocation.

use core::{
    alloc::Layout,
    mem::{
        align_of,
        size_of, //
    },
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};

use kernel::{
    alloc::{
        AllocError,
        Flags, //
    },
    prelude::*, //
};

use super::parts::{
    free_unless_pool,
    lose,
    pool,
    sound,
    Memory,
    COUNT,
    LATEST,
    POOL_LAYOUT, //
};
use crate::{
    allocator::{
        self,
        cache::{
            kmem_cache,
            Cache, //
        },
        kernel_allocator,
        NodeAllocator,
        NumaNode, //
    },
    conformance::{
        lifecycle::Lifecycle,
        property::{
            Outcome,
            Stop, //
        }, //
    },
};

/// What the objects are that the caches are said to have.
#[repr(align(64))]
struct Object {
    _bytes: [u8; 128],
}

/// The layout of the objects.
pub(super) const LAYOUT: Layout = Layout::new::<Object>();

/// Declares faulty caches: what they do for a block of [`LAYOUT`].
macro_rules! faulty_caches {
    ($(
        $(#[$doc:meta])+
        $name:ident {
            alloc($flags:ident, $nid:ident) $alloc:block
            free($ptr:ident) $free:block
        }
    )+) => {
        $(
            $(#[$doc])+
            pub(super) struct $name;

            // SAFETY: None for what it is about: it breaks a promise, on purpose. All memory is
            // live and as large as asked for, and is given back in the end.
            unsafe impl NodeAllocator for $name {
                const MIN_ALIGN: usize = 1;

                fn alloc(layout: Layout, $flags: Flags, $nid: NumaNode) -> Memory {
                    if layout != LAYOUT {
                        return Err(AllocError);
                    }
                    $alloc
                }

                unsafe fn realloc(
                    _ptr: Option<NonNull<u8>>,
                    _layout: Layout,
                    _old_layout: Layout,
                    _flags: Flags,
                    _nid: NumaNode,
                ) -> Memory {
                    Err(AllocError)
                }

                unsafe fn free($ptr: NonNull<u8>, _layout: Layout) {
                    $free
                }
            }

            kernel_allocator!($name);
        )+
    };
}

/// An object, and room to put it elsewhere.
#[repr(align(64))]
struct Roomy {
    _room: [u8; 2 * size_of::<Object>()],
}

kmem_cache! {
    /// Sound, and with room for an object that is off its place.
    struct RoomyCache for Roomy {
        name: "rust_alloc_demo_kunit_zoo",
        flags: [],
    }
}

/// How far such objects are off, in bytes.
const OFF: usize = align_of::<Object>() / 2;

/// Whether a faulty cache is there.
static CREATED: AtomicBool = AtomicBool::new(false);

faulty_caches! {
    /// The cache was created for half of the size: each object is half in the next one.
    OfHalfTheSize {
        alloc(_flags, _nid) {
            let half = LAYOUT.size() / 2;
            let places = POOL_LAYOUT.size() / half - 1;
            let place = COUNT.fetch_add(1, Ordering::Relaxed) % places;
            let pool = pool(POOL_LAYOUT).ok_or(AllocError)?.cast::<u8>();
            // SAFETY: The pool has that place, and half an object more.
            let object = unsafe { NonNull::new_unchecked(pool.as_ptr().add(place * half)) };
            Ok(NonNull::slice_from_raw_parts(object, LAYOUT.size()))
        }
        free(_ptr) {}
    }

    /// The alignment did not reach the slab.
    WithoutAlignment {
        alloc(flags, nid) {
            let room = Cache::<RoomyCache>::LAYOUT;
            let object = <RoomyCache as NodeAllocator>::alloc(room, flags, nid)?.cast::<u8>();
            // SAFETY: There is room for an object from there on.
            let object = unsafe { NonNull::new_unchecked(object.as_ptr().add(OFF)) };
            Ok(NonNull::slice_from_raw_parts(object, LAYOUT.size()))
        }
        free(ptr) {
            // SAFETY: The object begins there.
            unsafe {
                let object = NonNull::new_unchecked(ptr.as_ptr().sub(OFF));
                <RoomyCache as NodeAllocator>::free(object, Cache::<RoomyCache>::LAYOUT);
            }
        }
    }

    /// It is destroyed whatever is live.
    DestroyedWithLive {
        alloc(flags, nid) {
            if !CREATED.load(Ordering::Relaxed) {
                return Err(AllocError);
            }
            let block = sound::alloc(LAYOUT, flags, nid)?;
            LATEST.store(block.cast::<u8>().as_ptr(), Ordering::Relaxed);
            Ok(block)
        }
        free(ptr) {
            LATEST.store(null_mut(), Ordering::Relaxed);
            // SAFETY: By the requirements of this function.
            unsafe { sound::free(ptr, LAYOUT) }
        }
    }

    /// Before it is created, and when it is gone, another allocator helps out.
    UsedBeforeCreation {
        alloc(flags, nid) {
            sound::alloc(LAYOUT, flags, nid)
        }
        free(ptr) {
            // SAFETY: By the requirements of this function.
            unsafe { free_unless_pool(ptr, LAYOUT) }
        }
    }
}

impl Lifecycle for DestroyedWithLive {
    const LAYOUT: Layout = LAYOUT;

    type Created = ();

    fn create() -> Result {
        CREATED.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn destroy((): ()) -> Result<(), ()> {
        // `parts::clean_up` finds the one that is live, which nobody frees any more.
        if let Some(live) = NonNull::new(LATEST.swap(null_mut(), Ordering::Relaxed)) {
            // SAFETY: It is live, and what is in it is of no use to anybody.
            unsafe { lose(live, LAYOUT) };
        }
        CREATED.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Lifecycle for UsedBeforeCreation {
    const LAYOUT: Layout = LAYOUT;

    type Created = ();

    fn create() -> Result {
        Ok(())
    }

    fn destroy((): ()) -> Result<(), ()> {
        Ok(())
    }
}

/// Runs a property of [`WithoutAlignment`], whose memory is there meanwhile.
pub(super) fn with_room(run: impl FnOnce() -> Outcome) -> Outcome {
    // SAFETY: All that allocates from it is in `run`, which has ended.
    let _cache = unsafe { Cache::<RoomyCache>::new() }.map_err(|_| Stop::NoMemory)?;

    run()
}
