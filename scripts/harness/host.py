# SPDX-License-Identifier: GPL-2.0

"""What this machine's own tools can build modules for, as DKMS does; and what it takes for that.

What is missing is one line with the command that installs it, before any time is spent.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from harness import compiler
from harness import metadata
from harness import own_tools
from harness import source as sources
from harness import toolchain as toolchains
from harness.kdir import Tree
from harness.messages import Fail
from harness.toolchain import Toolchain

# The tools of this machine.
HOST = Toolchain(None, "host")

# Tools, and the packages of Debian's that have them. gcc's of a version are in one of that name.
CLANG = {"clang": "clang", "ld.lld": "lld", "llvm-objcopy": "llvm"}
GCC = {"gcc": "gcc", "ld": "binutils"}

# What the making of metadata takes beside those: the kernel's build, and its source's unpacking.
MAKING = {
    "bindgen": "bindgen",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
}
HEADERS = {
    "stdio.h": "libc6-dev",
    "libelf.h": "libelf-dev",
    "openssl/evp.h": "libssl-dev",
}

# What it takes if the kernel has a symbol of its configuration: for C's types, in the build and in
# the proof.
TYPES = {"pahole": "pahole", "bpftool": "bpftool"}
TYPES_SYMBOL = "DEBUG_INFO_BTF"
VERSIONS = ("GENDWARFKSYMS", "dwarf.h", "libdw-dev")

INCLUDE = (Path("/usr/local/include"), Path("/usr/include"))
LIBRARY = "lib/rustlib/src/rust/library/core/src/lib.rs"


def matching_toolchain(tree: Tree, rust: bool = True) -> Toolchain:
    """The toolchain that builds modules for the tree; if that is this machine's own, it can.

    rustc reads the metadata of its own version only. Without `rust` any rustc will do.
    """
    toolchain = chosen(tree, rust)
    if toolchain.root is None:
        need(tree, rust)
    return toolchain


def chosen(tree: Tree, rust: bool) -> Toolchain:
    """The toolchain that TOOLCHAIN= names; else the root if it has the tree's compilers, or this
    machine's own."""
    wanted = os.environ.get("TOOLCHAIN")
    if wanted == "host":
        return HOST
    root = toolchains.provide() if wanted else toolchains.root()
    if wanted and rust and root.rustc() != tree.rustc:
        raise Fail(other_rustc(tree, f"TOOLCHAIN={wanted} has {root.rustc() or 'none'}"))
    fits = not rust or root.rustc() == tree.rustc
    if wanted or fits and root.has(compiler.command(tree.config)):
        return root
    if not rust:
        return HOST
    own = HOST.rustc() if own_tools.which("rustc") else "none"
    if own == tree.rustc:
        return HOST
    raise Fail(other_rustc(tree, f"this machine has {own}, the toolchain's root {root.rustc()}"))


def other_rustc(tree: Tree, found: str) -> str:
    """What to say if no rustc can read the metadata."""
    return (
        f"KDIR={tree.build}: this kernel was built with {tree.rustc or 'an unknown rustc'};"
        f" {found}, and metadata of another rustc can't be read (E0514); install the kernel's"
        " rustc, or rebuild the kernel with the one that is here"
    )


def need(tree: Tree, rust: bool = True) -> None:
    """Fails if this machine's own tools can't build a module for the tree, in Rust or not."""
    missing = dict(lacking(tree, rust))
    if missing:
        packages = " ".join(dict.fromkeys(missing.values()))
        ways = [*own_tools.other_versions(list(missing)), f"as root: apt-get install {packages}"]
        raise Fail(
            f"KDIR={tree.build}: this kernel was built with {'clang' if tree.clang else 'gcc'},"
            f" and this machine has no {', '.join(missing)}; {', or '.join(ways)}"
        )
    if rust and HOST.rustc() != tree.rustc:
        raise Fail(other_rustc(tree, f"this machine has {HOST.rustc()}"))


def lacking(tree: Tree, rust: bool) -> Iterator[tuple[str, str]]:
    """What is missing, each with the package that has it."""
    making = rust and not tree.metadata
    tools = {"make": "make", **(CLANG if tree.clang else GCC)}
    if rust:
        tools["rustc"] = "rustc"
    if making:
        if not tree.clang:
            command = compiler.command(tree.config)
            tools[command] = command.removeprefix(compiler.prefix(tree.config))
        tools |= MAKING | (TYPES if TYPES_SYMBOL in tree.config else {})
    yield from ((tool, package) for tool, package in tools.items() if not own_tools.which(tool))
    if not making:
        return
    sysroot = HOST.output(["rustc", "--print", "sysroot"])
    if not sysroot or not Path(sysroot, LIBRARY).exists():
        yield "source of Rust's core library", "rust-src"
    symbol, header, package = VERSIONS
    for name, of in (HEADERS | ({header: package} if symbol in tree.config else {})).items():
        if not any((folder / name).exists() for folder in INCLUDE):
            yield name, of
    version = metadata.package_version(tree, HOST)
    if version and not sources.is_on_machine(version):
        yield f"source of Linux {version}", f"{sources.package_name(version)}={version}"
