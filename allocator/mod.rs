// SPDX-License-Identifier: GPL-2.0

//! [`KernelAllocator`]: memory from the kernel's slab for every [`Layout`].
//!
//! This folder is made to be lifted out: copied into another module and declared with
//! `mod allocator;`, it needs the `slab_api` cfg that `slab_api.mk` gives the Kbuild and nothing
//! else.
//!
//! From the outside in: the two traits it serves ([`kernel_alloc`] and [`global_alloc`], and
//! [`account`] on top of the first), what a block goes through ([`block`]), the arithmetic
//! ([`layout`], [`bucket`] and [`gfp`]), and [`slab`], which alone knows of differences between
//! kernels. Beside these, [`cache`] has allocators over caches of one's own.
//!
//! The kernel's bindings are touched by `slab.rs`, for its constants by `bucket.rs`, and for caches
//! by `slot.rs` and `name.rs` of `cache/`.
//!
//! Where the Kbuild includes `alloc_crate.mk`, `global` makes it the allocator of the `alloc`
//! crate, and `fallible` has what that lacks where it is built without calls that can't fail.

mod account;
mod block;
mod bucket;
pub(crate) mod cache;
mod gfp;
mod global_alloc;
mod kernel_alloc;
mod layout;
mod slab;

#[cfg(any(alloc_crate = "fallible", alloc_crate = "infallible"))]
mod fallible;
#[cfg(any(alloc_crate = "fallible", alloc_crate = "infallible"))]
mod global;

use core::{
    alloc::Layout,
    ptr::NonNull, //
};

#[allow(
    unused_imports,
    reason = "not every module that has this folder keeps an account"
)]
pub(crate) use self::account::Accounted;

#[allow(
    unused_imports,
    reason = "what a module needs of these is its own choice"
)]
pub(crate) use self::slab::{
    kernel_allocator,
    Gfp,
    NodeAllocator,
    NumaNode,
    KMALLOC_MAX_SIZE,
    MIN_ALIGN,
    SLAB_MIN_ALIGN, //
};

#[cfg(any(alloc_crate = "fallible", alloc_crate = "infallible"))]
#[allow(
    unused_imports,
    reason = "what a module needs of these is its own choice"
)]
pub(crate) use self::fallible::{
    try_format,
    OrNoMemory,
    TryString,
    TryVec, //
};

/// An allocator over the kernel's `kmalloc()`, `krealloc()` and `kfree()` that honours every
/// [`Layout`].
///
/// It serves [`kernel::alloc::Allocator`], and so `Box<T, KernelAllocator>` and
/// `Vec<T, KernelAllocator>`, and [`core::alloc::GlobalAlloc`].
///
/// # Guarantees
///
/// - A block is aligned to the larger of [`MIN_ALIGN`] and `layout.align()`, for each power of two
///   up to [`KMALLOC_MAX_SIZE`] bytes, also when the alignment is larger than the size, and also
///   when a reallocation raises it. The slab's own guarantee is the source: a request whose size is
///   a multiple of a power of two comes back aligned to it (`include/linux/slab.h`, `kmalloc()`,
///   since 6.12), so the size is padded to a multiple of the alignment.
/// - A layout of size zero takes no memory. It gets a dangling pointer with the same alignment
///   as a block.
/// - A request that can't be met is an error value, and a block that was to be reallocated is still
///   valid then. Refused without asking the slab are: a size that exceeds [`KMALLOC_MAX_SIZE`]
///   after padding, flags that the slab can't honour (`__GFP_HIGHMEM`, or bits that no combination
///   of the public flags gives), and a NUMA node that is not online. The slab would answer each of
///   them with a warning or worse.
/// - Flags reach the slab as the caller gave them. With `__GFP_ZERO`, what a reallocation grows by
///   reads as zero, whatever the flags of the calls before it were.
/// - A block that is shrunk stays where it is and gives no memory back, as in `krealloc()`.
/// - The NUMA node reaches the slab as the caller gave it. It says where a new block is to come
///   from; a block that can stay where it is does so, as in `krealloc()`.
pub(crate) struct KernelAllocator;

impl KernelAllocator {
    /// Returns how many bytes the slab granted for the block at `ptr`, at least `layout.size()`; 0
    /// for a zero-sized layout.
    ///
    /// The bytes past `layout.size()` are not the caller's to use: under KASAN they are poisoned.
    ///
    /// # Safety
    ///
    /// `ptr` must be a live block of this allocator and `layout` the layout it was last allocated
    /// or reallocated with.
    #[allow(dead_code, reason = "for reports; not every user makes one")]
    pub(crate) unsafe fn granted(ptr: NonNull<u8>, layout: Layout) -> usize {
        if layout.size() == 0 {
            return 0;
        }

        // SAFETY: The caller guarantees that `ptr` is a live block; a block that is not of size
        // zero came from the slab.
        unsafe { slab::ksize(ptr) }
    }
}
