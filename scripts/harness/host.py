# SPDX-License-Identifier: GPL-2.0

"""Which toolchain builds modules for a kernel that was not built here: this machine's own tools, as
DKMS does, or the root; and what it takes for that, with the packages that have it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from harness import answers as asked
from harness import compiler
from harness import debian
from harness import source as sources
from harness import toolchain as toolchains
from harness.answers import Answer, Command
from harness.kdir import Tree
from harness.toolchain import Toolchain

# The tools of this machine.
HOST = Toolchain(None, "host")

# Tools, and the packages of Debian's that have them. gcc's of a version are in one of that name.
BINUTILS = ("ld", "objcopy")
CLANG = {"clang": "clang", "ld.lld": "lld", "llvm-objcopy": "llvm"}

# What is before the names of gcc and the binutils in the packages of this machine's own.
OWN_PREFIXES = ("", "x86_64-linux-gnu-")

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

# What a question is called that is none for a version.
SYSROOT = "sysroot"


def chosen(tree: Tree, rust: bool) -> Toolchain:
    """The toolchain that TOOLCHAIN= names; else this machine's own if the root lacks the tree's
    compilers and this machine has its rustc.

    rustc reads the metadata of its own version only. Without `rust` any rustc will do.
    """
    wanted = os.environ.get("TOOLCHAIN")
    if wanted == "host":
        return HOST
    root = toolchains.provide(tree.arch)
    fits = not rust or root.rustc() == tree.rustc
    if wanted or fits and root.has(compiler.command(tree.config)):
        return root
    return HOST if not rust or rustc(HOST).version == tree.rustc else root


def rustc(toolchain: Toolchain) -> Answer:
    """What its rustc says of its version."""
    return asked.ask(toolchain, {"rustc": Command(["rustc", "--version"])})["rustc"]


def gets_types(tree: Tree) -> bool:
    """Whether the modules that are built for a kernel get BTF (scripts/Makefile.modfinal)."""
    return "DEBUG_INFO_BTF_MODULES" in tree.config and (tree.build / "vmlinux").is_file()


def tools(tree: Tree, rust: bool) -> dict[str, str]:
    """The tools that a build takes, and their packages."""
    making = rust and not tree.metadata
    prefix = compiler.prefix(tree.config)
    of_arch = "" if prefix in OWN_PREFIXES else f"-{prefix[:-1].replace('_', '-')}"
    found = {"make": "make"}
    if tree.clang:
        found |= CLANG
    else:
        # The host's programs are made by the command that has no version.
        found |= {"gcc": "gcc"} if making else {}
        command = compiler.command(tree.config)
        found[command] = f"{command.removeprefix(prefix)}{of_arch}"
        found |= {compiler.tool(tree.config, name): f"binutils{of_arch}" for name in BINUTILS}
    if gets_types(tree):
        found["pahole"] = "pahole"
    if rust:
        found["rustc"] = "rustc"
        if "RUST_INLINE_HELPERS" in tree.config:
            found["llvm-link"] = "llvm"
    if making:
        found |= MAKING | (TYPES if TYPES_SYMBOL in tree.config else {})
    return found


def questions(tree: Tree, rust: bool) -> dict[str, Command]:
    """What the tools are asked: their versions, by their names, and where rustc is."""
    words = {"rustc": "-vV"}
    found = {tool: Command([tool, words.get(tool, "--version")]) for tool in tools(tree, rust)}
    return found | {SYSROOT: Command(["rustc", "--print", "sysroot"])}


def lacking(
    tree: Tree, rust: bool, toolchain: Toolchain, said: Mapping[str, Answer]
) -> dict[str, str]:
    """What is missing, each with the package that has it. The root has what is not a tool."""
    found = {tool: of for tool, of in tools(tree, rust).items() if said[tool].missing}
    if tree.metadata or not rust or toolchain.root:
        return found
    sysroot = said[SYSROOT].version
    if not sysroot or not Path(sysroot, LIBRARY).exists():
        found["source of Rust's core library"] = "rust-src"
    symbol, header, package = VERSIONS
    headers = HEADERS | ({header: package} if symbol in tree.config else {})
    found |= {
        name: of
        for name, of in headers.items()
        if not any((folder / name).exists() for folder in INCLUDE)
    }
    version = "" if os.environ.get("KERNEL_SOURCE") else debian.package_version(tree.release, HOST)
    if version and not sources.is_on_machine(version):
        found[f"source of Linux {version}"] = f"{sources.package_name(version)}={version}"
    return found
