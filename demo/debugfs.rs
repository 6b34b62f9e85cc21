// SPDX-License-Identifier: GPL-2.0

//! The module's files in debugfs, in `rust_alloc_demo/`:
//!
//! - `account`: what is live and what there was, a name and a number on each line; bytes where the
//!   name says so. Reading it makes no allocation wait.
//! - `cache`: what the module holds in a cache of its own, likewise.
//! - `walk`: the table of the last walk. Writing `1` runs it again, with the module's parameters;
//!   who reads meanwhile waits for its end. Writing fails with `EBUSY` while one runs, with
//!   `EINVAL` if it is not `1`, and as [`Walk::run`](crate::walk::Walk::run) does.
//!
//! They need the kernel crate's bindings of debugfs, which are there since Linux 6.18 (the cfg
//! `rust_debugfs`, which Kbuild sets), and `CONFIG_DEBUG_FS`. The module is there without them too.

pub(crate) use self::api::Files;

#[cfg(all(rust_debugfs, CONFIG_DEBUG_FS))]
mod api {
    //! Calls C instead of using `kernel::debugfs`, whose `file_operations` have no owner
    //! (`rust/kernel/debugfs/file_ops.rs`, 6.18 to 7.3): rmmod would not be refused while a file is
    //! open, and closing it then would call what is no longer there (`fs/debugfs/file.c`,
    //! `full_proxy_release()`).

    use core::{
        mem::zeroed,
        pin::Pin,
        ptr::{
            addr_of,
            from_ref,
            null, //
        },
    };

    use kernel::{
        bindings,
        error::{
            from_err_ptr,
            to_result, //
        },
        ffi::{
            c_char,
            c_int,
            c_void, //
        },
        new_mutex,
        prelude::*,
        seq_file::SeqFile,
        seq_print,
        sync::Mutex, //
    };

    use crate::{
        allocator::Accounted,
        cached::Cached,
        walk::Walk, //
    };

    extern "C" {
        // The module, by its address only; hence any type.
        static __this_module: u8;
    }

    /// Operations of a file, that nobody writes to.
    #[repr(transparent)]
    struct Operations(bindings::file_operations);

    // SAFETY: They are only read.
    unsafe impl Sync for Operations {}

    /// Returns the operations of a file whose text is made when it is read.
    const fn text(
        owner: *const u8,
        open: unsafe extern "C" fn(*mut bindings::inode, *mut bindings::file) -> c_int,
    ) -> bindings::file_operations {
        bindings::file_operations {
            owner: owner.cast_mut().cast(),
            open: Some(open),
            read: Some(bindings::seq_read),
            llseek: Some(bindings::seq_lseek),
            release: Some(bindings::single_release),
            // SAFETY: Every operation may be absent, which is what zero says.
            ..unsafe { zeroed() }
        }
    }

    #[allow(unused_unsafe, reason = "an address takes none since Rust 1.82")]
    static ACCOUNT: Operations = Operations(text(
        // SAFETY: Only the address is taken.
        unsafe { addr_of!(__this_module) },
        open_account,
    ));

    #[allow(unused_unsafe, reason = "as above")]
    static CACHE: Operations = Operations(text(
        // SAFETY: Only the address is taken.
        unsafe { addr_of!(__this_module) },
        open_cache,
    ));

    #[allow(unused_unsafe, reason = "as above")]
    static WALK: Operations = Operations(bindings::file_operations {
        write: Some(write_walk),
        // SAFETY: Only the address is taken.
        ..text(unsafe { addr_of!(__this_module) }, open_walk)
    });

    /// The files, which go when this is dropped.
    ///
    /// # Invariants
    ///
    /// `dir` is what `debugfs_create_dir()` returned. Its files have `walk` as their data.
    pub(crate) struct Files {
        dir: *mut bindings::dentry,
        _walk: Pin<KBox<Mutex<Walk>>>,
    }

    // SAFETY: debugfs takes a dentry from any task.
    unsafe impl Send for Files {}
    // SAFETY: Nothing is done through a shared reference.
    unsafe impl Sync for Files {}

    impl Files {
        /// Makes the files; `walk` is the one that was run.
        ///
        /// Without debugfs, as where it was turned off at boot, it says so, and that is all.
        ///
        /// # Errors
        ///
        /// `ENOMEM` if there is no memory for the lock.
        pub(crate) fn new(walk: Walk) -> Result<Self> {
            let walk = KBox::pin_init(new_mutex!(walk), GFP_KERNEL)?;
            let data = from_ref::<Mutex<Walk>>(&walk).cast_mut().cast();

            // SAFETY: The name is a C string, and no parent means the top directory.
            let dir = unsafe {
                bindings::debugfs_create_dir(
                    c"rust_alloc_demo".to_bytes_with_nul().as_ptr().cast(),
                    core::ptr::null_mut(),
                )
            };
            if let Err(err) = from_err_ptr(dir) {
                pr_notice!("debugfs: no directory rust_alloc_demo: {err:?}\n");
            }
            for (name, mode, operations) in [
                (c"account", 0o444, &ACCOUNT),
                (c"cache", 0o444, &CACHE),
                (c"walk", 0o644, &WALK),
            ] {
                // SAFETY: The name is a C string, `dir` is of debugfs or the error that debugfs
                // takes for one, the operations are static, and the data is there until `dir` is
                // removed with its files.
                unsafe {
                    bindings::debugfs_create_file_full(
                        name.to_bytes_with_nul().as_ptr().cast(),
                        mode,
                        dir,
                        data,
                        null(),
                        &operations.0,
                    )
                };
            }

            // INVARIANT: They were just made.
            Ok(Self { dir, _walk: walk })
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            // SAFETY: By the type invariants it is of debugfs or an error, which is ignored. It
            // returns when nobody is in one of the files' operations any more.
            unsafe { bindings::debugfs_remove(self.dir) };
        }
    }

    /// Opens `account`.
    ///
    /// # Safety
    ///
    /// To be called for a file by debugfs only.
    unsafe extern "C" fn open_account(
        _inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: The caller guarantees that `file` is being opened.
        unsafe { bindings::single_open(file, Some(show_account), core::ptr::null_mut()) }
    }

    /// Opens `cache`.
    ///
    /// # Safety
    ///
    /// To be called for a file by debugfs only.
    unsafe extern "C" fn open_cache(
        _inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: The caller guarantees that `file` is being opened.
        unsafe { bindings::single_open(file, Some(show_cache), core::ptr::null_mut()) }
    }

    /// Opens `walk`.
    ///
    /// # Safety
    ///
    /// As for [`open_account`]; the inode's data must be that of [`Files`].
    unsafe extern "C" fn open_walk(
        inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: The caller guarantees that `file` is being opened and what its inode has.
        unsafe { bindings::single_open(file, Some(show_walk), (*inode).i_private) }
    }

    /// Writes what `account` reads.
    ///
    /// # Safety
    ///
    /// To be called for an open file by seq_file only.
    unsafe extern "C" fn show_account(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: The caller guarantees that `seq` is one, and nobody else's during the call.
        let seq = unsafe { SeqFile::from_raw(seq) };
        let now = Accounted::account();

        for (name, value) in [
            ("live", now.live),
            ("bytes", now.bytes),
            ("peak_bytes", now.peak),
            ("allocated", now.allocated),
            ("freed", now.freed),
            ("failed", now.failed),
        ] {
            seq_print!(seq, "{name} {value}\n");
        }
        0
    }

    /// Writes what `cache` reads.
    ///
    /// # Safety
    ///
    /// As for [`show_account`].
    unsafe extern "C" fn show_cache(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: The caller guarantees that `seq` is one, and nobody else's during the call.
        let seq = unsafe { SeqFile::from_raw(seq) };

        Cached::tell(&mut |line| seq_print!(seq, "{line}\n"));
        0
    }

    /// Writes what `walk` reads.
    ///
    /// # Safety
    ///
    /// As for [`show_account`]; the file must have been opened by [`open_walk`].
    unsafe extern "C" fn show_walk(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: By the requirements of this function the data is that of `Files`, which is there
        // as long as debugfs calls for it.
        let walk = unsafe { &*(*seq).private.cast::<Mutex<Walk>>() };
        // SAFETY: The caller guarantees that `seq` is one, and nobody else's during the call.
        let seq = unsafe { SeqFile::from_raw(seq) };

        walk.lock().tell(&mut |line| seq_print!(seq, "{line}\n"));
        0
    }

    /// Runs the walk again if `1` is written to `walk`.
    ///
    /// # Safety
    ///
    /// To be called for an open file by debugfs only, which must have been opened by [`open_walk`].
    unsafe extern "C" fn write_walk(
        file: *mut bindings::file,
        from: *const c_char,
        len: usize,
        _offset: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: By the requirements of this function the file is one of seq_file's, and the data
        // that of `Files`, which is there as long as debugfs calls for it.
        let walk = unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            &*(*seq).private.cast::<Mutex<Walk>>()
        };
        let mut asked = false;

        // SAFETY: `from` is of the user's and is not trusted; `asked` is ours.
        let read = to_result(unsafe { bindings::kstrtobool_from_user(from, len, &mut asked) });
        let done = read.and_then(|()| match walk.try_lock() {
            _ if !asked => Err(EINVAL),
            Some(mut walk) => walk.run(),
            None => Err(EBUSY),
        });

        match done {
            Ok(()) => len as isize,
            Err(err) => err.to_errno() as isize,
        }
    }
}

#[cfg(not(all(rust_debugfs, CONFIG_DEBUG_FS)))]
mod api {
    use kernel::prelude::*;

    use crate::walk::Walk;

    /// What the kernel lacks.
    const MISSING: &str = if cfg!(rust_debugfs) {
        "CONFIG_DEBUG_FS"
    } else {
        "debugfs for Rust, which Linux 6.18 has"
    };

    /// No files.
    pub(crate) struct Files;

    impl Files {
        /// Says what is missing; never an error.
        pub(crate) fn new(_walk: Walk) -> Result<Self> {
            pr_notice!("debugfs: no directory rust_alloc_demo: this kernel has no {MISSING}\n");
            Ok(Self)
        }
    }
}
