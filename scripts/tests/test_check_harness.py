# SPDX-License-Identifier: GPL-2.0

"""What runs these test files."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import pages
import ran
from copies import CHECKOUT, said_by

# A file that takes no time.
NAME = "test_cases"


class CheckHarness(unittest.TestCase):
    """`make check-harness` of a file."""

    def check(self, *words: str) -> tuple[int, str]:
        """Its exit code, and what it says."""
        return said_by(["make", "-s", "-C", str(CHECKOUT), "check-harness", *words])

    def test_named(self) -> None:
        """A file that is named is run; one that isn't there is an error in one line."""
        code, said = self.check(f"ARGS={NAME}", "MINUTES=10")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, rf"\A{NAME}: \d+ tests, .*: ok\n\d+ tests in 1 files, ")
        self.assertNotIn("left out", said)

        code, said = self.check("ARGS=test_nothing")
        self.assertEqual(code, 2)
        self.assertIn("error: ARGS: there is no test file test_nothing; there are ", said)

    def test_late(self) -> None:
        """After its time no file is begun, which is said; what is no time is an error."""
        code, said = self.check(f"ARGS={NAME}", "MINUTES=0")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, rf"\Aleft out: {NAME}\n0 tests in 0 files, ")

        code, said = self.check(f"ARGS={NAME}", "MINUTES=soon")
        self.assertEqual(code, 2)
        self.assertIn("error: MINUTES=soon is not a number of minutes\n", said)


class RanTest(unittest.TestCase):
    """What is known of the commands that tests have run."""

    def test_goals(self) -> None:
        """By make or as a program, also in a sandbox; not the kernel's of the same name."""
        here, env = str(CHECKOUT), {"KERNEL": "7.3", "SEED": ""}
        sandbox = ["bwrap", "--bind", "/", "/", "--chdir", here, "env", "-i", "ARCH=um"]
        for argv, cwd, goal, given in (
            (["make", "-s", "-C", here, "vm", "M=dir"], None, "vm", {"M", "KERNEL"}),
            (["make", "dkms", "ARGS=-k 7.3"], CHECKOUT, "dkms", {"ARGS", "KERNEL"}),
            ([*sandbox, "make", "dkms"], None, "dkms", {"ARCH", "KERNEL"}),
            ([*sandbox, "python3", "scripts/demo.py"], None, "demo", {"ARCH", "KERNEL"}),
            (["python3", "-B", f"{here}/scripts/kunit.py", "test"], None, "test", {"KERNEL"}),
            (["python3", "-B", f"{here}/scripts/kunit.py"], None, "kunit", {"KERNEL"}),
        ):
            with self.subTest(argv):
                self.assertEqual(ran.of(argv, cwd, env), [(goal, frozenset(given))])
        for argv in (["make", "-C", "/nowhere", "modules_install"], ["make", "help"], ["true"]):
            with self.subTest(argv):
                self.assertEqual(ran.of(argv, CHECKOUT, env), [])

    def test_unrun(self) -> None:
        """A command is run if a test gave it all that it is shown with, and it ended well."""
        shown = [
            pages.Command("page", f"make help {word}", ["help", "ci"], {word: "1"})
            for word in ("DIR", "SEED")
        ]
        with tempfile.TemporaryDirectory() as folder:
            notes = Path(folder, "ran")
            with mock.patch.dict(os.environ, {"TEST_RAN": str(notes)}):
                for ends, word, code in (("true", "DIR=1", 0), ("false", "SEED=1", 1)):
                    ended, _ = said_by(["sh", "-c", ends, "make", "ci", word], CHECKOUT)
                    self.assertEqual(ended, code)
            self.assertEqual(ran.unrun(shown, ran.noted(notes)), ["make help SEED (page)"])


if __name__ == "__main__":
    unittest.main()
