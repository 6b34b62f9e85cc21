# SPDX-License-Identifier: GPL-2.0

"""The guest's /init: compiled from init.c against the nolibc of a kernel's source, for each
architecture and version once."""

from pathlib import Path

from harness import messages
from harness import places
from harness import process
from harness import source as sources
from harness.kernel import Kernel

SOURCE = Path(__file__).with_name("init.c")
NOLIBC = "tools/include/nolibc"

# Small, static, and with nothing of the compiler's that a C library would have to bring.
FLAGS = (
    *("-Os", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib", "-nostdlibinc"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fuse-ld=lld", "-s"),
)


def init(kernel: Kernel) -> Path:
    """The program for guests on this kernel; compiled if it isn't there."""
    tree, arch = with_nolibc(kernel), kernel.arch
    made_of = places.key(str(tree), SOURCE.read_text(), *FLAGS, arch.triple, kernel.toolchain.key)
    where = places.stage("init") / f"{arch.user}-{made_of}"
    lock = f"init-{where.name}"
    return places.kept(where, lock, lambda part: compile_(kernel, tree, part)) / "init"


def with_nolibc(kernel: Kernel) -> Path:
    """The kernel's source; the default one's, if it came without."""
    tree = kernel.source
    if tree is None or not (tree / NOLIBC / "nolibc.h").exists():
        return sources.provide(None, None, kernel.toolchain) / "tree"
    return tree


def headers(kernel: Kernel, tree: Path) -> Path:
    """The kernel's headers for user space; made if they aren't there, which is most of the work."""
    arch = kernel.arch.user

    def fill(part: Path) -> None:
        build = part / "build"
        build.mkdir()
        make = ["make", "-C", str(tree), f"O={build}", f"ARCH={arch}", "LLVM=1", "headers"]
        process.run_logged(
            kernel.toolchain.argv(make, ro=[tree], rw=[build]),
            places.logs() / "init-headers.log",
            "making the kernel's headers for user space",
        )
        (build / "usr/include").rename(part / "include")
        places.remove(build)

    where = places.stage("init") / f"headers-{arch}-{places.key(str(tree))}"
    return places.kept(where, f"init-{where.name}", fill) / "include"


def compile_(kernel: Kernel, tree: Path, part: Path) -> None:
    """Compiles the program."""
    messages.say(f"      compiling the guest's /init for {kernel.arch.user}")
    include = headers(kernel, tree)
    clang = ["clang", f"--target={kernel.arch.triple}", *FLAGS]
    clang += ["-isystem", str(include), "-I", str(tree / NOLIBC)]
    clang += ["-include", "nolibc.h", "-o", str(part / "init"), str(SOURCE)]
    process.run_logged(
        kernel.toolchain.argv(clang, ro=[tree, include, SOURCE], rw=[part]),
        places.logs() / "init.log",
        "compiling the guest's /init",
    )
