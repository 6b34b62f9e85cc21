// SPDX-License-Identifier: GPL-2.0

//! [`Reserve`]: objects of a cache that were allocated in advance, for who can't fail.

use core::mem::MaybeUninit;

use kernel::{
    alloc::{
        AllocError,
        Allocator,
        Box,
        Flags,
        Vec, //
    },
    prelude::*, //
};

use super::{
    super::KernelAllocator,
    Cache,
    StaticCache, //
};

/// Objects of the cache `C`, as many as were allocated in advance.
///
/// Taking one asks nobody for memory: while there is one it can't fail, under a spinlock, in an
/// interrupt, or where allocations are made to fail. It works on every kernel, as it holds objects
/// and no sheaf or mempool.
#[allow(dead_code, reason = "not every module has a reserve")]
pub(crate) struct Reserve<C: StaticCache + Allocator> {
    places: Vec<Option<Object<C>>, KernelAllocator>,
    /// How many places, from the first on, have an object.
    filled: usize,
}

/// An object without a value.
type Object<C> = Box<MaybeUninit<<C as StaticCache>::Object>, C>;

#[allow(dead_code, reason = "what a module needs of it is its own choice")]
impl<C: StaticCache + Allocator> Reserve<C> {
    /// Returns a reserve of `n` objects, all of which are there.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory for them.
    pub(crate) fn new(_cache: &Cache<C>, n: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut reserve = Self {
            places: Vec::with_capacity(n, flags)?,
            filled: 0,
        };

        for _ in 0..n {
            reserve.places.push(None, flags)?;
        }
        reserve.fill(flags)?;
        Ok(reserve)
    }

    /// Allocates the objects that were taken anew.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no memory for all; those that there was memory for are there.
    pub(crate) fn fill(&mut self, flags: Flags) -> Result<(), AllocError> {
        for place in self.places.iter_mut().skip(self.filled) {
            *place = Some(Box::new_uninit(flags)?);
            self.filled += 1;
        }
        Ok(())
    }

    /// Returns how many objects are there.
    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    /// Puts a value into an object of the reserve. Never sleeps.
    ///
    /// # Errors
    ///
    /// The value, if no object is left, and for no other reason.
    pub(crate) fn take(&mut self, value: C::Object) -> Result<Box<C::Object, C>, C::Object> {
        let last = self.filled.wrapping_sub(1);
        let Some(object) = self.places.get_mut(last).and_then(Option::take) else {
            return Err(value);
        };

        self.filled = last;
        Ok(Box::write(object, value))
    }
}
