# SPDX-License-Identifier: GPL-2.0

"""What the harness makes of what modules say of themselves; and what it reads in real ones."""

import unittest
from pathlib import Path

from copies import FAULTS, Harness

from harness import ko as kos
from harness import toolchain as toolchains
from harness.ko import Ko
from harness.messages import Fail


def module(name: str, *depends: str, parameters: tuple[str, ...] = ()) -> Ko:
    """A module that needs these."""
    return Ko(Path(f"{name}.ko"), "", name, "", depends, parameters, ())


class Order(unittest.TestCase):
    """Which modules are loaded, and in which order."""

    def order(self, wanted: str, *among: Ko) -> str:
        """The names of what is loaded for these modules."""
        chosen = [ko for ko in among if ko.name in wanted.split()]
        return " ".join(ko.name for ko in kos.in_order(chosen, among))

    def test_needs(self) -> None:
        """What a module needs comes before it, once; what nobody needs does not come."""
        top, left, right = module("top", "left", "right"), module("left", "base"), module("right")
        right, base = module("right", "base"), module("base")
        among = (top, left, right, base, module("other"))
        self.assertEqual(self.order("top", *among), "base left right top")
        self.assertEqual(self.order("right left", *among), "base left right")
        self.assertEqual(self.order("other", *among), "other")

    def test_dashes(self) -> None:
        """The kernel takes a dash and an underscore for the same."""
        self.assertEqual(self.order("top", module("top", "a_b"), module("a-b")), "a-b top")

    def test_missing(self) -> None:
        """One line that names both."""
        with self.assertRaisesRegex(Fail, "^top needs the module gone, which is neither built"):
            self.order("top", module("top", "gone"))


class Parameters(unittest.TestCase):
    """The words of ARGS."""

    MODULES = (
        module("one", parameters=("size", "live")),
        module("the-other", parameters=("size",)),
    )

    def test_given(self) -> None:
        """A parameter is of all modules that have it, or of the named one."""
        for words, found in (
            (["live=1"], ["one.live=1"]),
            (["size=0x10"], ["one.size=0x10", "the-other.size=0x10"]),
            (["the_other.size=1", "one.live"], ["the-other.size=1", "one.live"]),
            ([], []),
        ):
            self.assertEqual(kos.parameters(words, self.MODULES), found)

    def test_bad(self) -> None:
        """One line for each."""
        for word, message in (
            ("$(id)", "ARGS: `$(id)` is no parameter of a module"),
            ("size=a b", "is no parameter of a module"),
            ("--quiet", "is no parameter of a module"),
            ("sise=1", "ARGS: no module has such a parameter: sise=1; there is one.size, one.live"),
            ("other.size=1", "no module has such a parameter: other.size=1"),
            ("the_other.live=1", "no module has such a parameter: the_other.live=1"),
        ):
            with self.subTest(word):
                with self.assertRaises(Fail) as caught:
                    kos.parameters([word], self.MODULES)
                self.assertIn(message, str(caught.exception))
        with self.assertRaisesRegex(Fail, "there are none at all"):
            kos.parameters(["size=1"], [module("bare")])


class Reading(Harness):
    """What real modules say."""

    def test_read(self) -> None:
        """Names, parameters and suites of the modules in faults/."""
        for name in ("fault_suites.ko", "faults.ko"):
            self.addCleanup((self.copy / FAULTS / name).unlink, missing_ok=True)
        for arch in ("um", "x86_64"):
            self.run_faulty("modules.py", code=0, ARCH=arch)
            names = ("fault_suites", "faults")
            files = [self.copy / FAULTS / f"{name}.ko" for name in names]
            for file in files:
                self.addCleanup(file.unlink, missing_ok=True)
            suites, faults = kos.read(files, toolchains.provide())
            self.assertEqual((suites.name, faults.name), names)
            self.assertEqual((suites.file, suites.depends), (files[0], ()))
            self.assertEqual(suites.suites, ("fault_first", "fault_second"))
            self.assertEqual(set(suites.parameters), {"seed", "refuse", "fail", "skip"})
            self.assertEqual(faults.suites, ())
            self.assertIn("use_after_free", faults.parameters)

    def test_no_module(self) -> None:
        """One line for a file that is none."""
        with self.assertRaisesRegex(Fail, r"^the modules can't be read \(.*\)$"):
            kos.read([self.copy / "Makefile"], toolchains.provide())


if __name__ == "__main__":
    unittest.main()
