# SPDX-License-Identifier: GPL-2.0

"""What of the user's environment the toolchain's programs get: what is listed here, and no more.

The kernel's build takes hundreds of variables from the environment (KBUILD_OUTPUT, LLVM, KCFLAGS,
CROSS_COMPILE, W), and so do compilers (CPATH, GCC_EXEC_PREFIX, RUSTC_BOOTSTRAP) and make
(MAKEFLAGS). Exported for another build, they would change this one without a word.
"""

import os

# Taken with any toolchain, and why.
ANYWHERE = {
    "TERM": "what a shell, an editor or a debugger can do on the terminal",
    "http_proxy": "how the network is reached, by apt and cargo",
    "https_proxy": "the same",
    "no_proxy": "the same",
}

# Taken with this machine's own tools, and why.
OWN = {
    "PATH": "where the tools are",
    "HOME": "where rustup has the compilers",
    "RUSTUP_HOME": "the same, in another place",
    "RUSTUP_TOOLCHAIN": "which of those rustc is",
    "LD_LIBRARY_PATH": "what tools outside the system's directories are linked with",
    "LIBCLANG_PATH": "which libclang bindgen takes (Documentation/rust/quick-start.rst)",
    "TMPDIR": "where the compilers' temporary files have room",
    "SSL_CERT_FILE": "the certificates by which cargo knows the crates' registry",
    "SSL_CERT_DIR": "the same",
}


def passed_on(own: bool) -> dict[str, str]:
    """The variables for programs in the root, or for this machine's `own`."""
    names = [*ANYWHERE, *(OWN if own else {})]
    return {name: os.environ[name] for name in names if name in os.environ}
