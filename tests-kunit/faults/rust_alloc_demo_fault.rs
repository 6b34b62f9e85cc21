// SPDX-License-Identifier: GPL-2.0

//! Does wrong what the harness must notice. For the harness's own tests.

use core::{
    hint::{
        black_box,
        spin_loop, //
    },
    ptr::null_mut, //
};

use kernel::{
    new_spinlock,
    prelude::*,
    warn_on, //
};

module! {
    type: Fault,
    name: "rust_alloc_demo_fault",
    authors: ["The rust_alloc_demo developers"],
    description: "Faults for the tests of rust_alloc_demo's harness",
    license: "GPL",
    params: {
        warn: bool {
            default: false,
            description: "Warn when loaded",
        },
        oops: bool {
            default: false,
            description: "Write to a null pointer when loaded",
        },
        hang: bool {
            default: false,
            description: "Never finish loading",
        },
        out_of_bounds: bool {
            default: false,
            description: "Write past the end of a block when loaded",
        },
        use_after_free: bool {
            default: false,
            description: "Write to a block that was freed when loaded",
        },
        leak: bool {
            default: false,
            description: "Forget blocks when loaded",
        },
        sleep: bool {
            default: false,
            description: "Allocate under a spinlock as one who may sleep when loaded",
        },
        exhaust: bool {
            default: false,
            description: "Allocate until there is no memory when loaded",
        },
    },
}

struct Fault;

impl kernel::Module for Fault {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if module_parameters::warn.value() {
            warn_on!(true);
        }
        if module_parameters::oops.value() {
            // SAFETY: None. The kernel reports the write and ends the task.
            unsafe { null_mut::<u8>().write_volatile(0) };
        }
        while module_parameters::hang.value() {
            spin_loop();
        }
        if module_parameters::out_of_bounds.value() {
            out_of_bounds()?;
        }
        if module_parameters::use_after_free.value() {
            use_after_free()?;
        }
        if module_parameters::leak.value() {
            leak()?;
        }
        if module_parameters::sleep.value() {
            sleep()?;
        }
        if module_parameters::exhaust.value() {
            exhaust();
        }
        Ok(Self)
    }
}

/// Writes the byte after a block, which is padding of the slab's.
fn out_of_bounds() -> Result {
    let mut block = KBox::new([0u8; 13], GFP_KERNEL)?;
    let end = black_box(block.as_mut_ptr()).wrapping_add(13);

    // SAFETY: None. The slab granted more than 13 bytes, so nothing else is hurt.
    unsafe { end.write_volatile(1) };
    Ok(())
}

/// Writes to a block that was given back.
fn use_after_free() -> Result {
    let block = KBox::into_raw(KBox::new([0u8; 13], GFP_KERNEL)?);

    // SAFETY: The pointer is from `into_raw`.
    drop(unsafe { KBox::from_raw(block) });
    // SAFETY: None. KASAN keeps the block from the next user for a while.
    unsafe { black_box(block).cast::<u8>().write_volatile(1) };
    Ok(())
}

/// Forgets many blocks: of one, a copy of its address may lie about somewhere.
fn leak() -> Result {
    for _ in 0..3000 {
        let _ = KBox::into_raw(KBox::new([0u8; 100], GFP_KERNEL)?);
    }
    Ok(())
}

/// Asks for memory as one who may sleep, where nobody may.
fn sleep() -> Result {
    let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?;
    let guard = lock.lock();
    let block = KBox::new(1u8, GFP_KERNEL);

    drop(guard);
    drop(block?);
    Ok(())
}

/// Takes large blocks until one is refused, and says nothing of it.
fn exhaust() {
    let mut blocks = KVec::<KVec<u8>>::new();

    while let Ok(block) = KVec::with_capacity(2 << 20, GFP_KERNEL) {
        if blocks.push(block, GFP_KERNEL).is_err() {
            return;
        }
    }
}
