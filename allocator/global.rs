// SPDX-License-Identifier: GPL-2.0

//! [`KernelAllocator`] as the global allocator of the `alloc` crate (`alloc_crate.mk`).
//!
//! `alloc` calls its allocator by the names of a few functions (`library/alloc/src/alloc.rs`).
//! `#[global_allocator]` makes those that allocate. The rest are made by rustc when it links a
//! program, which it never does for a module, so they are here, as Linux had all of them up to 6.9
//! (`rust/kernel/allocator.rs`, `rust/kernel/lib.rs` there). What the names are like in the object
//! file differs by rustc, plain up to 1.86 and mangled since; `#[rustc_std_internal_symbol]` asks
//! for those of the rustc that compiles this.

use super::KernelAllocator;

#[global_allocator]
static GLOBAL: KernelAllocator = KernelAllocator;

/// Read before each allocation, for an error of the linker where a program has no allocator.
///
/// It is a static up to rustc 1.88, and a function since, with another name.
#[rustc_std_internal_symbol]
#[allow(
    non_upper_case_globals,
    reason = "the name is that of the standard library"
)]
static __rust_no_alloc_shim_is_unstable: u8 = 0;

/// Called in its stead since rustc 1.89.
#[rustc_std_internal_symbol]
fn __rust_no_alloc_shim_is_unstable_v2() {}

/// What can't be met in the infallible form ends here: the kernel's panic handler prints the
/// message, and is a BUG of the task (`rust/kernel/lib.rs`, `panic()`).
#[cfg(alloc_crate = "infallible")]
#[rustc_std_internal_symbol]
fn __rust_alloc_error_handler(size: usize, align: usize) -> ! {
    panic!("alloc: no memory for a layout of size {size}, align {align}\n");
}

/// Read by the function of `alloc` that takes the place of such a handler, which is in its object
/// file and is not called (`__rdl_oom()`); a function since rustc 1.89, as above.
#[cfg(alloc_crate = "infallible")]
#[rustc_std_internal_symbol]
#[allow(
    non_upper_case_globals,
    reason = "the name is that of the standard library"
)]
static __rust_alloc_error_handler_should_panic: u8 = 1;

/// Called in its stead since rustc 1.89.
#[cfg(alloc_crate = "infallible")]
#[rustc_std_internal_symbol]
fn __rust_alloc_error_handler_should_panic_v2() -> u8 {
    1
}
