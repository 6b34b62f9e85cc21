# SPDX-License-Identifier: GPL-2.0

"""What runs these test files."""

import unittest

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


if __name__ == "__main__":
    unittest.main()
