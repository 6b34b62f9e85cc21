# SPDX-License-Identifier: GPL-2.0

"""What a requirement on a kernel is that KDIR= names, and what it is asked of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness import answers as asked
from harness import host
from harness import kdir
from harness import text
from harness.answers import Answer
from harness.arch import Arch
from harness.kdir import Tree
from harness.toolchain import Toolchain

# What a requirement is for. Modules in Rust are built against the directory itself if it came with
# Rust metadata; where that has to be made, they are built against what is made.
BUILD = "any module"
RUST = "modules in Rust"
DIRECT = "a build against KDIR itself"
READY = "Rust metadata that is there"
MAKING = "Rust metadata to be made"
GUEST = "`make demo`, `make test`"
TEST = "`make test`"


@dataclass(frozen=True)
class Subject:
    """A directory that KDIR= names, and what modules are to be built for it, in Rust or not.

    `arch` is what ARCH= asks for, `given` a toolchain that has been chosen already, and `booted` an
    image that is not in the directory.
    """

    path: Path
    rust: bool = True
    arch: Arch | None = None
    given: Toolchain | None = None
    booted: Path | None = None
    # What has been asked already (requires_tools.py).
    answers: dict[str, Answer] = field(default_factory=dict)

    @cached_property
    def tree(self) -> Tree:
        """The kernel tree."""
        return kdir.read(self.path)

    @property
    def making(self) -> bool:
        """Whether Rust metadata has to be made for it."""
        return self.rust and not self.tree.metadata

    @property
    def image(self) -> Path:
        """What a guest boots."""
        return self.booted or self.tree.image

    @cached_property
    def toolchain(self) -> Toolchain:
        """What builds the modules."""
        return self.given or host.chosen(self.tree, self.rust)

    @property
    def whose(self) -> str:
        """The words by which a message names where the toolchain is."""
        return asked.whose(self.toolchain)

    @cached_property
    def trees(self) -> list[Path]:
        """The directories that a build reads."""
        return kdir.trees(self.tree.build, self.tree.source)

    def file(self, name: str) -> Path | None:
        """A file that the kernel's build looks for in the build directory and its source."""
        places = [self.tree.build, *([self.tree.source] if self.tree.source else [])]
        return next((place / name for place in places if has(place / name)), None)

    def content(self, name: str) -> str:
        """What is in such a file; nothing if it isn't there."""
        file = self.file(name)
        return file.read_text(errors="replace") if file else ""


def has(file: Path) -> bool:
    """Whether a file is there, and has something in it."""
    return file.is_file() and file.stat().st_size > 0


# The words that tell the one defect from another of its kind, by their names in the row's texts.
Words = Mapping[str, str]


@dataclass(frozen=True)
class Requirement:
    """A row: a name, what it is `of`, what is said if it is not met, what mends that, and the file
    of the kernel's that it comes from.

    `check` returns the words that fill both texts, or None if all is well. After a row that is
    `final` there is nothing more to look at.
    """

    name: str
    of: str
    says: str
    mend: str
    source: str
    check: Callable[[Subject], Words | None]
    final: bool = False

    def wrong(self, subject: Subject) -> str:
        """What is said of a subject; empty if it meets the requirement."""
        words = self.check(subject)
        if words is None:
            return ""
        path = text.shown(str(subject.path))
        return f"KDIR={path}: {self.says.format_map(words)}; {self.mend.format_map(words)}"


# What a check returns where no word tells one defect from another.
NOT_MET: Words = {}


def unless(met: object) -> Words | None:
    """What a check returns that has no words."""
    return None if met else NOT_MET


def listed(name: str, found: Sequence[str]) -> Words | None:
    """What a check returns that has found defects, as the word of this name."""
    return {name: ", ".join(found)} if found else None
