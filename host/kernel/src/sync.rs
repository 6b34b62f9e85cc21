// SPDX-License-Identifier: GPL-2.0

//! Spinlocks: while one is held, nothing may sleep.

use core::ops::{
    Deref,
    DerefMut, //
};
use std::sync::{
    Mutex,
    MutexGuard,
    PoisonError, //
};

use crate::context::Atomic;

/// A value behind a lock.
pub struct SpinLock<T>(Mutex<T>);

impl<T> SpinLock<T> {
    /// Returns an unlocked lock.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Takes the lock. Until the guard is dropped this thread must not sleep.
    pub fn lock(&self) -> Guard<'_, T> {
        Guard {
            value: self.0.lock().unwrap_or_else(PoisonError::into_inner),
            _atomic: Atomic::enter(),
        }
    }
}

/// A lock that is held.
pub struct Guard<'a, T> {
    value: MutexGuard<'a, T>,
    _atomic: Atomic,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// Returns what initialises a lock: here the lock.
#[macro_export]
macro_rules! new_spinlock {
    ($value:expr) => {
        $crate::sync::SpinLock::new($value)
    };
}
