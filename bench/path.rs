// SPDX-License-Identifier: GPL-2.0

//! The Rust paths: how Rust code can come to a block of memory, and give it back.

use core::{
    alloc::{
        GlobalAlloc,
        Layout, //
    },
    arch::asm,
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};

use kernel::{
    alloc::{
        flags::__GFP_ZERO,
        Allocator,
        Box, //
    },
    prelude::*, //
};

use crate::{
    allocator::KernelAllocator,
    compat::{
        self,
        NumaNode, //
    },
};

/// Returns `value`, of which the compiler knows nothing then (`OPTIMIZER_HIDE_VAR()` in C).
#[inline(always)]
pub(crate) fn hide(mut value: usize) -> usize {
    // SAFETY: There is no instruction.
    unsafe {
        asm!("/* {0} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags));
    }
    value
}

/// Takes a value that nobody else has a use for (`barrier_data()` in C).
#[inline(always)]
pub(crate) fn sink(value: usize) {
    // SAFETY: There is no instruction.
    unsafe { asm!("/* {0} */", in(reg) value, options(nostack, preserves_flags)) };
}

/// A way to come to a block and to give it back.
pub(crate) trait Path {
    /// Allocates `size` bytes; `None` if there is no memory.
    fn get(size: usize) -> Option<NonNull<u8>>;

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `block` must be a live block of `size` bytes from [`Path::get`]; it must not be used
    /// afterwards.
    unsafe fn put(block: NonNull<u8>, size: usize);
}

/// A path that can reallocate.
pub(crate) trait Resize: Path {
    /// Reallocates a block from `size` bytes to `to`; `None` if there is no memory.
    ///
    /// # Safety
    ///
    /// As for [`Path::put`]; if it fails the block is still live.
    unsafe fn resize(block: NonNull<u8>, size: usize, to: usize) -> Option<NonNull<u8>>;
}

/// What is left of a loop without its calls, which is subtracted.
pub(crate) struct Nothing;

impl Path for Nothing {
    #[inline(always)]
    fn get(size: usize) -> Option<NonNull<u8>> {
        sink(size);
        NonNull::new(size as *mut u8)
    }

    #[inline(always)]
    unsafe fn put(block: NonNull<u8>, _size: usize) {
        sink(block.as_ptr() as usize);
    }
}

impl Resize for Nothing {
    #[inline(always)]
    unsafe fn resize(block: NonNull<u8>, _size: usize, to: usize) -> Option<NonNull<u8>> {
        sink(to);
        NonNull::new(hide(block.as_ptr() as usize) as *mut u8)
    }
}

/// Returns the layout of a path: the size is known when the code runs, the alignment when it is
/// compiled, as for an array of a type.
#[inline(always)]
fn layout<const ALIGN: usize>(size: usize) -> Layout {
    const { assert!(ALIGN.is_power_of_two()) };

    // SAFETY: The alignment is a power of two; the sizes of the bench are not near `isize::MAX`.
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

/// Through [`Allocator`], zeroed or not.
pub(crate) struct Through<A: Allocator, const ALIGN: usize, const ZERO: bool = false>(
    PhantomData<A>,
);

impl<A: Allocator, const ALIGN: usize, const ZERO: bool> Path for Through<A, ALIGN, ZERO> {
    #[inline(always)]
    fn get(size: usize) -> Option<NonNull<u8>> {
        let flags = if ZERO {
            GFP_KERNEL | __GFP_ZERO
        } else {
            GFP_KERNEL
        };

        compat::alloc::<A>(layout::<ALIGN>(size), flags, NumaNode::NO_NODE)
            .ok()
            .map(NonNull::cast)
    }

    #[inline(always)]
    unsafe fn put(block: NonNull<u8>, size: usize) {
        // SAFETY: The block is live and has this layout by the requirements of this function.
        unsafe { A::free(block, layout::<ALIGN>(size)) };
    }
}

impl<A: Allocator, const ALIGN: usize> Resize for Through<A, ALIGN> {
    #[inline(always)]
    unsafe fn resize(block: NonNull<u8>, size: usize, to: usize) -> Option<NonNull<u8>> {
        let (old, new) = (layout::<ALIGN>(size), layout::<ALIGN>(to));

        // SAFETY: The block is live and has the layout `old` by the requirements of this function.
        unsafe { compat::realloc::<A>(Some(block), new, old, GFP_KERNEL, NumaNode::NO_NODE) }
            .ok()
            .map(NonNull::cast)
    }
}

/// Through [`GlobalAlloc`], zeroed or not.
pub(crate) struct Global<const ALIGN: usize, const ZERO: bool = false>;

impl<const ALIGN: usize, const ZERO: bool> Path for Global<ALIGN, ZERO> {
    #[inline(always)]
    fn get(size: usize) -> Option<NonNull<u8>> {
        // SAFETY: The sizes of the bench are not zero.
        NonNull::new(unsafe {
            if ZERO {
                KernelAllocator.alloc_zeroed(layout::<ALIGN>(size))
            } else {
                KernelAllocator.alloc(layout::<ALIGN>(size))
            }
        })
    }

    #[inline(always)]
    unsafe fn put(block: NonNull<u8>, size: usize) {
        // SAFETY: The block is live and has this layout by the requirements of this function.
        unsafe { KernelAllocator.dealloc(block.as_ptr(), layout::<ALIGN>(size)) };
    }
}

impl<const ALIGN: usize> Resize for Global<ALIGN> {
    #[inline(always)]
    unsafe fn resize(block: NonNull<u8>, size: usize, to: usize) -> Option<NonNull<u8>> {
        // SAFETY: The block is live and has this layout by the requirements of this function; the
        // sizes of the bench are not zero.
        NonNull::new(unsafe { KernelAllocator.realloc(block.as_ptr(), layout::<ALIGN>(size), to) })
    }
}

/// Through [`GlobalAlloc`] with a layout that is a constant, whatever `size` says.
pub(crate) struct GlobalConstant<const SIZE: usize, const ALIGN: usize>;

impl<const SIZE: usize, const ALIGN: usize> Path for GlobalConstant<SIZE, ALIGN> {
    #[inline(always)]
    fn get(_size: usize) -> Option<NonNull<u8>> {
        Global::<ALIGN>::get(SIZE)
    }

    #[inline(always)]
    unsafe fn put(block: NonNull<u8>, _size: usize) {
        // SAFETY: The block is live and was allocated with this size.
        unsafe { Global::<ALIGN>::put(block, SIZE) };
    }
}

/// Through [`Box`]: the layout is that of `T`, whatever `size` says.
pub(crate) struct Boxed<T, A: Allocator>(PhantomData<(T, A)>);

impl<T, A: Allocator> Path for Boxed<T, A> {
    #[inline(always)]
    fn get(_size: usize) -> Option<NonNull<u8>> {
        let boxed = Box::<T, A>::new_uninit(GFP_KERNEL).ok()?;

        NonNull::new(Box::into_raw(boxed).cast())
    }

    #[inline(always)]
    unsafe fn put(block: NonNull<u8>, _size: usize) {
        // SAFETY: The pointer is one of `Box::into_raw`, and nobody else has it, by the
        // requirements of this function.
        drop(unsafe { Box::<MaybeUninit<T>, A>::from_raw(block.as_ptr().cast()) });
    }
}
