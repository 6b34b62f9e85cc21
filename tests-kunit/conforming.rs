// SPDX-License-Identifier: GPL-2.0

//! Puts allocators through the conformance suite: a few lines for each.

use core::alloc::Layout;

use kernel::alloc::allocator::{
    KVmalloc,
    Kmalloc,
    Vmalloc, //
};

use crate::{
    allocator::{
        Accounted,
        KernelAllocator, //
    },
    caches::{
        Lines,
        LinesCache,
        Nine,
        NineCache, //
    },
    conformance::{
        self,
        Limits, //
    },
    newtypes::{
        AtMost,
        Newtype, //
    },
};

conformance_suite! {
    /// Our allocator.
    name: rust_alloc_conformance,
    allocator: KernelAllocator,
    limits: Limits::SLAB,
}

conformance_suite! {
    /// The same with an account.
    name: rust_alloc_conformance_accounted,
    allocator: Accounted,
    limits: Limits::SLAB,
}

conformance_suite! {
    /// A cache of one's own, of a size between two buckets.
    name: rust_alloc_conformance_cache,
    allocator: NineCache,
    limits: Limits::one(Layout::new::<Nine>()),
}

conformance_suite! {
    /// A cache of over-aligned objects, with all the flags.
    name: rust_alloc_conformance_cache_flags,
    allocator: LinesCache,
    limits: Limits::one(Layout::new::<Lines>()),
}

conformance_suite! {
    /// A sound allocator over the kernel's, in which all that is wrong is the kernel's.
    name: rust_alloc_conformance_newtype,
    allocator: Newtype<Kmalloc>,
    limits: Limits::SLAB,
    over: Kmalloc,
}

conformance_suite! {
    /// One that has small blocks only, and must not be asked for others.
    name: rust_alloc_conformance_small,
    allocator: Newtype<Kmalloc, AtMost<256>>,
    limits: Limits {
        max: 256,
        ..Limits::SLAB
    },
    over: Kmalloc,
}

conformance_suite! {
    /// The kernel's own.
    name: rust_alloc_conformance_kmalloc,
    kernels: Kmalloc,
    limits: Limits::SLAB,
}

conformance_suite! {
    /// The kernel's own.
    name: rust_alloc_conformance_vmalloc,
    kernels: Vmalloc,
    limits: Limits::PAGES,
}

conformance_suite! {
    /// The kernel's own.
    name: rust_alloc_conformance_kvmalloc,
    kernels: KVmalloc,
    limits: Limits::EITHER,
}
