// SPDX-License-Identifier: GPL-2.0

//! `Box` over an [`Allocator`].

use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::{
        forget,
        MaybeUninit, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
    ptr::NonNull, //
};

use super::{
    kmalloc::Kmalloc,
    traits,
    AllocError,
    Allocator,
    Flags, //
};

/// A value in a block of `A`.
///
/// # Invariants
///
/// `ptr` is a live block of `A` with the layout of `T`, and has a `T`.
pub struct Box<T, A: Allocator> {
    ptr: NonNull<T>,
    _allocator: PhantomData<(T, A)>,
}

/// [`Box`] over `Kmalloc`.
pub type KBox<T> = Box<T, Kmalloc>;

impl<T, A: Allocator> Box<T, A> {
    /// Moves a value into a new block.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory; the value is dropped.
    pub fn new(value: T, flags: Flags) -> Result<Self, AllocError> {
        let ptr = traits::alloc::<A>(Layout::new::<T>(), flags)?.cast::<T>();

        // SAFETY: The block has the layout of `T`.
        unsafe { ptr.as_ptr().write(value) };
        // INVARIANT: The block was just allocated and written to.
        Ok(Self {
            ptr,
            _allocator: PhantomData,
        })
    }

    /// Returns a block without a value.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory.
    pub fn new_uninit(flags: Flags) -> Result<Box<MaybeUninit<T>, A>, AllocError> {
        let ptr = traits::alloc::<A>(Layout::new::<T>(), flags)?.cast();

        // INVARIANT: The block was just allocated, and what may be uninitialised needs no value.
        Ok(Box {
            ptr,
            _allocator: PhantomData,
        })
    }

    /// Returns the box of a block.
    ///
    /// # Safety
    ///
    /// `raw` must be a live block of `A` with the layout of `T` and a value, and nobody else's.
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // INVARIANT: By the requirements of this function.
        Self {
            // SAFETY: What is live is not null.
            ptr: unsafe { NonNull::new_unchecked(raw) },
            _allocator: PhantomData,
        }
    }

    /// Returns the block of a box, which is the caller's then.
    pub fn into_raw(value: Self) -> *mut T {
        let ptr = value.ptr;

        forget(value);
        ptr.as_ptr()
    }

    /// Moves a value that an initialiser has made into a new block, for good; here an initialiser
    /// is the value.
    ///
    /// # Errors
    ///
    /// As [`Box::new`].
    pub fn pin_init(value: T, flags: Flags) -> Result<Pin<Self>, AllocError> {
        // SAFETY: Nothing moves the value out of its block: there is no function for it.
        Self::new(value, flags).map(|value| unsafe { Pin::new_unchecked(value) })
    }
}

impl<T, A: Allocator> Box<MaybeUninit<T>, A> {
    /// Puts a value into a block that has none.
    pub fn write(mut self, value: T) -> Box<T, A> {
        MaybeUninit::write(&mut self, value);
        // SAFETY: The block has a value now, and is nobody else's.
        unsafe { Box::from_raw(Self::into_raw(self).cast()) }
    }
}

impl<T, A: Allocator> Deref for Box<T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the type invariants there is a `T`.
        unsafe { self.ptr.as_ref() }
    }
}

impl<T, A: Allocator> DerefMut for Box<T, A> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariants there is a `T`, and nobody else has it.
        unsafe { self.ptr.as_mut() }
    }
}

impl<T, A: Allocator> Drop for Box<T, A> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants there is a `T`, which nobody uses any more.
        unsafe { self.ptr.as_ptr().drop_in_place() };
        // SAFETY: By the type invariants the block is live with this layout.
        unsafe { A::free(self.ptr.cast(), Layout::new::<T>()) };
    }
}

// SAFETY: The box owns its value, and a block may be freed by any thread.
unsafe impl<T: Send, A: Allocator> Send for Box<T, A> {}

// SAFETY: A shared box gives shared access to its value and nothing else.
unsafe impl<T: Sync, A: Allocator> Sync for Box<T, A> {}
