# SPDX-License-Identifier: GPL-2.0

"""The variables of commands: one that a command doesn't take is refused, wherever it is set."""

import os
import unittest
from typing import Any
from unittest import mock

import pages
from copies import CHECKOUT, said_by

from harness import variables
from harness.messages import Fail


def set_to(**values: str) -> Any:
    """An environment with these variables."""
    return mock.patch.dict(os.environ, values)


class Takes(unittest.TestCase):
    """What variables.takes() refuses."""

    def refused(self, message: str, *taken: str, **values: str) -> None:
        """It fails with this."""
        with set_to(**values), self.assertRaises(Fail) as caught:
            variables.takes("thing", *taken)
        self.assertEqual(str(caught.exception), f"make thing does not take {message}")

    def test_taken(self) -> None:
        """What a command takes, what each takes, and what is nobody's."""
        with set_to(GIVEN="ARCH PYTHON RUST_ALLOC_DEMO_CACHE", ARCH="um", LIVE="1", SEED=""):
            variables.takes("thing", "ARCH")

    def test_on_the_command_line(self) -> None:
        """Of make's command line, whatever the name; an empty value is a value there."""
        self.refused("KERNLE=; it takes ARCH, KERNEL", "ARCH", "KERNEL", GIVEN="ARCH KERNLE")
        self.refused("SEED=; it takes none", GIVEN="SEED", SEED="")

    def test_in_the_environment(self) -> None:
        """Of the environment, if it is a variable of the project's."""
        for name in variables.SOME:
            value = str(CHECKOUT) if name == "M" else "1"
            self.refused(f"{name}=; it takes X", "X", **{name: value})

    def test_module_dir(self) -> None:
        """M= must be a directory with something to build."""
        for value, message in (
            ("/no/such", "M=/no/such: there is no such directory"),
            (str(CHECKOUT / "guest"), f"M={CHECKOUT}/guest has no Kbuild and no Makefile"),
        ):
            with set_to(M=value), self.assertRaises(Fail) as caught:
                variables.takes("thing", "M")
            self.assertIn(message, str(caught.exception))

    def test_values(self) -> None:
        """Flags, words and numbers."""
        with set_to(AGAIN="yes"), self.assertRaisesRegex(Fail, "^AGAIN=yes is neither 1 nor 0$"):
            variables.flag("AGAIN")
        for value, flag in (("1", True), ("0", False), ("", False)):
            with set_to(AGAIN=value):
                self.assertEqual(variables.flag("AGAIN"), flag)
        with set_to(ARGS="'a b' c"):
            self.assertEqual(variables.args(), ["a b", "c"])
        with set_to(ARGS="'"), self.assertRaisesRegex(Fail, r"^ARGS can't be read \(.*\)$"):
            variables.args()


class Commands(unittest.TestCase):
    """Every command of the Makefile, by make.

    One that is not refused must do no harm: none of them gets a cache.
    """

    NO_CACHE = {"RUST_ALLOC_DEMO_CACHE": "/proc/none"}

    def test_unknown(self) -> None:
        """A misspelt variable ends each command in one line, before anything is done."""
        _, listed = said_by(["make", "-s", "-C", str(CHECKOUT), "help"])
        goals = [line.split()[1] for line in listed.splitlines() if line.startswith("  make ")]
        self.assertGreater(len(goals), 20)
        self.assertEqual(goals, [*pages.GOALS, "help"])
        for goal in pages.GOALS:
            with self.subTest(goal):
                command = ["make", "-s", "-C", str(CHECKOUT), goal, "KERNLE=7.3"]
                code, said = said_by(command, env=self.NO_CACHE)
                self.assertEqual(code, 2, said)
                errors = [line for line in said.splitlines() if "***" not in line]
                self.assertEqual(len(errors), 1, said)
                self.assertIn(f"error: make {goal} does not take KERNLE=; it takes", said)

    def test_not_taken(self) -> None:
        """One that another command takes, on the command line and in the environment."""
        make = ["make", "-s", "-C", str(CHECKOUT)]
        for command, env in (
            ([*make, "demo", "SEED=1"], {}),
            ([*make, "demo"], {"SEED": "1"}),
            ([*make, "demo", "SEED="], {}),
        ):
            code, said = said_by(command, env={**self.NO_CACHE, **env})
            self.assertEqual(code, 2)
            self.assertIn("error: make demo does not take SEED=; it takes KDIR, KERNEL", said)


if __name__ == "__main__":
    unittest.main()
