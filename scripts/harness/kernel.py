# SPDX-License-Identifier: GPL-2.0

"""What a kernel is to modules and guests, whoever built it; and what commands need of one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import busybox
from harness import compiler
from harness import kdir
from harness import settings
from harness.arch import Arch
from harness.toolchain import Toolchain


@dataclass(frozen=True)
class Needs:
    """What a command needs of a kernel: KUnit, something to boot, Rust, a shell in the guest."""

    kunit: bool = False
    image: bool = False
    rust: bool = True
    shell: bool = False


@dataclass(frozen=True)
class Kernel:
    """A kernel's build directory and what goes with it.

    `source` is its source tree, where the build directory has one; `image` what can be booted. The
    `flavour` is that of a lean kernel or of one of Debian's, and empty for the plain lean one and
    for a user's own.
    """

    build: Path
    source: Path | None
    arch: Arch
    release: str
    flavour: str
    key: str
    toolchain: Toolchain
    image: Path | None
    config: Mapping[str, str]

    def make(self) -> list[str]:
        """The make command of its build, without a goal."""
        return compiler.make(self.build, self.arch.name, self.config)

    def trees(self) -> list[Path]:
        """The directories that a build against it reads."""
        return kdir.trees(self.build, self.source)

    @property
    def has_kunit(self) -> bool:
        """Whether KUnit runs the suites of modules; else they run them by themselves."""
        return "KUNIT" in self.config

    @property
    def version(self) -> str:
        """The version without its last number, as KERNEL= has it."""
        return short(self.release)

    @property
    def name(self) -> str:
        """What it is called in lists: 7.3-x86_64, 7.3-x86_64-debug."""
        return name_of(self.version, self.arch.name, self.flavour)

    @property
    def selectors(self) -> tuple[str, ...]:
        """The words by which a module's files are selected for it (settings.py)."""
        return selectors(self.version, self.arch, self.flavour)


def name_of(version: str, arch: str, flavour: str) -> str:
    """What a kernel is called in the lists of what must run, and its cell in the matrix."""
    return "-".join([version, arch, *[flavour] * bool(flavour)])


def short(version: str) -> str:
    """A version without its last number."""
    found = re.match(r"\d+\.\d+", version)
    return found[0] if found else version


def selectors(version: str, arch: Arch, flavour: str) -> tuple[str, ...]:
    """The words by which a module's files are selected for such a kernel (settings.py)."""
    return (version, arch.name, flavour)


def fetch(needs: Needs, selected: tuple[str, ...], arch: Arch, toolchain: Toolchain) -> None:
    """Fetches what guests take from outside: busybox, for a shell or the modules' own script."""
    if needs.shell or needs.kunit and settings.script(selected):
        busybox.provide(arch, toolchain)
