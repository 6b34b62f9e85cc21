// SPDX-License-Identifier: GPL-2.0

//! [`Accounted`]: [`KernelAllocator`] that counts what is live, for a module that wants to know at
//! its exit whether it gave everything back.

use core::{
    alloc::Layout,
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
// atomics because the kernel's own are not there on every supported kernel.
static BLOCKS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// [`KernelAllocator`] that keeps the account of its module, in two counters.
///
/// `Box<T, Accounted>` and `Vec<T, Accounted>` are counted, `Box<T, KernelAllocator>` is not.
/// Layouts of size zero take no memory and are not counted either.
#[allow(
    dead_code,
    reason = "not every module that has this folder keeps an account"
)]
pub(crate) struct Accounted;

#[allow(
    dead_code,
    reason = "not every module that has this folder keeps an account"
)]
impl Accounted {
    /// Returns how many blocks are live, and how many bytes were asked for them.
    ///
    /// The two are read one after the other: they match if nothing is allocated meanwhile.
    pub(crate) fn live() -> (usize, usize) {
        (
            BLOCKS.load(Ordering::Relaxed),
            BYTES.load(Ordering::Relaxed),
        )
    }

    fn add(layout: Layout) {
        if layout.size() != 0 {
            BLOCKS.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        }
    }

    fn sub(layout: Layout) {
        if layout.size() != 0 {
            BLOCKS.fetch_sub(1, Ordering::Relaxed);
            BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        }
    }
}

// SAFETY: All memory is `KernelAllocator`'s, which satisfies the trait's requirements; the counters
// change nothing about it.
unsafe impl NodeAllocator for Accounted {
    const MIN_ALIGN: usize = <KernelAllocator as NodeAllocator>::MIN_ALIGN;

    fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError> {
        let block = <KernelAllocator as NodeAllocator>::alloc(layout, flags, nid)?;

        Self::add(layout);
        Ok(block)
    }

    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: The requirements are the same as of this function.
        let block = unsafe {
            <KernelAllocator as NodeAllocator>::realloc(ptr, layout, old_layout, flags, nid)
        }?;

        if ptr.is_some() {
            Self::sub(old_layout);
        }
        Self::add(layout);
        Ok(block)
    }

    unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: The requirements are the same as of this function.
        unsafe { <KernelAllocator as NodeAllocator>::free(ptr, layout) };
        Self::sub(layout);
    }
}

slab::kernel_allocator!(Accounted);
