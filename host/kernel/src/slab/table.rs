// SPDX-License-Identifier: GPL-2.0

//! All blocks: those that are live, and those that were freed of late.
//!
//! The allocator under test may be the program's own, so nothing here may allocate by it: the
//! blocks are in chains, whose links are the system's.

use core::{
    alloc::Layout,
    ptr::{
        null_mut,
        NonNull, //
    },
};
use std::{
    alloc::{
        handle_alloc_error,
        GlobalAlloc,
        System, //
    },
    sync::{
        Mutex,
        MutexGuard,
        PoisonError, //
    },
};

use super::object::Object;
use crate::context::bug;

/// How many chains there are.
const CHAINS: usize = 1 << 12;

/// How many freed blocks are watched for writes.
const WATCHED: usize = 64;

/// The largest freed block that is watched, in bytes.
const WATCHED_SIZE: usize = 64 * 1024;

/// What is live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// How many blocks.
    pub blocks: usize,
    /// How many bytes were asked for.
    pub asked: usize,
    /// How many bytes were granted for them.
    pub granted: usize,
}

impl Live {
    /// Counts a block.
    fn add(&mut self, object: &Object) {
        self.blocks += 1;
        self.asked += object.size();
        self.granted += object.granted();
    }

    /// Counts a block no more.
    fn sub(&mut self, object: &Object) {
        self.blocks -= 1;
        self.asked -= object.size();
        self.granted -= object.granted();
    }
}

/// A link of a chain.
struct Link {
    object: Object,
    next: *mut Link,
}

/// All blocks.
///
/// # Invariants
///
/// A chain is links that end in null, each of them live and in no other chain.
pub(super) struct Table {
    chains: [*mut Link; CHAINS],
    freed: [Option<Object>; WATCHED],
    /// Which of `freed` makes room for the next.
    oldest: usize,
    live: Live,
}

// SAFETY: The links are the table's own.
unsafe impl Send for Table {}

static TABLE: Mutex<Table> = Mutex::new(Table::new());

/// Returns the table, locked.
pub(super) fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    const fn new() -> Self {
        const NONE: Option<Object> = None;

        // INVARIANT: A chain without a link.
        Self {
            chains: [null_mut(); CHAINS],
            freed: [NONE; WATCHED],
            oldest: 0,
            live: Live {
                blocks: 0,
                asked: 0,
                granted: 0,
            },
        }
    }

    /// Returns the place of the link to the block at `start`; it has null if there is none.
    fn place(&mut self, start: NonNull<u8>) -> &mut *mut Link {
        // Fibonacci hashing: the upper bits of the product depend on all bits of the address.
        let hash = (start.as_ptr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut place = &mut self.chains[(hash >> (u64::BITS - CHAINS.trailing_zeros())) as usize];

        // SAFETY: By the type invariants what is not null is a link, and the table is borrowed.
        while !place.is_null() && unsafe { (**place).object.start() } != start {
            // SAFETY: As above.
            place = unsafe { &mut (**place).next };
        }
        place
    }

    /// Adds a block.
    pub(super) fn insert(&mut self, object: Object) {
        let layout = Layout::new::<Link>();
        // SAFETY: A link is not of size zero.
        let link = unsafe { System.alloc(layout) }.cast::<Link>();

        if link.is_null() {
            handle_alloc_error(layout);
        }
        self.live.add(&object);
        let place = self.place(object.start());
        // SAFETY: There is room for a link.
        unsafe {
            link.write(Link {
                object,
                next: null_mut(),
            })
        };
        // INVARIANT: `place` had null, so the chain ends with the new link.
        *place = link;
    }

    /// Returns the live block at `start`.
    pub(super) fn find(&mut self, start: NonNull<u8>) -> Option<&mut Object> {
        // SAFETY: By the type invariants what is not null is a link, and the table is borrowed.
        unsafe { self.place(start).as_mut() }.map(|link| &mut link.object)
    }

    /// Returns how many blocks of a cache are live.
    pub(super) fn count(&self, cache: usize) -> usize {
        let mut count = 0;

        for &chain in &self.chains {
            let mut link = chain;

            // SAFETY: By the type invariants what is not null is a link, and the table is borrowed.
            while let Some(Link { object, next }) = unsafe { link.as_ref() } {
                count += usize::from(object.cache() == cache);
                link = *next;
            }
        }
        count
    }

    /// Gives a live block another size, which must not exceed what was granted.
    pub(super) fn resize(&mut self, start: NonNull<u8>, size: usize, zeroed: bool) {
        if let Some(object) = self.find(start) {
            let old_size = object.size();

            object.resize(size, zeroed);
            self.live.asked = self.live.asked - old_size + size;
        }
    }

    /// Frees a block, and watches it for a while.
    ///
    /// It must be of this cache, 0 for kmalloc. The slab takes any block for kfree(), but who asks
    /// a cache for one knows better than to rely on that.
    pub(super) fn free(&mut self, start: NonNull<u8>, cache: usize) {
        let place = self.place(start);
        let link = *place;

        if link.is_null() {
            let mut freed = self.freed.iter().flatten();
            match freed.find(|object| object.start() == start) {
                Some(object) => object.bug("a block was freed twice"),
                None => bug("what is no block was freed", None),
            }
        }
        // SAFETY: By the type invariants it is a link, and the table is borrowed.
        let object = unsafe { &(*link).object };
        if object.cache() != cache {
            object.bug("a block was freed to a cache that it is not of");
        }
        // SAFETY: By the type invariants it is a link.
        let Link { mut object, next } = unsafe { link.read() };
        // INVARIANT: The chain goes on with the next.
        *place = next;
        // SAFETY: It was allocated so, and is in no chain any more.
        unsafe { System.dealloc(link.cast(), Layout::new::<Link>()) };

        object.check();
        self.live.sub(&object);
        if object.granted() > WATCHED_SIZE {
            return;
        }
        object.retire();
        if let Some(oldest) = self.freed[self.oldest].replace(object) {
            oldest.check_retired();
        }
        self.oldest = (self.oldest + 1) % WATCHED;
    }

    /// Returns what is live.
    pub(super) fn live(&self) -> Live {
        self.live
    }

    /// Looks at all blocks.
    pub(super) fn check(&self) {
        for &chain in &self.chains {
            let mut link = chain;

            // SAFETY: By the type invariants what is not null is a link, and the table is borrowed.
            while let Some(Link { object, next }) = unsafe { link.as_ref() } {
                object.check();
                link = *next;
            }
        }
        for object in self.freed.iter().flatten() {
            object.check_retired();
        }
    }
}
