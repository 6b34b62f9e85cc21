// SPDX-License-Identifier: GPL-2.0

//! `Vec` over an [`Allocator`].

use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::size_of,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};

use super::{
    kmalloc::Kmalloc,
    traits,
    AllocError,
    Allocator,
    Flags, //
};

/// Values in a block of `A` that grows.
///
/// # Invariants
///
/// `ptr` is a live block of `A` with room for `capacity` values, of which the first `len` are
/// there. Of size zero there is room for any number.
pub struct Vec<T, A: Allocator> {
    ptr: NonNull<T>,
    capacity: usize,
    len: usize,
    _allocator: PhantomData<(T, A)>,
}

/// [`Vec`] over `Kmalloc`.
pub type KVec<T> = Vec<T, Kmalloc>;

impl<T, A: Allocator> Vec<T, A> {
    /// Returns a vector without a block.
    pub const fn new() -> Self {
        // INVARIANT: A block with room for nothing is of size zero, and any pointer stands for it.
        Self {
            ptr: NonNull::dangling(),
            capacity: 0,
            len: 0,
            _allocator: PhantomData,
        }
    }

    /// Returns a vector with room for `capacity` values.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory.
    pub fn with_capacity(capacity: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut vec = Self::new();

        vec.resize_block(capacity, flags)?;
        Ok(vec)
    }

    /// Adds a value at the end.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory; the value is dropped.
    pub fn push(&mut self, value: T, flags: Flags) -> Result<(), AllocError> {
        self.reserve(1, flags)?;
        // SAFETY: There is room for one more.
        unsafe { self.ptr.as_ptr().add(self.len).write(value) };
        // INVARIANT: It is there now.
        self.len += 1;
        Ok(())
    }

    /// Returns how many values there is room for.
    pub fn capacity(&self) -> usize {
        match size_of::<T>() {
            0 => usize::MAX,
            _ => self.capacity,
        }
    }

    /// Makes room for `more` values.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory; the vector is what it was.
    pub fn reserve(&mut self, more: usize, flags: Flags) -> Result<(), AllocError> {
        let needed = self.len.checked_add(more).ok_or(AllocError)?;

        if needed > self.capacity() {
            self.resize_block(needed.max(2 * self.capacity).max(4), flags)?;
        }
        Ok(())
    }

    /// Adds `n` clones of a value.
    ///
    /// # Errors
    ///
    /// As [`Vec::reserve`].
    pub fn extend_with(&mut self, n: usize, value: T, flags: Flags) -> Result<(), AllocError>
    where
        T: Clone,
    {
        self.reserve(n, flags)?;
        for _ in 0..n {
            self.push(value.clone(), flags)?;
        }
        Ok(())
    }

    /// Adds clones of values.
    ///
    /// # Errors
    ///
    /// As [`Vec::reserve`].
    pub fn extend_from_slice(&mut self, values: &[T], flags: Flags) -> Result<(), AllocError>
    where
        T: Clone,
    {
        self.reserve(values.len(), flags)?;
        for value in values {
            self.push(value.clone(), flags)?;
        }
        Ok(())
    }

    /// Reallocates the block for `capacity` values, which must not be fewer than there are.
    fn resize_block(&mut self, capacity: usize, flags: Flags) -> Result<(), AllocError> {
        let (old, new) = (Self::layout(self.capacity)?, Self::layout(capacity)?);

        // SAFETY: By the type invariants the block is live with that layout.
        let ptr = unsafe { traits::realloc::<A>(Some(self.ptr.cast()), new, old, flags) }?;
        // INVARIANT: The block was just reallocated, and reallocation keeps what is there.
        self.ptr = ptr.cast();
        self.capacity = capacity;
        Ok(())
    }

    /// Returns the layout of a block for `capacity` values.
    fn layout(capacity: usize) -> Result<Layout, AllocError> {
        Layout::array::<T>(capacity).map_err(|_| AllocError)
    }

    /// Takes out the last value, if there is one.
    fn pop(&mut self) -> Option<T> {
        // INVARIANT: One fewer is there; it is the caller's.
        self.len = self.len.checked_sub(1)?;
        // SAFETY: By the type invariants it was there, and nobody takes it for that any more.
        Some(unsafe { self.ptr.as_ptr().add(self.len).read() })
    }
}

impl<T, A: Allocator> Default for Vec<T, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, A: Allocator> Deref for Vec<T, A> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: By the type invariants so many are there.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Allocator> DerefMut for Vec<T, A> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the type invariants so many are there, and nobody else has them.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Allocator> Drop for Vec<T, A> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the values are there; nobody uses them any more.
        unsafe { ptr::drop_in_place(&mut **self) };
        if let Ok(layout) = Self::layout(self.capacity) {
            // SAFETY: By the type invariants the block is live with this layout.
            unsafe { A::free(self.ptr.cast(), layout) };
        }
    }
}

impl<T, A: Allocator> IntoIterator for Vec<T, A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;

    fn into_iter(mut self) -> IntoIter<T, A> {
        self.reverse();
        IntoIter(self)
    }
}

impl<'a, T, A: Allocator> IntoIterator for &'a Vec<T, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

/// Takes the values out of a [`Vec`]; what is left is dropped with it.
pub struct IntoIter<T, A: Allocator>(Vec<T, A>);

impl<T, A: Allocator> Iterator for IntoIter<T, A> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.pop()
    }
}

// SAFETY: The vector owns its values, and a block may be freed by any thread.
unsafe impl<T: Send, A: Allocator> Send for Vec<T, A> {}

// SAFETY: A shared vector gives shared access to its values and nothing else.
unsafe impl<T: Sync, A: Allocator> Sync for Vec<T, A> {}
