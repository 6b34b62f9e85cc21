// SPDX-License-Identifier: GPL-2.0

//! The kernel's slab as this allocator uses it.
//!
//! The only file here that differs by kernel, and the one that calls C for all but caches. It
//! touches [`kernel::bindings`]. They are meant for abstractions rather than for drivers; an
//! allocator is an abstraction, and the kernel crate has no safe wrapper for what is below.

use core::{
    alloc::Layout,
    ops::{
        BitAnd,
        BitOr,
        Not, //
    },
    ptr::{
        self,
        NonNull, //
    },
};

use kernel::{
    alloc::{
        AllocError,
        Flags, //
    },
    bindings, //
};

use super::bucket::Bucket;

pub(crate) use self::api::{
    kernel_allocator,
    NumaNode,
    MIN_ALIGN, //
};
pub(super) use self::api::{
    krealloc,
    Node, //
};

#[cfg(not(any(slab_api = "krealloc", slab_api = "krealloc_node_align")))]
compile_error!(
    "the cfg `slab_api` is not set; have your Kbuild include allocator/slab_api.mk and add \
     $(slab-api-rustflags) to the module's RUSTFLAGS, as rust_alloc_demo's Kbuild does"
);

/// The largest request that the slab takes, in bytes; a power of two (`include/linux/slab.h`).
pub(crate) const KMALLOC_MAX_SIZE: usize = bindings::KMALLOC_MAX_SIZE as usize;

/// The least alignment of a slab object, in bytes; a power of two (`ARCH_SLAB_MINALIGN`).
#[allow(dead_code, reason = "for reports; not every user makes one")]
pub(crate) const SLAB_MIN_ALIGN: usize = bindings::ARCH_SLAB_MINALIGN;

/// Flags as the slab takes them. They are made of the constants below and what the operators leave
/// of them.
///
/// `__GFP_HIGHMEM` is not among them: slab memory is always mapped (`mm/slab.h`,
/// `GFP_SLAB_BUG_MASK`).
///
/// # Invariants
///
/// Each bit is one of [`Gfp::ALL`], so that the slab honours all of them.
#[derive(Clone, Copy)]
pub(crate) struct Gfp(u32);

// INVARIANT: Each constant but the first is a part of `ALL`, and the first has no bits.
impl Gfp {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ZERO: Self = Self(bindings::__GFP_ZERO);
    pub(super) const NOWARN: Self = Self(bindings::__GFP_NOWARN);
    pub(super) const KERNEL: Self = Self(bindings::GFP_KERNEL);
    pub(super) const KERNEL_ACCOUNT: Self = Self(bindings::GFP_KERNEL_ACCOUNT);
    pub(super) const ATOMIC: Self = Self(bindings::GFP_ATOMIC);
    pub(super) const NOWAIT: Self = Self(bindings::GFP_NOWAIT);

    /// `GFP_KERNEL | __GFP_ZERO`.
    pub(super) const KERNEL_ZERO: Self = Self(Self::KERNEL.0 | Self::ZERO.0);

    /// The bits of all constants.
    const ALL: u32 = Self::ZERO.0
        | Self::NOWARN.0
        | Self::KERNEL.0
        | Self::KERNEL_ACCOUNT.0
        | Self::ATOMIC.0
        | Self::NOWAIT.0;

    /// Returns the bits.
    #[inline(always)]
    pub(crate) fn as_raw(self) -> u32 {
        self.0
    }

    /// Returns whether the memory is charged to the memory control group of the task.
    #[inline(always)]
    fn accounts(self) -> bool {
        self.0 & (Self::KERNEL_ACCOUNT.0 & !Self::KERNEL.0) != 0
    }

    /// Returns whether the memory is to read as zero.
    #[inline(always)]
    pub(super) fn zeroes(self) -> bool {
        self.0 & Self::ZERO.0 != 0
    }
}

impl BitOr for Gfp {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // INVARIANT: The bits are of one of the two.
        Self(self.0 | other.0)
    }
}

impl BitAnd for Gfp {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // INVARIANT: The bits are of both.
        Self(self.0 & other.0)
    }
}

impl Not for Gfp {
    type Output = Self;

    /// Returns the bits of [`Gfp::ALL`] that these are not.
    #[inline(always)]
    fn not(self) -> Self {
        // INVARIANT: No others are left.
        Self(!self.0 & Self::ALL)
    }
}

/// [`kernel::alloc::Allocator`] in the form that it has since Linux 6.18, on every kernel.
///
/// What implements this gets the kernel's own trait by [`kernel_allocator`].
///
/// # Safety
///
/// As for [`kernel::alloc::Allocator`] of Linux 6.18: the functions have the same requirements and
/// guarantees.
pub(crate) unsafe trait NodeAllocator {
    /// The least alignment of a block, in bytes; a power of two.
    const MIN_ALIGN: usize;

    /// Allocates a block for `layout`.
    fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError>;

    /// Reallocates the block at `ptr`, or allocates one if it is `None`.
    ///
    /// # Safety
    ///
    /// `ptr` must be `None` or a live block of this allocator with `old_layout`; anything if that
    /// is of size zero.
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// Frees the block at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be a live block of this allocator with `layout`, and must not be used afterwards;
    /// anything if `layout` is of size zero.
    unsafe fn free(ptr: NonNull<u8>, layout: Layout);
}

/// Whether the slab is told of every block that gets another size, also where it has nothing to do.
///
/// `krealloc()` leaves a block where it is that is large enough, and KASAN then watches the bytes
/// that are no longer asked for (`mm/slub.c`, `kasan_krealloc()`); that is all it does.
pub(super) const WATCHED: bool = cfg!(CONFIG_KASAN);

/// Whether the size and the flags alone decide which bucket a request is served from, as in C's
/// `kmalloc()` of constant size (`include/linux/slab.h`, `kmalloc_type()`).
///
/// They do not where a token that C's macro makes chooses among copies of each bucket
/// (`CONFIG_KMALLOC_PARTITION_CACHES`), or the caller's address does
/// (`CONFIG_RANDOM_KMALLOC_CACHES`, up to 7.0). Where a macro counts allocations by their place in
/// the source (`CONFIG_MEM_ALLOC_PROFILING`) the request has to go through it.
pub(super) const PICKS: bool = !cfg!(any(
    CONFIG_KMALLOC_PARTITION_CACHES,
    CONFIG_RANDOM_KMALLOC_CACHES,
    CONFIG_MEM_ALLOC_PROFILING
));

/// Allocates `size` bytes from any node, from a bucket.
///
/// `bucket` must be that of `size`, and `PICKS` be true. The block has every alignment that `size`
/// is a multiple of.
///
/// It is what C's `kmalloc()` comes to where the compiler knows the size.
///
/// # Errors
///
/// [`AllocError`] if there is no memory.
#[inline(always)]
pub(super) fn kmalloc_bucket(
    bucket: Bucket,
    size: usize,
    gfp: Gfp,
) -> Result<NonNull<u8>, AllocError> {
    // Of the flags that `kmalloc_type()` looks at, `Gfp` has no other. The two types are the same
    // without `CONFIG_MEMCG`.
    let kind = if gfp.accounts() {
        bindings::kmalloc_cache_type_KMALLOC_CGROUP
    } else {
        bindings::kmalloc_cache_type_KMALLOC_NORMAL
    };

    // SAFETY: `kmalloc_caches` is a static array with an entry for each type, each an array with an
    // entry for each index up to `KMALLOC_SHIFT_HIGH`. It was filled at boot and has been read-only
    // since, long before any module (`mm/slab_common.c`, `create_kmalloc_caches()`).
    let cache = unsafe {
        ptr::addr_of!(bindings::kmalloc_caches)
            .cast::<bindings::kmem_buckets>()
            .add(kind as usize)
            .cast::<*mut bindings::kmem_cache>()
            .add(bucket.index())
            .read()
    };

    // SAFETY: The type has a cache at every index that `kmalloc_index()` returns, which lives
    // forever, and its objects have at least `size` bytes. The flags are ones that the slab can
    // honour, by the invariant of their type.
    let block = unsafe { bindings::__kmalloc_cache_noprof(cache, gfp.as_raw(), size) };

    NonNull::new(block.cast()).ok_or(AllocError)
}

/// Allocates `size` bytes from any node, as whole pages.
///
/// `size` must be more than any bucket has and at most `KMALLOC_MAX_SIZE`, and `PICKS` be true. The
/// block has every alignment that `size` is a multiple of. It is what C's `kmalloc()` comes to
/// where the compiler knows the size, and a little later where it doesn't.
///
/// # Errors
///
/// [`AllocError`] if there is no memory.
#[inline(always)]
pub(super) fn kmalloc_large(size: usize, gfp: Gfp) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: The flags are ones that the slab can honour, by the invariant of their type.
    let block = unsafe { bindings::__kmalloc_large_noprof(size, gfp.as_raw()) };

    NonNull::new(block.cast()).ok_or(AllocError)
}

/// Allocates `size` bytes.
///
/// `size` is in bytes and must not be zero. The block has the alignment `align` if `size` is a
/// multiple of it.
///
/// C's `kmalloc()` of run-time size is a call of `__kmalloc_noprof()`, and so it is here.
/// `krealloc()` of no block comes to the same memory by a helper, a check for a block, and the
/// entry with a node and a caller. It is the way where the direct one would not be right: for a
/// NUMA node; where a macro counts allocations by their place in the source
/// (`CONFIG_MEM_ALLOC_PROFILING`); and where a token that the macro makes chooses among caches
/// (`CONFIG_KMALLOC_PARTITION_CACHES`). The choice that `CONFIG_RANDOM_KMALLOC_CACHES` makes is by
/// the caller's address, in the function itself.
///
/// # Errors
///
/// [`AllocError`] if there is no memory.
#[inline]
pub(super) fn kmalloc(
    size: usize,
    align: usize,
    gfp: Gfp,
    node: Node,
) -> Result<NonNull<u8>, AllocError> {
    #[cfg(not(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES)))]
    if node.is_none() {
        // SAFETY: The flags are ones that the slab can honour, by the invariant of their type.
        let block = unsafe { bindings::__kmalloc_noprof(size, gfp.as_raw()) };

        return NonNull::new(block.cast()).ok_or(AllocError);
    }

    // SAFETY: There is no block to hand over.
    unsafe { krealloc(None, size, align, gfp, node) }
}

/// Frees a block.
///
/// # Safety
///
/// `block` must be a live block of this file's, and must not be used afterwards.
#[inline]
pub(super) unsafe fn kfree(block: NonNull<u8>) {
    // SAFETY: The block is live by the safety requirements of this function.
    unsafe { bindings::kfree(block.as_ptr().cast()) };
}

/// Returns how many bytes the slab granted for a block.
///
/// # Safety
///
/// `block` must be a live block of this file's.
pub(super) unsafe fn ksize(block: NonNull<u8>) -> usize {
    // SAFETY: The block is live by the safety requirements of this function.
    unsafe { bindings::ksize(block.as_ptr().cast()) }
}

/// Since Linux 6.18: the slab is told the alignment and the NUMA node.
#[cfg(slab_api = "krealloc_node_align")]
mod api {
    use core::{
        ffi::c_void,
        ptr::{
            self,
            NonNull, //
        },
    };

    use kernel::{
        alloc::AllocError,
        bindings, //
    };

    use super::Gfp;

    // Without the macro, whose helper is a call more, where the macro does nothing.
    #[cfg(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES))]
    use bindings::krealloc_node_align as c_krealloc;
    #[cfg(not(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES)))]
    use bindings::krealloc_node_align_noprof as c_krealloc;

    pub(crate) use kernel::alloc::NumaNode;

    /// The least alignment of a block, in bytes; a power of two (`ARCH_KMALLOC_MINALIGN`).
    pub(crate) const MIN_ALIGN: usize = bindings::ARCH_KMALLOC_MINALIGN;

    /// Implements this kernel's [`Allocator`](kernel::alloc::Allocator) for a `NodeAllocator`.
    macro_rules! kernel_allocator {
        ($type:ty $(, where $param:ident: $bound:path)?) => {
            // SAFETY: `NodeAllocator` has the same requirements.
            unsafe impl$(<$param: $bound>)? kernel::alloc::Allocator for $type {
                const MIN_ALIGN: usize = <$type as NodeAllocator>::MIN_ALIGN;

                #[inline(always)]
                fn alloc(
                    layout: Layout,
                    flags: Flags,
                    nid: NumaNode,
                ) -> Result<NonNull<[u8]>, AllocError> {
                    <$type as NodeAllocator>::alloc(layout, flags, nid)
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
                    unsafe {
                        <$type as NodeAllocator>::realloc(ptr, layout, old_layout, flags, nid)
                    }
                }

                #[inline]
                unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
                    // SAFETY: The requirements are the same as of this function.
                    unsafe { <$type as NodeAllocator>::free(ptr, layout) }
                }
            }
        };
    }

    pub(crate) use kernel_allocator;

    /// The NUMA node that a new block is to come from, or none in particular.
    ///
    /// # Invariants
    ///
    /// It is `NUMA_NO_NODE` or a node that was online when the value was made.
    #[derive(Clone, Copy)]
    pub(crate) struct Node(i32);

    impl Node {
        /// No node in particular.
        // INVARIANT: It is `NUMA_NO_NODE`.
        pub(crate) const NONE: Self = Self(bindings::NUMA_NO_NODE);

        /// Returns whether it is no node in particular.
        #[inline]
        pub(crate) fn is_none(self) -> bool {
            self.0 == bindings::NUMA_NO_NODE
        }

        /// Returns its number.
        #[inline]
        pub(crate) fn id(self) -> i32 {
            self.0
        }
    }

    impl TryFrom<NumaNode> for Node {
        type Error = AllocError;

        /// Fails on a node that is not online: the page allocator has no zones to look into for it,
        /// and does not check (`include/linux/gfp.h`, `node_zonelist()`).
        #[inline]
        fn try_from(nid: NumaNode) -> Result<Self, AllocError> {
            if nid == NumaNode::NO_NODE {
                return Ok(Self::NONE);
            }

            // The number is private to the kernel crate; finding the node that is equal recovers
            // it.
            for node in 0..bindings::MAX_NUMNODES as i32 {
                if NumaNode::new(node) == Ok(nid) {
                    // SAFETY: `NumaNode::new` accepts nothing else.
                    let online = unsafe { is_online(node) };

                    // INVARIANT: It is online.
                    return online.then_some(Self(node)).ok_or(AllocError);
                }
            }
            Err(AllocError)
        }
    }

    /// Returns whether `node` is online (`node_online()`, which is inline in C).
    ///
    /// # Safety
    ///
    /// `node` must be at least 0 and less than `MAX_NUMNODES`.
    unsafe fn is_online(node: i32) -> bool {
        let (word, bit) = (node as u32 / usize::BITS, node as u32 % usize::BITS);

        // SAFETY: `node_states` is a static array with a mask for each node state, and a mask has a
        // bit for each node up to `MAX_NUMNODES`. Hotplug may write to it at any time, and C reads
        // it without a lock as well; the read is volatile, so it is done once and as a whole word.
        let bits = unsafe {
            ptr::addr_of!(bindings::node_states[bindings::node_states_N_ONLINE as usize].bits)
                .cast::<usize>()
                .add(word as usize)
                .read_volatile()
        };

        (bits >> bit) & 1 != 0
    }

    /// Allocates `size` bytes, or makes a live block that large, moving it where needed.
    ///
    /// `size` is in bytes and must not be zero. Nothing is promised for `align` other than that the
    /// slab is told: it holds if `size` is a multiple of it and the block, if any, has it already.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory; `block` is still valid then.
    ///
    /// # Safety
    ///
    /// `block` must be `None` or a live block of this file's.
    #[inline]
    pub(crate) unsafe fn krealloc(
        block: Option<NonNull<u8>>,
        size: usize,
        align: usize,
        gfp: Gfp,
        node: Node,
    ) -> Result<NonNull<u8>, AllocError> {
        let block = block.map_or(ptr::null(), |block| block.as_ptr().cast_const());

        // SAFETY: `block` is null or live by the safety requirements of this function. The flags
        // and the node are ones that the slab can honour, by the invariants of their types.
        let block =
            unsafe { c_krealloc(block.cast::<c_void>(), size, align, gfp.as_raw(), node.0) };

        NonNull::new(block.cast()).ok_or(AllocError)
    }
}

/// Linux 6.12 to 6.17: the slab is told neither, and nor is the kernel's `Allocator`.
#[cfg(slab_api = "krealloc")]
mod api {
    use core::{
        ffi::c_void,
        mem::align_of,
        ptr::{
            self,
            NonNull, //
        },
    };

    use kernel::{
        alloc::AllocError,
        bindings, //
    };

    use super::Gfp;

    // Without the macro, whose helper is a call more, where the macro does nothing.
    #[cfg(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES))]
    use bindings::krealloc as c_krealloc;
    #[cfg(not(any(CONFIG_MEM_ALLOC_PROFILING, CONFIG_KMALLOC_PARTITION_CACHES)))]
    use bindings::krealloc_noprof as c_krealloc;

    /// The least alignment of a block, in bytes; a power of two. It is `ARCH_KMALLOC_MINALIGN` of
    /// the architectures that have no larger one (`include/linux/slab.h`); that is not bound.
    pub(crate) const MIN_ALIGN: usize = align_of::<u64>();

    /// What stands for the kernel crate's `NumaNode`.
    #[derive(Clone, Copy, PartialEq)]
    pub(crate) struct NumaNode(());

    impl NumaNode {
        /// No node in particular.
        pub(crate) const NO_NODE: Self = Self(());
    }

    /// Implements this kernel's [`Allocator`](kernel::alloc::Allocator) for a [`NodeAllocator`].
    macro_rules! kernel_allocator {
        ($type:ty $(, where $param:ident: $bound:path)?) => {
            // SAFETY: `NodeAllocator` has the same requirements.
            unsafe impl$(<$param: $bound>)? kernel::alloc::Allocator for $type {
                #[inline(always)]
                fn alloc(layout: Layout, flags: Flags) -> Result<NonNull<[u8]>, AllocError> {
                    <$type as NodeAllocator>::alloc(layout, flags, NumaNode::NO_NODE)
                }

                #[inline(always)]
                unsafe fn realloc(
                    ptr: Option<NonNull<u8>>,
                    layout: Layout,
                    old_layout: Layout,
                    flags: Flags,
                ) -> Result<NonNull<[u8]>, AllocError> {
                    let nid = NumaNode::NO_NODE;

                    // SAFETY: The requirements are the same as of this function.
                    unsafe {
                        <$type as NodeAllocator>::realloc(ptr, layout, old_layout, flags, nid)
                    }
                }

                #[inline]
                unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
                    // SAFETY: The requirements are the same as of this function.
                    unsafe { <$type as NodeAllocator>::free(ptr, layout) }
                }
            }
        };
    }

    pub(crate) use kernel_allocator;

    /// No NUMA node in particular, which is all that the slab can be asked for.
    #[derive(Clone, Copy)]
    pub(crate) struct Node;

    impl Node {
        /// No node in particular.
        pub(crate) const NONE: Self = Self;

        /// Returns whether it is no node in particular, which it always is.
        #[inline]
        pub(crate) fn is_none(self) -> bool {
            true
        }

        /// Returns its number.
        #[inline]
        pub(crate) fn id(self) -> i32 {
            bindings::NUMA_NO_NODE
        }
    }

    impl TryFrom<NumaNode> for Node {
        type Error = AllocError;

        /// Never fails: there is no node to be offline.
        #[inline]
        fn try_from(_: NumaNode) -> Result<Self, AllocError> {
            Ok(Self::NONE)
        }
    }

    /// Allocates `size` bytes, or makes a live block that large, moving it where needed.
    ///
    /// `size` is in bytes and must not be zero. The alignment holds if `size` is a multiple of it
    /// and the block, if any, has it already; the slab can't be told.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory; `block` is still valid then.
    ///
    /// # Safety
    ///
    /// `block` must be `None` or a live block of this file's.
    #[inline]
    pub(crate) unsafe fn krealloc(
        block: Option<NonNull<u8>>,
        size: usize,
        _align: usize,
        gfp: Gfp,
        _node: Node,
    ) -> Result<NonNull<u8>, AllocError> {
        let block = block.map_or(ptr::null(), |block| block.as_ptr().cast_const());

        // SAFETY: `block` is null or live by the safety requirements of this function. The flags
        // are ones that the slab can honour, by the invariant of their type.
        let block = unsafe { c_krealloc(block.cast::<c_void>(), size, gfp.as_raw()) };

        NonNull::new(block.cast()).ok_or(AllocError)
    }
}
