# SPDX-License-Identifier: GPL-2.0

"""Preflight: says in plain words whether a kernel tree can build modules, and Rust modules.

Looks only at what an external module's build needs, so a build directory, a source tree that was
built in place and a distribution's headers directory all do. Writes nothing.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness import compiler
from harness import messages
from harness.arch import ARCHES, Arch
from harness.messages import Fail

# The crates that a module's build loads, as files of rust/; on distributions that ship them, these
# are all there is. Which more it takes the kernel's own scripts/Makefile.build says.
METADATA = (
    "libcore.rmeta",
    "libcompiler_builtins.rmeta",
    "libbindings.rmeta",
    "libbuild_error.rmeta",
    "libffi.rmeta",
    "libuapi.rmeta",
    "libkernel.rmeta",
    "libmacros.so",
)

# The oldest that is supported: the first of 6.12 that has the Allocator trait, a backport there
# (rust/kernel/alloc.rs).
OLDEST = (6, 12, 19)

# The newest that the project was tested on; newer ones get a notice.
NEWEST = (7, 3)

# What the guest needs of a kernel to come up and be heard.
GUEST_NEEDS = (
    "BLK_DEV_INITRD",
    "BINFMT_ELF",
    "BINFMT_SCRIPT",
    "PROC_FS",
    "SYSFS",
    "DEVTMPFS",
)


@dataclass(frozen=True)
class Tree:
    """A kernel tree that can build modules; `image` is what a guest boots, if it is there.

    Rust modules take `metadata`, which the tree has or somebody has to make (metadata.py).
    """

    build: Path
    source: Path | None
    release: str
    arch: Arch
    config: dict[str, str]
    image: Path
    metadata: bool

    @property
    def rustc(self) -> str:
        """The version text of the rustc that it was built with."""
        return self.config.get("RUSTC_VERSION_TEXT", "").strip('"')

    @property
    def compiler(self) -> str:
        """The version text of the C compiler that it was built with."""
        return compiler.version(self.config)

    @property
    def clang(self) -> bool:
        """Whether it was built with LLVM=1."""
        return compiler.is_clang(self.config)


def inspect(path: Path, rust: bool = True) -> Tree:
    """Looks at a tree; fails with what is wrong and what mends it. What is about Rust counts only
    if `rust`.
    """
    if not path.is_dir():
        raise Fail(f"KDIR={path}: there is no such directory")
    build = path.resolve()
    auto = build / "include/config/auto.conf"
    if not (build / "Makefile").is_file() or not (
        auto.exists() or (build / "Kconfig").is_file() or (build / ".config").exists()
    ):
        raise Fail(
            f"KDIR={path} is not a kernel tree: name a kernel's source tree that was built, its"
            " O= build directory, or /lib/modules/RELEASE/build"
        )
    if not auto.exists():
        state = "was not built yet" if (build / ".config").exists() else "was never configured"
        raise Fail(
            f"KDIR={path}: this kernel {state} (it has no include/config/auto.conf); if it was"
            " built with O=DIR, name that directory, else configure and build it first"
        )

    config = read_config(build)
    arch, source = arch_of(path, config), source_of(build)
    metadata = any((build / "rust").glob("*.rmeta"))
    tree = Tree(build, source, release_of(build), arch, config, build / arch.image, metadata)
    if is_too_old(tree.release):
        raise Fail(f"KDIR={path}: Linux {tree.release} is too old; {too_old()}")
    if "MODULES" not in config:
        raise Fail(
            f"KDIR={path}: this kernel can't load modules; set CONFIG_MODULES=y and rebuild it"
        )
    if rust:
        need_rust(path, tree)
    if not (build / "Module.symvers").is_file():
        raise Fail(
            f"KDIR={path}: it has no Module.symvers, so the kernel's build did not end; run"
            " make there once more"
        )
    return tree


def need_arch(path: Path, tree: Tree, asked: Arch | None) -> None:
    """Fails if the tree is for another architecture than that which ARCH= asks for, if it does."""
    if asked and tree.arch != asked:
        raise Fail(f"KDIR={path} is for {tree.arch.name}, which ARCH={asked.name} is not")


def need_rust(path: Path, tree: Tree) -> None:
    """Fails if the tree can't build modules in Rust."""
    if "RUST" not in tree.config:
        why = (
            "set CONFIG_RUST=y and rebuild it"
            if "RUST_IS_AVAILABLE" in tree.config
            else "`make LLVM=1 rustavailable` in its source tree says what it missed; then set"
            " CONFIG_RUST=y and rebuild it"
        )
        raise Fail(f"KDIR={path}: this kernel was built without Rust (no CONFIG_RUST); {why}")
    missing = missing_metadata(tree) if tree.metadata else []
    if missing:
        raise Fail(
            f"KDIR={path}: Rust metadata is not all there (rust/{', '.join(missing)}), which shows"
            " as E0463, can't find crate; build the kernel with this configuration, or"
            " copy rust/*.rmeta and rust/*.so from where it was built"
        )


def missing_metadata(tree: Tree) -> list[str]:
    """The files of rust/ that a module's build loads and that are not there."""
    rules = tree.build / "scripts/Makefile.build"
    if tree.source and not rules.exists():
        rules = tree.source / "scripts/Makefile.build"
    named = re.findall(r"--extern (\w+)", rules.read_text()) if rules.exists() else []
    # A crate is a library, or one of macros.
    have = {file.stem for file in (tree.build / "rust").glob("lib*.*")}
    return [name for name in METADATA if not (tree.build / "rust" / name).is_file()] + [
        f"lib{name}.rmeta or .so"
        for name in dict.fromkeys(named)
        if f"lib{name}" not in have and not any(f"lib{name}." in file for file in METADATA)
    ]


def is_too_old(release: str) -> bool:
    """Whether a kernel is older than is supported; one of unknown release is given a try.

    A version without its last number may have any.
    """
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    return (
        found is not None
        and tuple(int(part) if part else OLDEST[n] for n, part in enumerate(found.groups()))
        < OLDEST
    )


def too_old() -> str:
    """What to say then."""
    return f"the oldest that is supported is Linux {'.'.join(map(str, OLDEST))}"


def notice_if_newer(release: str) -> None:
    """Says if a kernel is newer than all that the project was tested on."""
    found = re.match(r"(\d+)\.(\d+)", release)
    if found and (int(found[1]), int(found[2])) > NEWEST:
        messages.say(
            f"      notice: Linux {release} is newer than {NEWEST[0]}.{NEWEST[1]}, the newest"
            " tested; it should work by the same rules"
        )


def read_config(build: Path) -> dict[str, str]:
    """The configuration of a build directory: symbols without their prefix, and their values."""
    text = (build / "include/config/auto.conf").read_text()
    return dict(re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.MULTILINE))


def arch_of(path: Path, config: dict[str, str]) -> Arch:
    """The architecture that a kernel is for."""
    # UML has the symbol of the processor that it runs on as well.
    for arch in sorted(ARCHES.values(), key=lambda arch: arch.symbol != "UML"):
        if arch.symbol in config:
            return arch
    raise Fail(
        f"KDIR={path}: this kernel is for an architecture that is not supported; it can be"
        f" {', '.join(ARCHES)}"
    )


def named() -> Path:
    """The tree that KDIR= names, or the running kernel's."""
    return Path(os.environ.get("KDIR") or Path("/lib/modules", os.uname().release, "build"))


def trees(build: Path, source: Path | None) -> list[Path]:
    """The directories that a build against a build directory reads.

    In a distribution's headers some are links to others (`scripts`, to Debian's linux-kbuild).
    """
    found = [build, *([source] if source else [])]
    links = [tree / name for tree in found for name in ("scripts", "tools")]
    return found + [link.resolve().parent for link in links if link.is_symlink()]


def source_of(build: Path) -> Path | None:
    """The source tree of a build directory: itself, or what its Makefile includes."""
    if (build / "kernel").is_dir() and (build / "Kconfig").is_file():
        return build
    found = re.search(r"^include (/\S+)/Makefile$", (build / "Makefile").read_text(), re.MULTILINE)
    link = build / "source"
    for source in [Path(found[1])] if found else [link] if link.exists() else []:
        if source.is_dir():
            return source.resolve()
    return None


def release_of(build: Path) -> str:
    """The kernel's release, as `uname -r` says it."""
    file = build / "include/config/kernel.release"
    return file.read_text().strip() if file.exists() else "of unknown release"


def need_kunit(tree: Tree, rust: bool) -> None:
    """Fails if the suites could not run, of modules in Rust or in C."""
    value = tree.config.get("KUNIT")
    if value == "m":
        raise Fail(
            f"KDIR={tree.build}: CONFIG_KUNIT is m, so the suites would not be built, or vanish"
            " silently; set CONFIG_KUNIT=y and rebuild the kernel"
        )
    if not value and not rust:
        raise Fail(
            f"KDIR={tree.build}: this kernel has no KUnit, which suites in C need; only suites made"
            " by kunit_suite!, in Rust, run there"
        )


def need_image(tree: Tree) -> None:
    """Fails if there is nothing to boot a guest with."""
    image = tree.image
    if not image.exists():
        raise Fail(
            f"KDIR={tree.build} has no {tree.arch.image} to boot a guest with; run"
            f" `make {image.name}` there, or use `make` alone to build the modules"
        )
    missing = [name for name in (*GUEST_NEEDS, *tree.arch.needs) if tree.config.get(name) != "y"]
    if missing:
        raise Fail(
            f"KDIR={tree.build}: a guest can't run on this kernel without"
            f" CONFIG_{', CONFIG_'.join(missing)}; set {'it' if len(missing) == 1 else 'them'}"
            " to y and rebuild it"
        )
