# SPDX-License-Identifier: GPL-2.0

"""The cells of the matrix: the kernels that are supported, in a table."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from harness import arch as arches
from harness import debian
from harness import flavour as flavours
from harness import kernel as kernels
from harness import selection
from harness import source as sources
from harness.arch import ARCHES
from harness.messages import Fail

# What a cell takes at most whose kernel has to be built, in minutes on two cores; one whose kernel
# only wants Rust metadata; and one for which all that is there.
CELL_MINUTES = 9
SHIPPED_MINUTES = 4
HERE_MINUTES = 2


@dataclass(frozen=True)
class Cell:
    """A kernel that is supported: a version, an architecture, and its flavour.

    Of the distribution's kernels the version is `debian`, for the newest, or one's whole release. A
    `toolchain` is as TOOLCHAIN= says it, if it isn't what such a kernel takes by itself. Where time
    is short a cell that is not `first` is left out.
    """

    version: str
    arch: str
    flavour: str = ""
    first: bool = False
    toolchain: str = ""

    @property
    def shipped(self) -> bool:
        """Whether it is for a kernel of the distribution's."""
        return selection.is_shipped(self.version)

    @property
    def about(self) -> str:
        """What it is besides its version and its architecture."""
        rustc = f"rustc of {self.toolchain}" if self.toolchain else ""
        return f"{self.flavour} {rustc}".strip()

    @property
    def name(self) -> str:
        """Its name, also as a directory."""
        own = [self.toolchain] * bool(self.toolchain)
        return "-".join([kernels.name_of(self.version, self.arch, self.flavour), *own])

    @property
    def title(self) -> str:
        """What it is for people."""
        if self.shipped:
            return f"Debian's Linux, {self.name}"
        return f"Linux {self.version}, {self.arch} {self.about}".strip()

    @property
    def minutes(self) -> int:
        """What it takes at most if its kernel is not there, on two cores."""
        return SHIPPED_MINUTES if self.shipped else CELL_MINUTES


# In the order in which they are run: what fails soonest and matters most comes first.
CELLS = (
    Cell("7.3", "x86_64", first=True),
    Cell("6.12", "x86_64", first=True),
    Cell(debian.NEWEST, "x86_64", "debian-cloud", first=True),
    Cell("7.3", "um", first=True),
    Cell("7.3", "x86_64", "debug", first=True),
    Cell("7.3", "riscv", first=True),
    Cell("7.3", "s390"),
    Cell("7.3", "arm"),
    Cell("7.3", "arm64"),
    Cell("7.3", "x86_64", "hardened"),
    Cell(debian.NEWEST, "x86_64", "debian-rt"),
    Cell(debian.NEWEST, "arm64", "debian"),
    Cell(debian.NEWEST, "x86_64", "debian"),
    Cell("6.18", "x86_64"),
    Cell("7.3", "x86_64", toolchain="backports"),
    Cell("7.3", "arm64", "64k"),
    Cell("7.3", "arm64", "mte"),
    Cell("7.3", "x86_64", "tiny"),
    Cell("7.3", "loongarch"),
    Cell("7.3", "arm64", "16k"),
    Cell("7.3", "arm64", "swtags"),
    Cell("7.3", "powerpc"),
    Cell("7.3", "x86_64", "cfi"),
)

# What selects cells besides CELLS=.
SELECTING = ("KERNEL", "ARCH", *flavours.VARIABLES)

# Without these the matrix can't be called green.
MUST_BE_AVAILABLE = ("6.12", "7.3")


def chosen() -> list[Cell]:
    """The cells that the variables leave which select a kernel; one that is not listed if named."""
    if os.environ.get("KDIR") or os.environ.get("KERNEL_TARBALL"):
        raise Fail("the matrix provides its kernels itself; leave KDIR and KERNEL_TARBALL unset")
    if os.environ.get("CELLS"):
        return of_names(os.environ["CELLS"].split())
    version, named = os.environ.get("KERNEL"), arches.selected()
    release = debian.parse(version or "")
    if release:
        return [Cell(release.name, release.arch.name, release.flavour, True)]
    arch = named or ARCHES[arches.DEFAULT]
    flavour = flavours.selected(arch).name
    cells = [
        cell
        for cell in CELLS
        if (not version or cell.version == version)
        and (not (named or flavour) or cell.arch == arch.name)
        and (not (named or flavour) or cell.flavour == flavour or cell.shipped and not flavour)
    ]
    if cells:
        return cells
    selection.check_version(version or sources.DEFAULT)
    return [Cell(version or sources.DEFAULT, arch.name, flavour, True)]


def of_names(names: Sequence[str]) -> list[Cell]:
    """The cells that CELLS= names, in the order of the table."""
    other = [name for name in SELECTING if os.environ.get(name)]
    if other:
        raise Fail(f"CELLS= and {other[0]}= both select cells; use one of them")
    known = [cell.name for cell in CELLS]
    unknown = [name for name in names if name not in known] or ["nothing"] * (not names)
    if unknown:
        raise Fail(f"CELLS= names {unknown[0]}, which is no cell; there are {', '.join(known)}")
    return [cell for cell in CELLS if cell.name in names]
