// SPDX-License-Identifier: GPL-2.0

//! [`Accounted`]: an allocator that counts what is live, for a module that wants to know at its
//! exit whether it gave everything back.

use core::{
    alloc::Layout,
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
};

use kernel::alloc::{
    AllocError,
    Flags, //
};

use super::{
    slab::{
        self,
        NodeAllocator,
        NumaNode, //
    },
    KernelAllocator, //
};

// Counters and nothing else: no other memory is ordered by them, so `Relaxed` is enough. `core`'s
// atomics because the kernel's own are not there on every supported kernel. An allocation changes
// two of them, and so does its free; what can be told by these has none of its own.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static FAILED: AtomicUsize = AtomicUsize::new(0);

/// An allocator, by default [`KernelAllocator`], that keeps the account of its module, in a few
/// counters.
///
/// `Box<T, Accounted>` and `Vec<T, Accounted>` are counted, `Box<T, KernelAllocator>` is not. All
/// allocators of a module are in one account. Layouts of size zero take no memory and are not
/// counted either.
#[allow(
    dead_code,
    reason = "not every module that has this folder keeps an account"
)]
pub(crate) struct Accounted<A = KernelAllocator>(PhantomData<A>);

/// What [`Accounted`] has counted.
#[allow(dead_code, reason = "what a module reads of it is its own choice")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// Blocks that are live.
    pub(crate) live: usize,
    /// Bytes that were asked for them.
    pub(crate) bytes: usize,
    /// The most bytes that were ever live at once.
    pub(crate) peak: usize,
    /// Blocks that were ever allocated. One that is reallocated is freed and allocated.
    pub(crate) allocated: usize,
    /// Blocks that were freed of these.
    pub(crate) freed: usize,
    /// Requests that were refused.
    pub(crate) failed: usize,
}

#[allow(
    dead_code,
    reason = "not every module that has this folder keeps an account"
)]
impl Accounted {
    /// Returns the account as it is now.
    ///
    /// The counters are read one after the other, and nobody waits for that: they match if nothing
    /// is allocated meanwhile.
    pub(crate) fn account() -> Account {
        let freed = FREED.load(Ordering::Relaxed);
        let allocated = ALLOCATED.load(Ordering::Relaxed);

        Account {
            // What others free in between may be seen before it is seen to be allocated.
            live: allocated.saturating_sub(freed),
            bytes: BYTES.load(Ordering::Relaxed),
            peak: PEAK.load(Ordering::Relaxed),
            allocated,
            freed,
            failed: FAILED.load(Ordering::Relaxed),
        }
    }

    /// Returns how many blocks are live, and how many bytes were asked for them: both 0 where all
    /// was given back.
    pub(crate) fn live() -> (usize, usize) {
        let now = Self::account();
        (now.live, now.bytes)
    }
}

impl<A> Accounted<A> {
    #[inline]
    fn add(layout: Layout) {
        if layout.size() != 0 {
            ALLOCATED.fetch_add(1, Ordering::Relaxed);
            let bytes = BYTES.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();

            if bytes > PEAK.load(Ordering::Relaxed) {
                PEAK.fetch_max(bytes, Ordering::Relaxed);
            }
        }
    }

    #[inline]
    fn sub(layout: Layout) {
        if layout.size() != 0 {
            FREED.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        }
    }

    #[cold]
    fn fail(err: AllocError) -> AllocError {
        FAILED.fetch_add(1, Ordering::Relaxed);
        err
    }
}

// SAFETY: All memory is `A`'s, which satisfies the trait's requirements; the counters change
// nothing about it.
unsafe impl<A: NodeAllocator> NodeAllocator for Accounted<A> {
    const MIN_ALIGN: usize = A::MIN_ALIGN;

    // As `KernelAllocator`'s, for the sake of flags that are constants.
    #[inline(always)]
    fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError> {
        let block = A::alloc(layout, flags, nid).map_err(Self::fail)?;

        Self::add(layout);
        Ok(block)
    }

    #[inline(always)]
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: The requirements are the same as of this function.
        let block = unsafe { A::realloc(ptr, layout, old_layout, flags, nid) };
        let block = block.map_err(Self::fail)?;

        if ptr.is_some() {
            Self::sub(old_layout);
        }
        Self::add(layout);
        Ok(block)
    }

    #[inline]
    unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: The requirements are the same as of this function.
        unsafe { A::free(ptr, layout) };
        Self::sub(layout);
    }
}

slab::kernel_allocator!(Accounted<A>, where A: NodeAllocator);
