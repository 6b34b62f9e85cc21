# SPDX-License-Identifier: GPL-2.0

"""A kernel tree that KDIR= names, as its files say: what it is for, and what it was built with.

It may be a build directory, a source tree that was built in place, or a distribution's headers
directory. What it has to be to build modules is in requirements.py. Writes nothing.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness import compiler
from harness import messages
from harness.arch import ARCHES, Arch

# The oldest that is supported: the first of 6.12 that has the Allocator trait, a backport there
# (rust/kernel/alloc.rs).
OLDEST = (6, 12, 19)

# The newest that the project was tested on; newer ones get a notice.
NEWEST = (7, 3)


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


def read(path: Path) -> Tree:
    """What a directory's files say; it has to be a kernel tree, of an architecture that is
    supported."""
    build = path.resolve()
    config = read_config(build)
    arch = arch_of(config)
    assert arch
    return Tree(
        build,
        source_of(build),
        release_of(build),
        arch,
        config,
        build / arch.image,
        any((build / "rust").glob("*.rmeta")),
    )


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


def arch_of(config: dict[str, str]) -> Arch | None:
    """The architecture that a kernel is for, if that is supported."""
    # UML has the symbol of the processor that it runs on as well.
    for arch in sorted(ARCHES.values(), key=lambda arch: arch.symbol != "UML"):
        if arch.symbol in config:
            return arch
    return None


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
    included = included_source(build)
    link = build / "source"
    for source in [included] if included else [link] if link.exists() else []:
        if source.is_dir():
            return source.resolve()
    return None


def included_source(build: Path) -> Path | None:
    """The source tree that the Makefile of a build directory includes."""
    found = re.search(r"^include (/\S+)/Makefile$", (build / "Makefile").read_text(), re.MULTILINE)
    return Path(found[1]) if found else None


def release_of(build: Path) -> str:
    """The kernel's release, as `uname -r` says it."""
    file = build / "include/config/kernel.release"
    return file.read_text().strip() if file.exists() else "of unknown release"
