// SPDX-License-Identifier: GPL-2.0

//! Caches of one's own: an [`Allocator`](kernel::alloc::Allocator) for each static `kmem_cache`.
//!
//! [`kmem_cache!`] makes a type of size zero that stands for a cache of objects of one type, and
//! [`Cache::new`] creates that cache. [`Reserve`] holds objects of it for those who can't fail.
//! [`slot`] and [`name`] have what is C's.

mod name;
mod reserve;
mod slot;

use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::{
        forget,
        size_of,
        MaybeUninit, //
    },
    ptr::NonNull, //
};

use kernel::{
    alloc::{
        AllocError,
        Box,
        Flags, //
    },
    prelude::*, //
};

#[allow(
    unused_imports,
    reason = "what a module needs of these is its own choice"
)]
pub(crate) use self::reserve::Reserve;
pub(crate) use self::slot::{
    CacheFlags,
    Slot, //
};

use super::{
    layout,
    slab::{
        Gfp,
        Node,
        NodeAllocator,
        NumaNode,
        SLAB_MIN_ALIGN, //
    },
};

/// What [`kmem_cache!`] says of a cache.
///
/// # Safety
///
/// [`StaticCache::slot`] must return the same slot each time, and no other cache may have it.
pub(crate) unsafe trait StaticCache: Sized + 'static {
    /// What the objects are.
    type Object;

    /// The cache's name in `/sys/kernel/slab`.
    const NAME: &'static str;

    /// What it is created with.
    const FLAGS: CacheFlags;

    /// Returns where it is.
    fn slot() -> &'static Slot;
}

/// Makes a type for a static cache; `allocator` must be in scope.
///
/// ```
/// kmem_cache! {
///     /// Where the lines are.
///     pub(crate) struct Lines for Line {
///         name: "my_module_line",
///         flags: [HWCACHE_ALIGN, ACCOUNT],
///     }
/// }
/// ```
///
/// - `Lines` is the type. It implements [`Allocator`](kernel::alloc::Allocator), so `Box<Line,
///   Lines>` is a line in the cache.
/// - `Line` is what the objects are: their size and alignment are the cache's, without padding to a
///   bucket.
/// - `name` is the cache's in `/sys/kernel/slab` and must be the machine's only one: begin it with
///   the module's.
/// - `flags` are constants of [`CacheFlags`].
///
/// # Guarantees
///
/// - A block is one object, for the layout of the type. Any other layout is refused, but for those
///   of size zero, which take no object.
/// - Until [`Cache::new`] has created the cache, and when it is gone, everything is refused.
/// - A reallocation to what fits into an object leaves it where it is, any other is refused.
/// - Flags and NUMA nodes are as with [`KernelAllocator`](super::KernelAllocator).
#[allow(unused_macros, reason = "not every module has caches")]
macro_rules! kmem_cache {
    (
        $(#[$attribute:meta])*
        $vis:vis struct $name:ident for $object:ty {
            name: $text:literal,
            flags: [$($flag:ident),* $(,)?] $(,)?
        }
    ) => {
        $(#[$attribute])*
        $vis struct $name;

        const _: () = {
            use core::{alloc::Layout, ptr::NonNull};
            use kernel::alloc::{AllocError, Flags};
            use allocator::{
                cache::{CacheFlags, Slot, StaticCache},
                NodeAllocator, NumaNode,
            };

            // SAFETY: The slot is a static that nobody else can name.
            unsafe impl StaticCache for $name {
                type Object = $object;

                const NAME: &'static str = $text;
                const FLAGS: CacheFlags = CacheFlags::NONE$(.with(CacheFlags::$flag))*;

                #[inline(always)]
                fn slot() -> &'static Slot {
                    static SLOT: Slot = Slot::new();

                    &SLOT
                }
            }

            allocator::kernel_allocator!($name);
        };
    };
}
#[allow(unused_imports, reason = "not every module has caches")]
pub(crate) use kmem_cache;

/// A static cache that has been created.
///
/// It is destroyed when this is dropped. If an object is live then, the cache stays, and a line in
/// the log says so. What is live stays usable and can be freed, and [`Cache::new`] takes the cache
/// up again. When the module goes, it stays behind as any other memory does that was leaked:
/// nothing of it is the module's, not even its name.
///
/// # Invariants
///
/// The slot of `C` has a cache as long as there is one of these.
#[allow(dead_code, reason = "not every module has caches")]
pub(crate) struct Cache<C: StaticCache>(PhantomData<C>);

#[allow(dead_code, reason = "what a module needs of it is its own choice")]
impl<C: StaticCache> Cache<C> {
    /// The layout of the objects.
    pub(crate) const LAYOUT: Layout = Layout::new::<C::Object>();

    /// Fails to compile if there can't be such a cache.
    const CHECKED: () = {
        assert!(
            size_of::<C::Object>() != 0,
            "objects of size zero take no cache"
        );
        assert!(
            name::is_valid(C::NAME),
            "a cache's name is 1 to 63 characters of ASCII, without blanks and slashes"
        );
    };

    /// Creates the cache. May sleep.
    ///
    /// # Errors
    ///
    /// After a line in the log: `EBUSY` if it is there already, `EINVAL` if the objects are too
    /// large, also if their size is not in u32; `EEXIST` if another cache has the name, `ENOMEM` if
    /// there is no memory.
    ///
    /// # Safety
    ///
    /// While this is dropped or [`Cache::destroy`] runs, nothing may be allocating from `C`, on any
    /// CPU. A module holds it as the last field of its state, after everything that can still run:
    /// fields are dropped in their order.
    pub(crate) unsafe fn new() -> Result<Self> {
        #[allow(clippy::let_unit_value, reason = "it has to be used to be evaluated")]
        let () = Self::CHECKED;

        C::slot().create(C::NAME, Self::LAYOUT, C::FLAGS)?;
        // INVARIANT: It was just created. Only what consumes this destroys it, and by `taken` of
        // the slot there is no second one.
        Ok(Self(PhantomData))
    }

    /// Puts a value into an object.
    ///
    /// As `Box::new`, without the look at whether there is a cache: there is. That leaves C's
    /// `kmem_cache_alloc()` and nothing else.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory, or the flags are not ones of the slab; the value is
    /// dropped.
    #[inline(always)]
    pub(crate) fn boxed(
        &self,
        value: C::Object,
        flags: Flags,
    ) -> Result<Box<C::Object, C>, AllocError>
    where
        C: kernel::alloc::Allocator,
    {
        Ok(Box::write(self.uninit(flags)?, value))
    }

    /// Returns an object without a value, as `Box::new_uninit` does; see [`Cache::boxed`].
    ///
    /// # Errors
    ///
    /// As of [`Cache::boxed`].
    #[inline(always)]
    pub(crate) fn uninit(&self, flags: Flags) -> Result<Box<MaybeUninit<C::Object>, C>, AllocError>
    where
        C: kernel::alloc::Allocator,
    {
        // SAFETY: By the type invariants there is a cache, for as long as it is borrowed.
        let object = unsafe { C::slot().alloc_created(Gfp::try_from(flags)?, Node::NONE) }?;

        // SAFETY: It is a live block of `C` with the layout of the type, and is nobody else's; what
        // may be uninitialised needs no value.
        Ok(unsafe { Box::from_raw(object.as_ptr().cast()) })
    }

    /// Destroys the cache. May sleep.
    ///
    /// # Errors
    ///
    /// The cache as it is, if an object is live.
    pub(crate) fn destroy(self) -> Result<(), Self> {
        // SAFETY: By the type invariants there is a cache. That nobody allocates from it now is
        // what who created it has promised.
        if unsafe { C::slot().destroy() } {
            forget(self);
            return Ok(());
        }
        Err(self)
    }
}

impl<C: StaticCache> Drop for Cache<C> {
    fn drop(&mut self) {
        // SAFETY: As in `destroy`.
        if !unsafe { C::slot().destroy() } {
            pr_err!(
                "kmem_cache {}: not destroyed, as objects of it are live\n",
                C::NAME
            );
            // SAFETY: This is what answers for the cache, and is going.
            unsafe { C::slot().abandon() };
        }
    }
}

/// Returns whether a block that is to have the layout `new` can stay in an object of `own`.
#[inline(always)]
fn fits(new: Layout, own: Layout) -> bool {
    new.size() <= own.size() && new.align() <= own.align()
}

/// Returns what stands for a block of `new`, which is of size zero.
#[inline]
fn nothing<C: NodeAllocator>(new: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(layout::dangling(new, C::MIN_ALIGN), 0)
}

// SAFETY:
// - A block stays valid until it is freed: the cache stays as long as it has an object, and nothing
//   but `free`, and a `realloc` to size zero, gives an object back to it.
// - A block is an object of the cache of `C` or of size zero, so one from any of the functions is
//   valid for the others.
// - An object has the size of the one layout that is not refused, and its alignment: the slab has
//   been told both, and aligns all objects to `ARCH_SLAB_MINALIGN` (`mm/slab_common.c`,
//   `calculate_alignment()`), KFENCE as well (`mm/kfence/core.c`, `kfence_guarded_alloc()`). A
//   reallocation changes neither.
unsafe impl<C: StaticCache> NodeAllocator for C {
    const MIN_ALIGN: usize = {
        let align = Layout::new::<C::Object>().align();

        if align > SLAB_MIN_ALIGN {
            align
        } else {
            SLAB_MIN_ALIGN
        }
    };

    #[inline(always)]
    fn alloc(new: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError> {
        if new.size() == 0 {
            return Ok(nothing::<C>(new));
        }
        if new != Layout::new::<C::Object>() {
            return Err(AllocError);
        }
        let object = C::slot().alloc(flags.try_into()?, nid.try_into()?)?;

        Ok(NonNull::slice_from_raw_parts(object, new.size()))
    }

    #[inline(always)]
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        new: Layout,
        old: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let Some(ptr) = ptr.filter(|_| old.size() != 0) else {
            return <C as NodeAllocator>::alloc(new, flags, nid);
        };

        if new.size() == 0 {
            // SAFETY: By the requirements of this function it is a live block, not of size zero.
            unsafe { C::slot().free(ptr) };
            return Ok(nothing::<C>(new));
        }
        // The node says where a new block is to come from, and there is none.
        let gfp = Gfp::try_from(flags)?;
        if !fits(new, Layout::new::<C::Object>()) {
            return Err(AllocError);
        }
        if gfp.zeroes() && new.size() > old.size() {
            // SAFETY: The block is an object, which has `new.size()` bytes and more.
            unsafe {
                ptr.as_ptr()
                    .add(old.size())
                    .write_bytes(0, new.size() - old.size())
            };
        }
        Ok(NonNull::slice_from_raw_parts(ptr, new.size()))
    }

    #[inline(always)]
    unsafe fn free(ptr: NonNull<u8>, old: Layout) {
        if old.size() != 0 {
            // SAFETY: By the requirements of this function it is a live block; it is not of size
            // zero, so it is an object of the cache.
            unsafe { C::slot().free(ptr) };
        }
    }
}
