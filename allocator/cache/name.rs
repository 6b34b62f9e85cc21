// SPDX-License-Identifier: GPL-2.0

//! [`Name`]: what a cache is called, which is a directory in sysfs.
//!
//! It touches [`kernel::bindings`]; `../slab.rs` says why that is done.

/// How long a name may be, in bytes.
const MAX: usize = 63;

/// Returns whether `name` can be one of a cache: one directory below `/sys/kernel/slab`, without
/// the blanks that C warns of (`mm/slab_common.c`, `kmem_cache_sanity_check()`).
pub(super) const fn is_valid(name: &str) -> bool {
    is_valid_bytes(name.as_bytes())
}

/// Returns the same for the bytes of a name.
const fn is_valid_bytes(name: &[u8]) -> bool {
    let mut n = 0;

    while n < name.len() {
        if name[n] <= b' ' || name[n] == b'/' || name[n] >= 0x7f {
            return false;
        }
        n += 1;
    }
    n != 0 && n <= MAX
}

// What is a name and what is not, at each end of what is allowed.
const _: () = {
    let longest = [b'n'; MAX];
    let too_long = [b'n'; MAX + 1];

    assert!(is_valid("a") && is_valid("!") && is_valid("~"));
    assert!(!is_valid("") && !is_valid("a b") && !is_valid("a/b") && !is_valid("a\x7f"));
    assert!(is_valid_bytes(&longest) && !is_valid_bytes(&too_long));
};

/// A name as C has it.
///
/// # Invariants
///
/// It ends in a NUL.
pub(super) struct Name([u8; MAX + 1]);

impl Name {
    /// Returns a name, which must be valid; what is too long is cut off.
    pub(super) fn new(name: &str) -> Self {
        let mut text = [0; MAX + 1];

        for (to, from) in text.iter_mut().take(MAX).zip(name.as_bytes()) {
            *to = *from;
        }
        // INVARIANT: The last byte was left zero.
        Self(text)
    }

    /// Returns a pointer to the text, a C string that lives as long as this.
    pub(super) fn as_ptr(&self) -> *const kernel::ffi::c_char {
        self.0.as_ptr().cast()
    }

    /// Returns whether there is a cache of this name, as sysfs has it. May sleep.
    ///
    /// The slab does not refuse a second one: it warns (`kmem_cache_sanity_check()`), or takes the
    /// first one's directory from it (`mm/slub.c`, `sysfs_slab_add()`). A module that is loaded
    /// again may come upon a cache that it has left behind.
    pub(super) fn is_taken(&self) -> bool {
        sysfs::has(self)
    }
}

/// Where the slab is in sysfs, which C calls `SLAB_SUPPORTS_SYSFS` (`mm/slab.h`).
#[cfg(all(CONFIG_SYSFS, not(CONFIG_SLUB_TINY)))]
mod sysfs {
    use core::ptr::{
        addr_of,
        null, //
    };

    use kernel::bindings;

    use super::Name;

    /// The directory of the caches, below that of the kernel; a C string.
    const SLAB: &[u8] = b"slab\0";

    /// Returns whether a cache of this name has a directory there. May sleep.
    pub(super) fn has(name: &Name) -> bool {
        // SAFETY: It is a static of C's that is set before there are modules, to an object that is
        // never removed.
        let directory = unsafe { (*addr_of!(bindings::kernel_kobj).read()).sd };

        // SAFETY: The directory is one of sysfs and stays; the names are C strings, and there is no
        // namespace. What is found is given back once it was asked for the next.
        unsafe {
            let slab = bindings::kernfs_find_and_get_ns(directory, SLAB.as_ptr().cast(), null());
            if slab.is_null() {
                return false;
            }
            let cache = bindings::kernfs_find_and_get_ns(slab, name.as_ptr(), null());
            bindings::kernfs_put(slab);
            bindings::kernfs_put(cache);
            !cache.is_null()
        }
    }
}

#[cfg(not(all(CONFIG_SYSFS, not(CONFIG_SLUB_TINY))))]
mod sysfs {
    use super::Name;

    /// Returns false: nobody knows.
    pub(super) fn has(_name: &Name) -> bool {
        false
    }
}
