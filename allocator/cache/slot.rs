// SPDX-License-Identifier: GPL-2.0

//! [`Slot`]: C's `kmem_cache` as the caches here use it.
//!
//! It touches [`kernel::bindings`]; `../slab.rs` says why that is done.

use core::{
    alloc::Layout,
    ptr::{
        addr_of_mut,
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        AtomicUsize,
        Ordering, //
    },
};

use kernel::{
    alloc::AllocError,
    bindings,
    prelude::*, //
};

use super::{
    super::slab::{
        Gfp,
        Node,
        KMALLOC_MAX_SIZE, //
    },
    name::Name, //
};

/// What a cache is created with (`include/linux/slab.h`); nothing where this kernel lacks it.
#[derive(Clone, Copy)]
pub(crate) struct CacheFlags(bindings::slab_flags_t);

#[allow(dead_code, reason = "what a cache has of these is its own choice")]
impl CacheFlags {
    /// None of them.
    pub(crate) const NONE: Self = Self(0);

    /// Objects begin at a hardware cache line, and small ones at a half, a quarter and so on of it.
    pub(crate) const HWCACHE_ALIGN: Self = Self(1 << bindings::_slab_flag_bits__SLAB_HWCACHE_ALIGN);

    /// All objects are charged to the memory control group of who allocates them.
    #[cfg(CONFIG_MEMCG)]
    pub(crate) const ACCOUNT: Self = Self(1 << bindings::_slab_flag_bits__SLAB_ACCOUNT);
    /// As there are no memory control groups, nothing.
    #[cfg(not(CONFIG_MEMCG))]
    pub(crate) const ACCOUNT: Self = Self::NONE;

    /// The objects can be reclaimed: there is a shrinker for them.
    #[cfg(not(CONFIG_SLUB_TINY))]
    pub(crate) const RECLAIM_ACCOUNT: Self =
        Self(1 << bindings::_slab_flag_bits__SLAB_RECLAIM_ACCOUNT);
    /// As nothing is grouped by that, nothing.
    #[cfg(CONFIG_SLUB_TINY)]
    pub(crate) const RECLAIM_ACCOUNT: Self = Self::NONE;

    /// Free objects are filled with a pattern, to see who writes to them (`CONFIG_SLUB_DEBUG`).
    pub(crate) const POISON: Self = Self(1 << bindings::_slab_flag_bits__SLAB_POISON);

    /// Objects have guards on both sides (`CONFIG_SLUB_DEBUG`).
    pub(crate) const RED_ZONE: Self = Self(1 << bindings::_slab_flag_bits__SLAB_RED_ZONE);

    /// Nobody else's objects are in the cache, nor its own in another.
    const NO_MERGE: Self = Self(1 << bindings::_slab_flag_bits__SLAB_NO_MERGE);

    /// Returns these and those.
    pub(crate) const fn with(self, those: Self) -> Self {
        Self(self.0 | those.0)
    }
}

/// The largest object that a cache is created for, in bytes.
///
/// The slab takes an object, what is kept beside it to debug it, and the padding of both to their
/// alignment up to `KMALLOC_MAX_SIZE`, and creating a cache for more is answered by a stack trace
/// (`mm/slub.c`, `calculate_sizes()`; `mm/slab_common.c`, `__kmem_cache_create_args()`). What is
/// beside an object is three times its own size at the most.
pub(super) const SIZE_MAX: usize = KMALLOC_MAX_SIZE / 4;

/// Where a static cache is.
///
/// # Invariants
///
/// - `cache` is null or a live cache that is merged with no other, with the layout and the flags
///   that [`Slot::create`] was given.
/// - `taken` is true as long as somebody answers for the cache, or is about to create it.
/// - `unseen` is how many objects are live of which [`Slot::is_empty`] can't ask the slab.
pub(crate) struct Slot {
    cache: AtomicPtr<bindings::kmem_cache>,
    taken: AtomicBool,
    unseen: AtomicUsize,
}

#[allow(dead_code, reason = "not every module has caches")]
impl Slot {
    /// Returns a slot without a cache.
    pub(crate) const fn new() -> Self {
        // INVARIANT: There is no cache, and no object of it.
        Self {
            cache: AtomicPtr::new(null_mut()),
            taken: AtomicBool::new(false),
            unseen: AtomicUsize::new(0),
        }
    }

    /// Creates the cache, for objects of `layout`, which must not be of size zero. May sleep. One
    /// that was abandoned is taken up again: the arguments must be the same for a slot each time.
    ///
    /// # Errors
    ///
    /// After a line in the log: `EBUSY` if it is there already, `EINVAL` if the objects are larger
    /// than [`SIZE_MAX`], `EEXIST` if another cache has the name, `ENOMEM` if there is no memory.
    pub(super) fn create(&self, name: &str, layout: Layout, flags: CacheFlags) -> Result {
        if self.taken.swap(true, Ordering::Acquire) {
            pr_err!("kmem_cache {name}: is there already\n");
            return Err(EBUSY);
        }
        if !self.cache.load(Ordering::Acquire).is_null() {
            return Ok(());
        }
        match create(name, layout, flags) {
            Ok(cache) => {
                // INVARIANT: It was just created so, and is never merged. It is published with all
                // that C has written to it.
                self.cache.store(cache.as_ptr(), Ordering::Release);
                Ok(())
            }
            Err(err) => {
                self.taken.store(false, Ordering::Release);
                Err(err)
            }
        }
    }

    /// Allocates an object.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no cache or no memory.
    #[inline(always)]
    pub(super) fn alloc(&self, gfp: Gfp, node: Node) -> Result<NonNull<u8>, AllocError> {
        let cache = self.cache.load(Ordering::Acquire);

        if cache.is_null() {
            return Err(refused());
        }
        // SAFETY: By the type invariants it is the cache. That it is not destroyed meanwhile is
        // what who created it has promised (`Cache::new`).
        unsafe { self.alloc_from(cache, gfp, node) }
    }

    /// As [`Slot::alloc`], without a look at whether there is a cache.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory.
    ///
    /// # Safety
    ///
    /// There must be a cache, also until this returns.
    #[inline(always)]
    pub(super) unsafe fn alloc_created(
        &self,
        gfp: Gfp,
        node: Node,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: By the requirements of this function there is a cache.
        unsafe { self.alloc_from(self.cache.load(Ordering::Acquire), gfp, node) }
    }

    /// Allocates an object from the cache.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory.
    ///
    /// # Safety
    ///
    /// `cache` must be the one of this slot, and be there until this returns.
    #[inline(always)]
    unsafe fn alloc_from(
        &self,
        cache: *mut bindings::kmem_cache,
        gfp: Gfp,
        node: Node,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: By the requirements of this function the cache is live. The flags and the node
        // are ones that the slab can honour, by the invariants of their types.
        let object = unsafe {
            if node.is_none() {
                bindings::kmem_cache_alloc_noprof(cache, gfp.as_raw())
            } else {
                bindings::kmem_cache_alloc_node_noprof(cache, gfp.as_raw(), node.id())
            }
        };
        let Some(object) = NonNull::new(object.cast::<u8>()) else {
            return Err(refused());
        };

        if is_unseen(object) {
            // INVARIANT: It is live from now on.
            self.unseen.fetch_add(1, Ordering::Relaxed);
        }
        Ok(object)
    }

    /// Frees an object.
    ///
    /// # Safety
    ///
    /// `object` must be a live object of this cache, and must not be used afterwards.
    #[inline(always)]
    pub(super) unsafe fn free(&self, object: NonNull<u8>) {
        // Where there is an object there is a cache: with one that is live it is not destroyed.
        let cache = self.cache.load(Ordering::Relaxed);

        if is_unseen(object) {
            // INVARIANT: It is live no more. What was done to it comes before.
            self.unseen.fetch_sub(1, Ordering::Release);
        }
        // SAFETY: By the requirements of this function it is an object of this cache, which then is
        // live.
        unsafe { bindings::kmem_cache_free(cache, object.as_ptr().cast()) };
    }

    /// Returns whether no object is live. May sleep.
    ///
    /// The slab knows: after all that is free has been taken back from the CPUs and from KASAN, no
    /// slab is left that has nothing but free objects (`kmem_cache_shrink()`). That costs nothing
    /// until it is asked. It is not so without `CONFIG_SLUB_DEBUG`, where it doesn't count its
    /// slabs, and for the few objects that KFENCE takes from memory of its own.
    ///
    /// # Safety
    ///
    /// There must be a cache.
    unsafe fn is_empty(&self) -> bool {
        let cache = self.cache.load(Ordering::Acquire);

        self.unseen.load(Ordering::Acquire) == 0
            // SAFETY: By the requirements of this function the cache is live.
            && unsafe { bindings::kmem_cache_shrink(cache) } == 0
    }

    /// Leaves the cache to whoever calls [`Slot::create`] next.
    ///
    /// # Safety
    ///
    /// The caller must be the one who answers for the cache, and do so no more.
    pub(super) unsafe fn abandon(&self) {
        self.taken.store(false, Ordering::Release);
    }

    /// Destroys the cache, unless an object is live; returns whether it did. May sleep.
    ///
    /// C would warn of live objects, and leave the cache behind, without its files in sysfs and
    /// with its objects where they are (`kmem_cache_destroy()`).
    ///
    /// # Safety
    ///
    /// There must be a cache, and nobody may allocate from it until this returns.
    pub(super) unsafe fn destroy(&self) -> bool {
        // SAFETY: By the requirements of this function there is a cache.
        if !unsafe { self.is_empty() } {
            return false;
        }

        // INVARIANT: There is no cache from now on; `taken` is true until C is done with it.
        let cache = self.cache.swap(null_mut(), Ordering::Acquire);
        // SAFETY: The cache was live, has no objects, and nobody finds it any more.
        unsafe { bindings::kmem_cache_destroy(cache) };
        self.taken.store(false, Ordering::Release);
        true
    }
}

/// Returns the error of an allocation; a function, so that nothing of it is in the way of those
/// that succeed.
#[cold]
#[inline(never)]
fn refused() -> AllocError {
    AllocError
}

/// Creates a cache, as [`Slot::create`] does.
fn create(name: &str, layout: Layout, flags: CacheFlags) -> Result<NonNull<bindings::kmem_cache>> {
    let padded = layout.pad_to_align().size();
    // What is in `SIZE_MAX` is in u32; what isn't is not cut off.
    let (Ok(size), Ok(align), true) = (
        u32::try_from(layout.size()),
        u32::try_from(layout.align()),
        padded <= SIZE_MAX,
    ) else {
        pr_err!("kmem_cache {name}: objects of {padded} bytes, more than {SIZE_MAX}\n");
        return Err(EINVAL);
    };
    let c_name = Name::new(name);

    if c_name.is_taken() {
        pr_err!("kmem_cache {name}: another has this name\n");
        return Err(EEXIST);
    }

    let mut args = bindings::kmem_cache_args {
        align,
        ..Default::default()
    };
    // SAFETY: The name is a C string, of which C makes a copy, as it is not in the kernel's own
    // image (`kstrdup_const()`): so it may go with the module. The arguments are those of no
    // constructor and no region for user space, and live until the call returns.
    let cache = unsafe {
        bindings::__kmem_cache_create_args(
            c_name.as_ptr(),
            size,
            addr_of_mut!(args),
            flags.with(CacheFlags::NO_MERGE).0,
        )
    };

    NonNull::new(cache)
        .ok_or(ENOMEM)
        .inspect_err(|_| pr_err!("kmem_cache {name}: there is no memory for it\n"))
}

/// Returns whether [`Slot::is_empty`] can't ask the slab of an object.
#[inline(always)]
fn is_unseen(object: NonNull<u8>) -> bool {
    !cfg!(CONFIG_SLUB_DEBUG) || kfence::has(object)
}

#[cfg(CONFIG_KFENCE)]
mod kfence {
    use core::ptr::{
        addr_of,
        NonNull, //
    };

    use kernel::{
        bindings,
        page::PAGE_SIZE, //
    };

    extern "C" {
        // Exported, and not bound; written once, when the machine is booted.
        static __kfence_pool: *mut u8;
    }

    /// How large KFENCE's memory is, in bytes (`KFENCE_POOL_SIZE`).
    const POOL_SIZE: usize = (bindings::CONFIG_KFENCE_NUM_OBJECTS as usize + 1) * 2 * PAGE_SIZE;

    /// Returns whether an object is in KFENCE's memory (`is_kfence_address()`, inline in C).
    #[inline(always)]
    pub(super) fn has(object: NonNull<u8>) -> bool {
        // SAFETY: It is a static of C's that changes in boot only, before there are modules, or
        // when KFENCE is turned on later, from null to what it stays: the read is done once.
        let pool = unsafe { addr_of!(__kfence_pool).read_volatile() };

        (object.as_ptr() as usize).wrapping_sub(pool as usize) < POOL_SIZE && !pool.is_null()
    }
}

#[cfg(not(CONFIG_KFENCE))]
mod kfence {
    use core::ptr::NonNull;

    /// Returns false: there is no KFENCE.
    #[inline(always)]
    pub(super) fn has(_object: NonNull<u8>) -> bool {
        false
    }
}
