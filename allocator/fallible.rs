// SPDX-License-Identifier: GPL-2.0

//! What everybody needs of the `alloc` crate in its fallible form and it lacks: a value at the end
//! of a `Vec` or `String`, or an error.
//!
//! `alloc` has `try_reserve()`, and then nothing by which to use what was reserved. What is here
//! exists in the infallible form as well.

#![allow(dead_code, reason = "what a module needs of it is its own choice")]

extern crate alloc;

use core::{
    alloc::AllocError as CoreAllocError,
    fmt, //
};

use alloc::{
    collections::TryReserveError,
    string::String,
    vec::Vec, //
};

use kernel::alloc::AllocError;

/// The errors of `alloc`, as the one of the kernel crate's that `?` makes `ENOMEM` of.
pub(crate) trait OrNoMemory<T> {
    /// Returns the value, or [`AllocError`].
    fn or_no_memory(self) -> Result<T, AllocError>;
}

impl<T> OrNoMemory<T> for Result<T, CoreAllocError> {
    #[inline]
    fn or_no_memory(self) -> Result<T, AllocError> {
        self.map_err(|_| AllocError)
    }
}

impl<T> OrNoMemory<T> for Result<T, TryReserveError> {
    #[inline]
    fn or_no_memory(self) -> Result<T, AllocError> {
        self.map_err(|_| AllocError)
    }
}

/// Values at the end of a [`Vec`].
pub(crate) trait TryVec<T>: Sized {
    /// Appends a value.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no room for it and no memory; it is dropped then.
    fn try_push(&mut self, value: T) -> Result<(), AllocError>;

    /// Appends what an iterator gives.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no room for a value and no memory; those before it stay.
    fn try_extend(&mut self, values: impl IntoIterator<Item = T>) -> Result<(), AllocError>;

    /// Appends clones of all of these.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no room for all of them and no memory; none is appended then.
    fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), AllocError>
    where
        T: Clone;
}

/// Appends a value to a vector that has room for it.
///
/// # Safety
///
/// The capacity must be larger than the length.
#[inline]
unsafe fn push_within_capacity<T>(vec: &mut Vec<T>, value: T) {
    let len = vec.len();

    // SAFETY: By the requirements of this function there is room for an element behind the last
    // one, and it is initialised when it is counted.
    unsafe {
        vec.as_mut_ptr().add(len).write(value);
        vec.set_len(len + 1);
    }
}

impl<T> TryVec<T> for Vec<T> {
    #[inline]
    fn try_push(&mut self, value: T) -> Result<(), AllocError> {
        self.try_reserve(1).or_no_memory()?;

        // SAFETY: Room for one was just reserved.
        unsafe { push_within_capacity(self, value) };
        Ok(())
    }

    fn try_extend(&mut self, values: impl IntoIterator<Item = T>) -> Result<(), AllocError> {
        let values = values.into_iter();

        self.try_reserve(values.size_hint().0).or_no_memory()?;
        for value in values {
            self.try_push(value)?;
        }
        Ok(())
    }

    fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), AllocError>
    where
        T: Clone,
    {
        self.try_reserve(values.len()).or_no_memory()?;
        for value in values {
            // SAFETY: Room for all of them was reserved.
            unsafe { push_within_capacity(self, value.clone()) };
        }
        Ok(())
    }
}

/// Text at the end of a [`String`].
pub(crate) trait TryString {
    /// Appends a character.
    ///
    /// # Errors
    ///
    /// [`AllocError`] if there is no room for it and no memory; the string is as before then.
    fn try_push(&mut self, c: char) -> Result<(), AllocError>;

    /// Appends text.
    ///
    /// # Errors
    ///
    /// As [`try_push`](TryString::try_push).
    fn try_push_str(&mut self, text: &str) -> Result<(), AllocError>;

    /// Appends formatted text, as of [`core::format_args!`].
    ///
    /// # Errors
    ///
    /// As [`try_push`](TryString::try_push); also if a value can't be formatted.
    fn try_push_fmt(&mut self, args: fmt::Arguments<'_>) -> Result<(), AllocError>;
}

impl TryString for String {
    #[inline]
    fn try_push(&mut self, c: char) -> Result<(), AllocError> {
        self.try_push_str(c.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn try_push_str(&mut self, text: &str) -> Result<(), AllocError> {
        // SAFETY: A string with all of another behind it, or with nothing, is UTF-8.
        unsafe { self.as_mut_vec() }.try_extend_from_slice(text.as_bytes())
    }

    fn try_push_fmt(&mut self, args: fmt::Arguments<'_>) -> Result<(), AllocError> {
        let len = self.len();

        fmt::write(&mut Writer(self), args).map_err(|_| {
            self.truncate(len);
            AllocError
        })
    }
}

/// Appends what is written to it.
struct Writer<'a>(&'a mut String);

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.try_push_str(text).map_err(|_| fmt::Error)
    }
}

/// Returns a string of formatted text, as of [`core::format_args!`].
///
/// # Errors
///
/// As [`TryString::try_push_fmt`].
pub(crate) fn try_format(args: fmt::Arguments<'_>) -> Result<String, AllocError> {
    let mut text = String::new();

    text.try_push_fmt(args)?;
    Ok(text)
}
