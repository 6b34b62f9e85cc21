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
from harness import source as sources
from harness.archive import Unavailable
from harness.matrix import Cell, Result

GOOD = Result("passed", "7.3.4", passed=50, seconds=4)


class Conclusion(unittest.TestCase):
    """What the cells come to."""

    def conclude(self, *results: tuple[Cell, Result]) -> str:
        """Runs the conclusion and returns what it prints."""
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as to, redirect_stdout(said):
            with mock.patch.object(places, "results", return_value=Path(to)):
                matrix.conclude(dict(results))
        return said.getvalue()

    def test_green(self) -> None:
        out = self.conclude((Cell("7.3", "um"), GOOD), (Cell("7.3", "arm64", "mte"), GOOD))
        self.assertIn("| 7.3.4 | 50 / 0 / 0, 4 s | 50 / 0 / 0, 4 s |", out)
        self.assertIn("| arm64 mte ", out)

    def test_one_flavour(self) -> None:
        """Kernels of one flavour for two architectures are two releases."""
        cells = {
            Cell("debian", arch, "debian"): Result("passed", f"7.3.4-{arch}", passed=1, seconds=4)
            for arch in ("x86_64", "arm64")
        }
        out = self.conclude(*cells.items())
        self.assertRegex(out, r"\| 7\.3\.4-x86_64 \| 1 / 0 / 0, 4 s \| +\|")
        self.assertRegex(out, r"\| 7\.3\.4-arm64 +\| +\| 1 / 0 / 0, 4 s \|")

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
        with mock.patch.object(sources, "is_here", return_value=False), mock.patch.object(
            sources, "provide", side_effect=Unavailable("gone")
        ):
            cells = (Cell("6.18", "x86_64"), Cell("6.12", "x86_64", first=True))
            with redirect_stdout(io.StringIO()):
                results = matrix.run_all(cells, 0, mock.Mock())
        self.assertEqual(
            [result.status for result in results.values()], ["left out", "unavailable"]
        )


if __name__ == "__main__":
    unittest.main()
