// SPDX-License-Identifier: GPL-2.0

//! The loops that are measured, over any path. Those of the C paths are the same (`c_paths.c`).

use core::{
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    ptr::NonNull, //
};

use kernel::{
    alloc::{
        Allocator,
        Vec, //
    },
    bindings,
    prelude::*, //
};

use crate::path::{
    hide,
    sink,
    Path,
    Resize, //
};

/// What a loop is told (`struct bench_args` in `bench.h`).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Args {
    /// Bytes asked for.
    pub(crate) size: usize,
    /// Bytes asked for in a reallocation.
    pub(crate) other: usize,
    pub(crate) rounds: usize,
    /// Blocks that are held at once.
    pub(crate) live: usize,
    /// A place for each of them, for each CPU.
    pub(crate) slots: *mut *mut c_void,
    /// Of objects of `size` bytes; may be null.
    pub(crate) cache: *mut bindings::kmem_cache,
}

/// A loop (`bench_loop` in `bench.h`).
///
/// Its arguments must be those of a live [`Args`], whose `slots` have `live` places for each CPU up
/// to the one that is the second argument.
pub(crate) type Loop = unsafe extern "C" fn(*const Args, c_uint) -> c_int;

const NO_MEMORY: c_int = -(bindings::ENOMEM as c_int);

/// Allocates and frees one block after the other.
///
/// # Safety
///
/// As for every [`Loop`].
pub(crate) unsafe extern "C" fn pair<P: Path>(args: *const Args, _worker: c_uint) -> c_int {
    // SAFETY: The arguments are live by the requirements of this function.
    let args = unsafe { &*args };
    let mut size = args.size;

    for _ in 0..args.rounds {
        size = hide(size);
        let Some(block) = P::get(size) else {
            return NO_MEMORY;
        };
        let Some(block) = NonNull::new(hide(block.as_ptr() as usize) as *mut u8) else {
            return NO_MEMORY;
        };

        // SAFETY: The block was just allocated with this size.
        unsafe { P::put(block, size) };
    }
    0
}

/// Allocates `live` blocks, then frees them in the same order.
///
/// # Safety
///
/// As for every [`Loop`].
pub(crate) unsafe extern "C" fn batch<P: Path>(args: *const Args, worker: c_uint) -> c_int {
    // SAFETY: The arguments are live by the requirements of this function.
    let args = unsafe { &*args };
    let slots = args.slots.wrapping_add(worker as usize * args.live);
    let mut size = args.size;

    for _ in 0..args.rounds {
        for i in 0..args.live {
            size = hide(size);
            let Some(block) = P::get(size) else {
                return NO_MEMORY;
            };

            // SAFETY: There are `live` places for this worker.
            unsafe { *slots.wrapping_add(i) = block.as_ptr().cast() };
        }
        for i in 0..args.live {
            // SAFETY: There are `live` places for this worker, all of which were just filled with
            // blocks of this size.
            unsafe {
                P::put(
                    NonNull::new_unchecked((*slots.wrapping_add(i)).cast()),
                    size,
                )
            };
        }
    }
    0
}

/// Reallocates one block from `size` bytes to `other` and back.
///
/// # Safety
///
/// As for every [`Loop`].
pub(crate) unsafe extern "C" fn resize<P: Resize>(args: *const Args, _worker: c_uint) -> c_int {
    // SAFETY: The arguments are live by the requirements of this function.
    let args = unsafe { &*args };
    let (mut size, mut other) = (args.size, args.other);
    let Some(mut block) = P::get(size) else {
        return NO_MEMORY;
    };

    for _ in 0..args.rounds {
        size = hide(size);
        other = hide(other);
        // SAFETY: The block is live and has this size.
        let Some(moved) = (unsafe { P::resize(block, size, other) }) else {
            return NO_MEMORY;
        };
        // SAFETY: The block is live and has this size.
        let Some(back) = (unsafe { P::resize(moved, other, size) }) else {
            return NO_MEMORY;
        };
        block = back;
    }

    // SAFETY: The block is live and has this size.
    unsafe { P::put(block, size) };
    0
}

/// Allocates a block, has it moved by a reallocation from `size` bytes to `other`, and frees it.
///
/// # Safety
///
/// As for every [`Loop`].
pub(crate) unsafe extern "C" fn moved<P: Resize>(args: *const Args, _worker: c_uint) -> c_int {
    // SAFETY: The arguments are live by the requirements of this function.
    let args = unsafe { &*args };
    let (mut size, mut other) = (args.size, args.other);

    for _ in 0..args.rounds {
        size = hide(size);
        other = hide(other);
        let Some(block) = P::get(size) else {
            return NO_MEMORY;
        };
        // SAFETY: The block is live and has this size.
        let Some(moved) = (unsafe { P::resize(block, size, other) }) else {
            return NO_MEMORY;
        };

        // SAFETY: The block is live and has this size.
        unsafe { P::put(moved, other) };
    }
    0
}

/// Has a block grow from nothing, from `size` bytes to `live` times that, by twice as much each
/// time, as a vector does; and frees it.
///
/// # Safety
///
/// As for every [`Loop`].
pub(crate) unsafe extern "C" fn grow<P: Resize>(args: *const Args, _worker: c_uint) -> c_int {
    // SAFETY: The arguments are live by the requirements of this function.
    let args = unsafe { &*args };
    let (mut size, mut live) = (args.size, args.live);

    for _ in 0..args.rounds {
        size = hide(size);
        live = hide(live);
        let (mut block, mut had, mut held) = (NonNull::dangling(), 0, size);

        while held <= live.wrapping_mul(size) {
            // SAFETY: The block is live and has this size, which is zero at first.
            let Some(grown) = (unsafe { P::resize(block, had, held) }) else {
                return NO_MEMORY;
            };
            block = grown;
            had = held;
            held = held.wrapping_mul(2);
        }

        // SAFETY: The block is live and has this size.
        unsafe { P::put(block, had) };
    }
    0
}

/// Pushes `live` elements to a vector, and drops it.
///
/// # Safety
///
/// As for every [`Loop`].
pub(crate) unsafe extern "C" fn push<A: Allocator, const CAPACITY: bool>(
    args: *const Args,
    _worker: c_uint,
) -> c_int {
    // SAFETY: The arguments are live by the requirements of this function.
    let args = unsafe { &*args };

    for _ in 0..args.rounds {
        if fill::<A, CAPACITY>(hide(args.live)).is_err() {
            return NO_MEMORY;
        }
    }
    0
}

#[inline(always)]
fn fill<A: Allocator, const CAPACITY: bool>(elements: usize) -> Result {
    let mut vec = if CAPACITY {
        Vec::<usize, A>::with_capacity(elements, GFP_KERNEL)?
    } else {
        Vec::<usize, A>::new()
    };

    for n in 0..elements {
        vec.push(n, GFP_KERNEL)?;
    }
    sink(vec.as_ptr() as usize);
    Ok(())
}
