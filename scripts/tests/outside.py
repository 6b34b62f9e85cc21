# SPDX-License-Identifier: GPL-2.0

"""What the tests of modules outside the checkout share: their directories, and make on them.

Guests are UML's where nothing else is asked for, which start in a tenth of a second.
"""

import shutil
import unittest
from pathlib import Path

from copies import CHECKOUT, said_by
from harness import places

FIXTURES = Path(__file__).with_name("fixtures")


def content(folder: Path) -> dict[str, bytes]:
    """All that is in a directory."""
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else b""
        for file in folder.rglob("*")
    }


def um_kernel() -> Path:
    """The build directory of the kernel of these tests, as a tree of one's own."""
    return next(places.stage("kernel").glob("7.3*-um-*"))


class Outside(unittest.TestCase):
    """A place for modules of others, always the same, so that the cache knows them."""

    place: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Makes the place."""
        cls.place = places.stage("run") / f"outside-{places.key(str(CHECKOUT), cls.__name__)}"
        shutil.rmtree(cls.place, ignore_errors=True)
        cls.place.mkdir(parents=True)
        cls.addClassCleanup(shutil.rmtree, cls.place)

    def copy(self, fixture: str, name: str = "") -> Path:
        """A copy of a fixture, as it was written, under a name of its own."""
        to = self.place / (name or fixture)
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(FIXTURES / fixture, to)
        return to

    def make(self, *words: str, code: int = 0, stdin: str = "", **variables: str) -> str:
        """Runs make in the checkout, checks its exit code, and returns what it printed."""
        given = {"ARCH": "um", **variables}
        command = ["make", "--no-print-directory", "-C", str(CHECKOUT), *words]
        command += [f"{name}={value}" for name, value in given.items() if value]
        ended, out = said_by(command, stdin=stdin)
        self.assertEqual(ended, code, out)
        return out

    def refused(self, *words: str, **variables: str) -> str:
        """What make says of a command that must fail in one line; that line."""
        out = self.make(*words, code=2, **variables)
        lines = [line for line in out.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(lines), 1, out)
        return lines[0]
