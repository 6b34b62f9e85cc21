// SPDX-License-Identifier: GPL-2.0

//! Caches as C has them (`include/linux/slab.h`), and what of sysfs tells of them.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "the names are C's"
)]

use core::{
    ffi::{
        c_char,
        c_int,
        c_uint,
        c_void,
        CStr, //
    },
    ptr::{
        addr_of_mut,
        null_mut, //
    },
};

use crate::{
    bindings::{
        gfp_t,
        kmem_cache,
        slab_flags_t,
        NUMA_NO_NODE, //
    },
    slab, //
};

/// What is told of a cache that is to be created.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct kmem_cache_args {
    pub align: c_uint,
    pub useroffset: c_uint,
    pub usersize: c_uint,
}

/// Creates a cache; null if there is no memory.
///
/// # Safety
///
/// `name` must be a C string, and `args` live.
pub unsafe extern "C" fn __kmem_cache_create_args(
    name: *const c_char,
    object_size: c_uint,
    args: *mut kmem_cache_args,
    flags: slab_flags_t,
) -> *mut kmem_cache {
    // SAFETY: By the requirements of this function.
    let (name, args) = unsafe { (CStr::from_ptr(name), *args) };

    slab::create(name, object_size as usize, args.align as usize, flags) as *mut kmem_cache
}

/// Allocates an object, from any node.
///
/// # Safety
///
/// None, other than in C: what is no cache ends the program.
pub unsafe extern "C" fn kmem_cache_alloc_noprof(
    cache: *mut kmem_cache,
    flags: gfp_t,
) -> *mut c_void {
    slab::alloc_from(cache as usize, flags, NUMA_NO_NODE).cast()
}

/// Allocates an object.
///
/// # Safety
///
/// As [`kmem_cache_alloc_noprof`].
pub unsafe extern "C" fn kmem_cache_alloc_node_noprof(
    cache: *mut kmem_cache,
    flags: gfp_t,
    node: c_int,
) -> *mut c_void {
    slab::alloc_from(cache as usize, flags, node).cast()
}

/// Frees an object.
///
/// # Safety
///
/// As [`kmem_cache_alloc_noprof`]; so does what is no object of the cache.
pub unsafe extern "C" fn kmem_cache_free(cache: *mut kmem_cache, object: *mut c_void) {
    slab::free_to(cache as usize, object.cast());
}

/// Returns 0 if no object is live, as far as the slab knows.
///
/// # Safety
///
/// As [`kmem_cache_alloc_noprof`].
pub unsafe extern "C" fn kmem_cache_shrink(cache: *mut kmem_cache) -> c_int {
    slab::shrink(cache as usize).into()
}

/// Destroys a cache.
///
/// # Safety
///
/// As [`kmem_cache_alloc_noprof`]; so does one with live objects.
pub unsafe extern "C" fn kmem_cache_destroy(cache: *mut kmem_cache) {
    slab::destroy(cache as usize);
}

/// A directory of sysfs, of which there are three: the kernel's, that of the caches, and one that
/// stands for each cache.
#[repr(C)]
pub struct kernfs_node {
    which: u8,
}

static mut DIRECTORIES: [kernfs_node; 3] = [
    kernfs_node { which: 0 },
    kernfs_node { which: 1 },
    kernfs_node { which: 2 },
];

/// What has a directory in sysfs.
#[repr(C)]
pub struct kobject {
    pub sd: *mut kernfs_node,
}

static mut KERNEL: kobject = kobject {
    sd: addr_of_mut!(DIRECTORIES).cast(),
};

/// What has the kernel's directory.
pub static mut kernel_kobj: *mut kobject = addr_of_mut!(KERNEL);

/// Finds a directory.
///
/// # Safety
///
/// `parent` must be one, and `name` a C string.
pub unsafe extern "C" fn kernfs_find_and_get_ns(
    parent: *mut kernfs_node,
    name: *const c_char,
    _ns: *const c_void,
) -> *mut kernfs_node {
    // SAFETY: By the requirements of this function.
    let (parent, name) = unsafe { ((*parent).which, CStr::from_ptr(name)) };
    let directories = addr_of_mut!(DIRECTORIES).cast::<kernfs_node>();

    match parent {
        0 if name == c"slab" => directories.wrapping_add(1),
        1 if slab::has_cache(name) => directories.wrapping_add(2),
        _ => null_mut(),
    }
}

/// Gives back what was found.
///
/// # Safety
///
/// None.
pub unsafe extern "C" fn kernfs_put(_node: *mut kernfs_node) {}
