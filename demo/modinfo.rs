// SPDX-License-Identifier: GPL-2.0

//! What a module tells `modinfo` beyond `module!`: its authors and parameters, in one form on every
//! kernel.
//!
//! `module!` takes one author or several, by kernel, and parameters since Linux 7.0 only. This
//! registers them as the C macros do (`include/linux/moduleparam.h`, `module_param()` and
//! `MODULE_PARM_DESC()`).

use core::sync::atomic::{
    AtomicUsize,
    Ordering, //
};

use kernel::bindings;

/// A number that is given when the module is loaded.
#[repr(transparent)]
pub(crate) struct Param(AtomicUsize);

impl Param {
    /// Returns a parameter with its default; to be put into a `static` by `modinfo!`.
    pub(crate) const fn new(default: usize) -> Self {
        Self(AtomicUsize::new(default))
    }

    /// Returns what was given, or the default.
    pub(crate) fn value(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A parameter as the module loader has it.
#[repr(transparent)]
pub(crate) struct Registered(pub(crate) bindings::kernel_param);

// SAFETY: The loader writes through it before the module's code runs, sysfs only reads.
unsafe impl Sync for Registered {}

/// Returns `text` with its length as a type, which is what a section takes.
pub(crate) const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut n = 0;

    while n < N {
        bytes[n] = text.as_bytes()[n];
        n += 1;
    }
    bytes
}

/// Writes one line of `modinfo`.
macro_rules! modinfo_line {
    ($($text:expr),+) => {
        const _: () = {
            const TEXT: &str = concat!($($text,)+ "\0");

            // `compiler`, as the kernel's own macros have it: of newer compilers a plain `#[used]`
            // goes to the linker as well, by a flag of the section. Of two sections of that name
            // modpost reads one, and misses the license that is in the other.
            #[used(compiler)]
            #[link_section = ".modinfo"]
            static LINE: [u8; TEXT.len()] = $crate::modinfo::bytes(TEXT);
        };
    };
}

/// Names the authors and declares parameters, each as a `static` of type [`Param`].
///
/// A parameter is an `unsigned long`: decimal, or hexadecimal with `0x`. What is no number makes
/// loading fail with `EINVAL`. All can be read in `/sys/module/*/parameters/`.
macro_rules! modinfo {
    (
        authors: [$($author:literal),+ $(,)?],
        params: {
            $(
                $name:ident {
                    default: $default:expr,
                    description: $description:literal $(,)?
                }
            ),* $(,)?
        } $(,)?
    ) => {
        $(modinfo_line!("author=", $author);)+

        pub(crate) mod params {
            $(
                #[allow(non_upper_case_globals, reason = "it has the parameter's name")]
                pub(crate) static $name: $crate::modinfo::Param =
                    $crate::modinfo::Param::new($default);

                modinfo_line!("parmtype=", stringify!($name), ":ulong");
                modinfo_line!("parm=", stringify!($name), ":", $description);

                const _: () = {
                    use kernel::bindings;

                    extern "C" {
                        // The module, by its address only; hence any type.
                        static __this_module: u8;
                    }

                    #[allow(unused_unsafe, reason = "an address takes none since Rust 1.82")]
                    #[used(compiler)]
                    #[link_section = "__param"]
                    static REGISTERED: $crate::modinfo::Registered =
                        $crate::modinfo::Registered(bindings::kernel_param {
                            name: concat!(stringify!($name), "\0").as_ptr().cast(),
                            // SAFETY: Only the address is taken.
                            mod_: unsafe { core::ptr::addr_of!(__this_module) }
                                .cast_mut()
                                .cast(),
                            // SAFETY: As above.
                            ops: unsafe { core::ptr::addr_of!(bindings::param_ops_ulong) },
                            perm: 0o444,
                            level: -1,
                            flags: 0,
                            __bindgen_anon_1: bindings::kernel_param__bindgen_ty_1 {
                                arg: core::ptr::addr_of!($name).cast_mut().cast(),
                            },
                        });
                };
            )*
        }
    };
}
