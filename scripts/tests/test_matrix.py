# SPDX-License-Identifier: GPL-2.0

"""The matrix's table and verdict, for outcomes that can't be had at will."""

import io
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import copies  # noqa: F401
from harness import matrix
from harness import messages
from harness import places
from harness import results
from harness import source as sources
from harness.archive import Unavailable
from harness.cells import Cell
from harness.results import Result

GOOD = Result("passed", "7.3.4", passed=50, seconds=4)


class Conclusion(unittest.TestCase):
    """What the cells come to."""

    def conclude(self, *came: tuple[Cell, Result]) -> str:
        """Runs the conclusion and returns what it prints."""
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as to, redirect_stdout(said):
            with mock.patch.object(places, "results", return_value=Path(to)):
                results.conclude(dict(came))
        return said.getvalue()

    def test_green(self) -> None:
        out = self.conclude((Cell("7.3", "um"), GOOD), (Cell("7.3", "arm64", "mte"), GOOD))
        self.assertRegex(out, r"\| 7\.3\.4 \| um +\| +\| 50 / 0 / 0, 4 s +\|")
        self.assertRegex(out, r"\| 7\.3\.4 \| arm64 +\| mte +\| 50 / 0 / 0, 4 s +\|")

    def test_toolchains(self) -> None:
        """A kernel that two compilers built is in two rows, and has two names."""
        cells = (Cell("7.3", "x86_64"), Cell("7.3", "x86_64", toolchain="backports"))
        out = self.conclude(*((cell, GOOD) for cell in cells))
        self.assertRegex(out, r"\| x86_64 +\| rustc of backports +\| 50")
        self.assertEqual([cell.name for cell in cells], ["7.3-x86_64", "7.3-x86_64-backports"])

    def test_one_failed(self) -> None:
        bad = Result("failed", "6.12.1", passed=49, failed=1)
        with self.assertRaisesRegex(messages.Fail, "1 of 2 cells failed: 6.12-x86_64"):
            self.conclude((Cell("7.3", "um"), GOOD), (Cell("6.12", "x86_64"), bad))

    def test_passed_and_yet_not(self) -> None:
        """A run whose cases passed can fail by what the kernel said."""
        bad = Result("failed", "6.12.1", passed=50, why="the kernel complained")
        self.assertIn("FAILED: 50 / 0 / 0", bad.text())

    def test_unavailable(self) -> None:
        gone = Result("unavailable", why="the archive does not have it")
        out = self.conclude((Cell("7.3", "um"), GOOD), (Cell("6.18", "x86_64"), gone))
        self.assertIn("unavailable: 6.18-x86_64", out)
        self.assertIn("| 6.18 ", out)
        for version in ("6.12", "7.3"):
            with self.assertRaises(messages.Fail):
                self.conclude((Cell("7.3", "um"), GOOD), (Cell(version, "x86_64"), gone))

    def test_left_out(self) -> None:
        out = self.conclude((Cell("7.3", "um"), GOOD), (Cell("6.18", "x86_64"), Result("left out")))
        self.assertIn("left out: 6.18-x86_64", out)

    def test_nothing_ran(self) -> None:
        with self.assertRaisesRegex(messages.Fail, "no cell was run"):
            self.conclude((Cell("6.18", "x86_64"), Result("left out")))

    def test_time(self) -> None:
        """With no time left, a cell that isn't here is run only if it must be."""
        with tempfile.TemporaryDirectory() as to, mock.patch.object(
            places, "results", return_value=Path(to)
        ), mock.patch.object(sources, "provide", side_effect=Unavailable("gone")):
            cells = (Cell("6.18", "x86_64"), Cell("6.12", "x86_64", first=True))
            with redirect_stdout(io.StringIO()):
                came = matrix.run_all(cells, 0, mock.Mock())
        self.assertEqual([result.status for result in came.values()], ["left out", "unavailable"])


if __name__ == "__main__":
    unittest.main()
