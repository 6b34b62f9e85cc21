// SPDX-License-Identifier: GPL-2.0

//! What the module holds in a cache of its own.

use core::{
    fmt::Arguments,
    mem::{
        align_of,
        size_of, //
    },
};

use kernel::{
    alloc::{
        Box,
        Vec, //
    },
    prelude::*, //
};

use crate::allocator::{
    self,
    cache::{
        kmem_cache,
        Cache,
        StaticCache, //
    },
    Accounted, //
};

/// Of a size that kmalloc() has no bucket for: it would get 96 bytes.
struct Entry {
    _words: [u64; 9],
}

kmem_cache! {
    /// Where the entries are.
    struct Entries for Entry {
        name: "rust_alloc_demo_entry",
        flags: [ACCOUNT],
    }
}

/// How many entries are held.
const HELD: usize = 5;

/// The cache, and what is held in it: all goes when this is dropped, the cache last.
pub(crate) struct Cached {
    _entries: Vec<Box<Entry, Accounted<Entries>>, Accounted>,
    _cache: Cache<Entries>,
}

impl Cached {
    /// Creates the cache and fills it.
    ///
    /// # Errors
    ///
    /// As of [`Cache::new`], and `ENOMEM` if there is no memory for the entries.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: It is dropped with the module's state, or else before there is any. Nothing but
        // this function allocates from it.
        let cache = unsafe { Cache::new() }?;
        let mut entries = Vec::with_capacity(HELD, GFP_KERNEL)?;

        for n in 0..HELD as u64 {
            entries.push(Box::new(Entry { _words: [n; 9] }, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self {
            _entries: entries,
            _cache: cache,
        })
    }

    /// Hands what there is in the cache to `say`, a name and a value on each line.
    #[allow(dead_code, reason = "without debugfs nobody asks for it")]
    pub(crate) fn tell(say: &mut dyn FnMut(Arguments<'_>)) {
        say(format_args!("name {}", Entries::NAME));
        say(format_args!("size_bytes {}", size_of::<Entry>()));
        say(format_args!("align_bytes {}", align_of::<Entry>()));
        say(format_args!("live {HELD}"));
    }
}
