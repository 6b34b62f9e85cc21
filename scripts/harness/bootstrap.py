# SPDX-License-Identifier: GPL-2.0

"""How the toolchain's root is made: by mmdebstrap, from Debian's packages."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness import messages
from harness import places
from harness import process
from harness import sandbox
from harness.messages import Fail

SUITE = "trixie"

# The suite with newer packages than the release's own: kernels, and Rust.
BACKPORTS = f"{SUITE}-backports"

# The kernel's build, kunit.py and the guest; then what `make lint` runs; then what the other
# commands do: the bench's plots, the tests in user land, DKMS, the debugger, the editor.
PACKAGES = (
    "bc",
    "bindgen",
    "bison",
    "bpftool",
    "busybox-static",
    "clang",
    "dpkg-dev",
    "flex",
    "gcc",
    "kmod",
    "libc6-dev",
    "libclang-dev",
    "libdw-dev",
    "libelf-dev",
    "libssl-dev",
    "lld",
    "llvm",
    "make",
    "pahole",
    "opensbi",
    "perl",
    "python3",
    "python3-pyelftools",
    "qemu-system-arm",
    "qemu-system-riscv",
    "qemu-system-x86",
    "rust-src",
    "rustc",
    "xz-utils",
    "flake8",
    "mypy",
    "rust-clippy",
    "rustfmt",
    "shellcheck",
    "cargo",
    "dkms",
    "gdb",
    "gnuplot-nox",
    "libclang-rt-dev",
    "openssl",
    "rust-analyzer",
)

# Those of the packages that are of rustc's version.
RUST = ("cargo", "rust-analyzer", "rust-clippy", "rust-src", "rustc", "rustfmt")

# Documentation of packages, and all of rust-src but the library that the kernel builds `core` from.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/src/rustc-*/*",
    "path-include=/usr/src/rustc-*/library/*",
)

# Kernel sources newer than the release's own are in its backports: the same line, another suite.
BACKPORTS_HOOK = (
    f"sed -n 's/ {SUITE} main/ {SUITE}-backports main/p; T; s/^deb/deb-src/p'"
    ' "$1/etc/apt/sources.list" >"$1/etc/apt/sources.list.d/backports.list"'
)

# What apt is told in the root, where it runs as the one user.
APT = "-q -o APT::Sandbox::User=root"

# What the root is made of.
MADE_OF = (SUITE, *PACKAGES, *DPKG_OPTIONS, BACKPORTS_HOOK)

GIGABYTES = 8


def preflight() -> None:
    """Finds out in a second what would fail in a minute."""
    places.need_space(GIGABYTES, "a cold start (toolchain, kernel source, kernel)")
    own = os.geteuid() == 0
    sandbox.need_tools({"mmdebstrap": "mmdebstrap"} | ({} if own else {"newuidmap": "uidmap"}))
    if not own:
        user = os.environ.get("USER") or str(os.geteuid())
        names = (user, str(os.geteuid()))
        entries = Path("/etc/subuid").read_text() if Path("/etc/subuid").exists() else ""
        if not any(line.split(":")[0] in names for line in entries.splitlines()):
            raise Fail(
                f"/etc/subuid has no entry for {user}, which mmdebstrap needs; as root:"
                f" usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            )
    sandbox.probe(unshared())


def unshared() -> tuple[str, ...]:
    """The command that runs another with mounts of its own. For an ordinary user, it is root in a
    user namespace there, to which that user's directories belong, and has other users as well."""
    user = ("--map-root-user", "--map-auto") if os.geteuid() != 0 else ()
    return ("unshare", *user, "--mount")


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """An empty directory in the cache for temporary files. The caller holds a lock.

    Not all files in it belong to the user; what an interrupted run left is removed.
    """
    path = places.stage("run") / "bootstrap"

    def remove() -> None:
        if path.exists():
            subprocess.run([*unshared(), "rm", "-rf", str(path)], check=False)

    remove()
    path.mkdir(parents=True)
    path.chmod(0o755)
    try:
        yield path
    finally:
        remove()


def make_root(part: Path) -> None:
    """Makes the root in `part`, all files of which come to belong to the user."""
    log = places.logs() / "toolchain.log"
    messages.say(f"      Debian {SUITE} with rustc, clang and QEMU, about 2 GB; log: {log}")
    mirror = os.environ.get("DEBIAN_MIRROR")
    mode = [] if os.geteuid() == 0 else ["--mode=unshare"]
    bootstrap = [
        "mmdebstrap",
        *mode,
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(PACKAGES)}",
        f"--setup-hook={BACKPORTS_HOOK}",
        *[f"--dpkgopt={option}" for option in DPKG_OPTIONS],
        SUITE,
        "-",
        *([mirror] if mirror else []),
    ]
    unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev/*", "-C", str(part)]
    progress = messages.Progress()

    def on_line(line: str) -> None:
        if told := re.match(r"I: (.*?)(?:\.\.\.)?$", line):
            progress.show(told[1])

    # mmdebstrap makes the root among the temporary files, which are in memory on many machines, and
    # takes a directory that the other users of the namespace can reach, which a home often isn't:
    # the one in the cache takes the place of /tmp. One shell for the pipe, which fails if either
    # side does.
    with temporary() as directory:
        make = [
            *unshared(),
            *("sh", "-c", 'mount --bind "$0" /tmp && TMPDIR=/tmp exec "$@"', str(directory)),
            *bootstrap,
        ]
        pipe = [
            *("bash", "-o", "pipefail", "-c", '"${@:1:$0}" | "${@:$0+1}"'),
            *(str(len(make)), *make, *unpack),
        ]
        process.run_logged(pipe, log, "making the toolchain's root", on_line)
    progress.end("toolchain made")
