# SPDX-License-Identifier: GPL-2.0

"""Stage 2, for a kernel that came without Rust metadata: makes it from the kernel's source.

Distributions build kernels with Rust and leave out of their headers what a module in Rust needs of
that: `rust/*.rmeta` and `*.so`. A build directory of ours is configured as the kernel was, by the
headers' own .config, and gets as far as a module's build needs; the kernel itself isn't built. It
is proved to be that kernel's before it is used.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from harness import compiler
from harness import debian
from harness import layouts
from harness import messages
from harness import places
from harness import process
from harness import source as sources
from harness.kdir import Tree
from harness.messages import Fail
from harness.toolchain import Toolchain

# What a build directory takes on the disk.
GIGABYTES = 1

# Lines of make's that stand for an object, and about how many there are.
BUILT = re.compile(r"  (?:CC|AS|RUSTC|HOSTCC|BINDGEN|EXPORTS) ")
OBJECTS = 130

# What the build directory takes over from the headers before it is configured: the configuration,
# and what Debian's Makefile reads of the compilers; and when it is made: the kernel's release, what
# it exports, and its types.
CONFIGURATION = (".config", ".kernelvariables")
IDENTITY = (
    "include/config/kernel.release",
    "include/generated/utsrelease.h",
    "Module.symvers",
    "vmlinux",
)

# The architecture and version in the first lines of a .config (scripts/kconfig/confdata.c,
# conf_write_heading()).
HEADING = re.compile(r"^# Linux/(\S+) (\S+) Kernel Configuration$", re.MULTILINE)

# A file of the build directory that is there when the metadata is, and proved to be the kernel's.
# It says of which.
STAMP = "proved"

# How many differences a message quotes.
SHOWN = 3

RUNNING_BTF = Path("/sys/kernel/btf/vmlinux")


def provide(tree: Tree, toolchain: Toolchain) -> tuple[Path, Path]:
    """A build directory with the metadata of a kernel, and the source that it is made from.

    The kernel has what that takes (requires_tools.py). Made if it isn't there; a run that was
    interrupted is gone on with.
    """
    config = tree.build / ".config"
    text = config.read_text()
    heading = HEADING.search(text)
    if not heading:
        raise Fail(f"{config} does not say which Linux it is for")
    source = source_for(tree, toolchain)
    where = "host" if toolchain.root is None else "root"
    key = places.key(text, str(source), where)
    build = places.bound("metadata") / f"{tree.release}-{key}"
    belongs_to = places.key(*(digest(tree.build / name) for name in IDENTITY))
    with places.lock(f"metadata-{build.name}"):
        stamp = build / STAMP
        if not stamp.exists() or stamp.read_text() != belongs_to:
            check_version(tree, heading[2], source)
            places.need_space(GIGABYTES, "Rust metadata")
            build.mkdir(parents=True, exist_ok=True)
            stamp.unlink(missing_ok=True)
            make = ["make", "-C", str(source), f"O={build}", f"ARCH={heading[1]}"]
            make += compiler.make_words(tree.config)
            configure(tree, build, make, source, toolchain)
            compile_(build, make, source, toolchain)
            prove(tree, build, source, toolchain)
            take_over(tree, build, IDENTITY)
            stamp.write_text(belongs_to)
    return build, source


def is_here(release: str) -> bool:
    """Whether there is metadata for a release of the distribution's."""
    return any(places.bound("metadata").glob(f"{release}-*/{STAMP}"))


def digest(file: Path) -> str:
    """What a file is told apart by; empty if there is none."""
    if not file.exists():
        return ""
    stat = file.stat()
    return f"{file.name} {stat.st_size} {stat.st_mtime_ns}"


def source_for(tree: Tree, toolchain: Toolchain) -> Path:
    """The source that a kernel was made from: KERNEL_SOURCE's, or its distribution's."""
    named = os.environ.get("KERNEL_SOURCE")
    if named:
        return sources.named(Path(named), toolchain)
    version = debian.package_version(tree.release, toolchain)
    return sources.of_package(version, toolchain) / "tree"


def not_its_own(tree: Tree, why: str) -> Fail:
    """What to say of metadata that is not the kernel's."""
    return Fail(f"Rust metadata for Linux {tree.release} can't be made here: {why}")


def check_version(tree: Tree, version: str, source: Path) -> None:
    """Fails if a source is of another version than the kernel."""
    found = sources.version_of(source)
    if found != version:
        raise not_its_own(
            tree,
            f"it was configured as {version}, and {source} is {found}; name the source of exactly"
            " that version by KERNEL_SOURCE=",
        )


def configure(
    tree: Tree, build: Path, make: Sequence[str], source: Path, toolchain: Toolchain
) -> None:
    """Configures the build directory as the kernel is, and sees that it comes out the same."""
    take_over(tree, build, CONFIGURATION)
    progress = messages.Progress()
    progress.show("configuring")
    process.run_logged(
        toolchain.argv([*make, "olddefconfig", "syncconfig"], ro=[source], rw=[build]),
        places.logs() / f"{build.name}-config.log",
        "configuring it",
    )
    for name in (".config", "include/config/auto.conf"):
        there, here = ((where / name).read_text() for where in (tree.build, build))
        if there != here:
            raise not_its_own(
                tree,
                f"{name} comes out in another way from its source and these compilers"
                f" ({unlike(there, here)}); it takes the very source and compilers of that kernel",
            )


def unlike(there: str, here: str) -> str:
    """The first settings that two configurations do not have alike."""
    old, new = (set(text.splitlines()) for text in (there, here))
    said = [f"the kernel has `{line}`" for line in sorted(old - new)]
    said += [f"here it is `{line}`" for line in sorted(new - old)]
    return ", ".join(said[:SHOWN]) or "the order of the settings"


def compile_(build: Path, make: Sequence[str], source: Path, toolchain: Toolchain) -> None:
    """Makes what a module's build needs; goes on where an earlier run stopped."""
    log = places.logs() / f"{build.name}.log"
    messages.say(f"      making it from the kernel's source, about two minutes; log: {log}")
    progress, built = messages.Progress(), 0

    def on_line(line: str) -> None:
        nonlocal built
        if BUILT.match(line):
            built += 1
            progress.show(f"{built} of about {max(OBJECTS, built)} objects")

    command = [*make, f"-j{os.cpu_count() or 1}", "modules_prepare"]
    process.run_logged(
        toolchain.argv(command, ro=[source], rw=[build]), log, "making Rust metadata", on_line
    )
    progress.end("Rust metadata made")


def take_over(tree: Tree, build: Path, names: Sequence[str]) -> None:
    """Gives the build directory files of the kernel's own, where it has them."""
    for name in names:
        if (tree.build / name).is_file():
            shutil.copy2(tree.build / name, build / name)


def prove(tree: Tree, build: Path, source: Path, toolchain: Toolchain) -> None:
    """Fails if the metadata is not the kernel's: by the symbols that it exports for Rust, the names
    of which have digests of the crates, and by the layouts of C's types."""
    ours, theirs = exported(build), rust_symbols(tree.build)
    if ours != theirs:
        some = sorted(ours ^ theirs)[:SHOWN]
        raise not_its_own(
            tree,
            f"the kernel exports {len(theirs)} symbols of Rust, and {len(ours)} come of this source"
            f" and rustc; not in both is {', '.join(some)}",
        )
    said = f"      proved to be the kernel's: its configuration, {len(ours)} symbols of Rust"
    btf = next((file for file in btf_of(tree) if file.is_file()), None)
    if btf is None:
        messages.say(f"{said}; not the layouts of its types, of which there is no BTF")
        return
    make = compiler.make(build, tree.arch.name, tree.config)
    objcopy = compiler.tool(tree.config, "objcopy")
    made = layouts.Build(build, source, make, objcopy, toolchain)
    count, wrong = layouts.differences(made, btf)
    if wrong:
        raise not_its_own(
            tree,
            f"its types have other layouts than in this source: {'; '.join(wrong[:SHOWN])}",
        )
    messages.say(f"{said}, {count} types of C")


def btf_of(tree: Tree) -> list[Path]:
    """Where the kernel's BTF may be: with the headers, or in memory if it is running."""
    running = [RUNNING_BTF] if tree.release == os.uname().release else []
    return [tree.build / "vmlinux", *running] if "DEBUG_INFO_BTF" in tree.config else []


def exported(build: Path) -> set[str]:
    """The symbols that a build directory's Rust exports (rust/Makefile, cmd_exports)."""
    files = (build / "rust").glob("exports_*_generated.h")
    return {name for file in files for name in re.findall(r"_GPL\((\w+)\)", file.read_text())}


def rust_symbols(build: Path) -> set[str]:
    """The symbols of Rust that a kernel exports itself, by its Module.symvers."""
    lines = [line.split("\t") for line in (build / "Module.symvers").read_text().splitlines()]
    return {line[1] for line in lines if line[2] == "vmlinux" and re.match(r"_R|rust_", line[1])}
