# SPDX-License-Identifier: GPL-2.0

"""`make new`: what it writes works as it is, by the README's own lines."""

import unittest
from pathlib import Path

from copies import CHECKOUT, said_by
from outside import Outside

CASES = "kunit: 2 passed, 0 failed"


class New(Outside):
    """New modules."""

    def in_place(self, folder: Path, *words: str, code: int = 0) -> str:
        """Runs the new module's own make."""
        ended, out = said_by(["make", "-C", folder, *words])
        self.assertEqual(ended, code, out)
        return out

    def test_works(self) -> None:
        """With the kernel's macro: demo, test, lint; and a case that is lost is red."""
        folder = self.place / "my-module"
        self.make("new", DIR=str(folder), ARCH="")
        out = self.in_place(folder, "demo", "ARCH=um")
        self.assertIn("my_module: init: holding 10 numbers\n", out)
        self.assertIn(CASES, self.in_place(folder, "test", "ARCH=um"))
        self.assertIn(CASES, self.in_place(folder, "test"))
        self.in_place(folder, "lint")
        source = folder / "my_module.rs"
        text = source.read_text()
        self.assertEqual(text.count("    #[test]\n"), 2)
        source.write_text(text.replace("    #[test]\n", "    #[allow(dead_code)]\n", 1))
        out = self.in_place(folder, "test", "ARCH=um", code=2)
        self.assertIn("suite my_module: 1 of 2 cases did not run: first_numbers", out)

    def test_works_on_6_12(self) -> None:
        """With the suite macro of this project, on the oldest kernel and the newest."""
        folder = self.place / "older"
        self.make("new", DIR=str(folder), KERNEL="6.12", ARCH="")
        for words in (("KERNEL=6.12",), ("ARCH=um",)):
            self.assertIn("older: init: holding 10 numbers", self.in_place(folder, "demo", *words))
            self.assertIn(CASES, self.in_place(folder, "test", *words))
        self.in_place(folder, "lint", "KERNEL=6.12")

    def test_harness_elsewhere(self) -> None:
        """It is found by a variable, and missed in one line."""
        folder = self.place / "far" / "away"
        folder.parent.mkdir()
        self.make("new", DIR=str(folder), ARCH="")
        makefile = folder / "Makefile"
        makefile.write_text(makefile.read_text().replace(str(CHECKOUT.name), "not_here"))
        out = self.in_place(folder, "help", "HARNESS=/nowhere", code=2)
        self.assertIn("error: the harness is not here; HARNESS= names a checkout", out)
        self.assertIn("make demo", self.in_place(folder, "help", f"HARNESS={CHECKOUT}"))

    def test_refusals(self) -> None:
        """One line, and nothing is written."""
        there = self.place / "there"
        there.mkdir()
        (there / "mine").write_text("mine\n")
        for directory, message in (
            (str(there), "is there already; nothing was written"),
            (str(self.place / "no/where"), "there is no directory"),
            (str(self.place / "2fast"), "must begin with a small letter"),
            ("", "DIR= is the directory to make"),
        ):
            self.assertIn(message, self.refused("new", DIR=directory, ARCH=""))
        self.assertEqual([file.name for file in there.iterdir()], ["mine"])
        self.assertIn("KERNEL=6.6", self.refused("new", DIR="x", KERNEL="6.6", ARCH=""))


if __name__ == "__main__":
    unittest.main()
