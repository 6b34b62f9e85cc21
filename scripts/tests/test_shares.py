# SPDX-License-Identifier: GPL-2.0

"""Shares of the matrix: CELLS=, DIR= and JOIN=."""

import json
import os
import unittest
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from copies import FAULTS, Harness

from harness import places
from harness.cells import CELLS


class Shares(Harness):
    """What `make matrix` leaves of some cells, and one table of it."""

    def setUp(self) -> None:
        """A place for the shares of a test."""
        self.folder = self.enterContext(places.scratch("shares"))

    def matrix(self, code: int, **variables: str) -> str:
        """Runs `make matrix` on the modules with faults."""
        return self.run_script("matrix.py", code=code, M=str(self.copy / FAULTS), **variables)

    def refused(self, **variables: str) -> str:
        """What it says if it must fail in one line, having done nothing."""
        out = self.matrix(1, **variables)
        self.assertEqual(out.count("\n"), 1, out)
        return out

    def share(self, name: str, came: str | Mapping[str, Mapping[str, object]]) -> str:
        """A share with the results of somebody else's cells, or with some text; its directory."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "matrix.json").write_text(came if isinstance(came, str) else json.dumps(came))
        return str(folder)

    def test_run_and_joined(self) -> None:
        """Two cells on two machines, one table; a share can be written anew."""
        shares = {cell: str(self.folder / cell) for cell in ("7.3-um", "7.3-x86_64")}
        for cell, folder in (*shares.items(), ("7.3-um", shares["7.3-um"])):
            self.assertIn("[1/1] ", self.matrix(0, CELLS=cell, DIR=folder))
            left = {path.name for path in Path(folder).iterdir()}
            self.assertLessEqual({cell, "matrix.json", "matrix.md"}, left)
            self.assertEqual(left & {*shares}, {cell})

        to = self.folder / "table"
        out = self.matrix(0, JOIN=" ".join(shares.values()), DIR=str(to))
        self.assertNotIn("[1/", out)
        self.assertRegex(out, r"\| 7\.3\.4 +\| um +\| +\| 3 / 0 / 0, ")
        self.assertRegex(out, r"\| 7\.3\.4 +\| x86_64 +\| +\| 3 / 0 / 0, ")
        self.assertRegex(out, r"\| 6\.12 +\| x86_64 +\| +\| left out ")
        left_out = next(line for line in out.splitlines() if line.startswith("left out: "))
        self.assertEqual(left_out.count(","), len(CELLS) - 3)
        self.assertIn("| 3 / 0 / 0, ", (to / "matrix.md").read_text())
        for cell in shares:
            for name in ("junit.xml", "kunit.json", "console.log"):
                self.assertTrue((to / cell / name).is_file())

        # A table is a share as well, of which CELLS= selects rows.
        out = self.matrix(0, JOIN=str(to), CELLS="7.3-x86_64 7.3-um")
        self.assertNotIn("left out", out)

    @unittest.skipIf(os.cpu_count() == 1, "a CPU for each of two cells")
    def test_beside_each_other(self) -> None:
        """The second cell begins while the first is run, which takes five seconds at least; each
        line says whose it is, and the table has its order."""
        first = '[ "$1" = after ] || '
        waits = f"{first}{{ busybox sleep 5; exit 0; }}"
        self.change(f"{FAULTS}/guest/guest.sh", f"{first}exit 0", waits)
        cells = ("7.3-x86_64", "7.3-um")
        out = self.matrix(0, CELLS=" ".join(cells), AGAIN="1", DIR=str(self.folder / "share"))
        said = [f"      {cell}: kunit: 3 passed, 0 failed" for cell in cells]
        self.assert_all(out, "[1/2] Linux 7.3, x86_64\n", "[2/2] Linux 7.3, um\n", *said)
        self.assertLess(*map(out.index, ("| x86_64 ", "| um ")))

        whole = json.loads((self.folder / "share/matrix.json").read_text())
        began = [datetime.fromisoformat(whole[cell]["began"]) for cell in cells]
        self.assertLess((began[1] - began[0]).total_seconds(), whole[cells[0]]["seconds"] - 3)

    def test_verdict(self) -> None:
        """The exit code is that of a matrix with these results."""
        good = {"status": "passed", "release": "7.3.4", "passed": 3}
        bad = {"status": "failed", "release": "7.3.4", "failed": 1}
        gone = {"status": "unavailable"}
        um = self.share("um", {"7.3-um": good, "7.3-x86_64": {"status": "left out"}})
        for code, name, said, other in (
            (0, "good", "| 3 / 0 / 0, ", {"7.3-x86_64": good}),
            (1, "bad", f"error: 1 of {len(CELLS)} cells failed: 7.3-x86_64", {"7.3-x86_64": bad}),
            (1, "gone", f"error: 1 of {len(CELLS)} cells failed: 6.12", {"6.12-x86_64": gone}),
            (0, "newer", "unavailable: 6.18-x86_64", {"6.18-x86_64": gone}),
        ):
            out = self.matrix(code, JOIN=f"{um} {self.share(name, other)}")
            self.assertIn(said, out)
        nothing = self.share("nothing", {"7.3-um": {"status": "left out"}})
        self.assertIn("error: no cell was run", self.matrix(1, JOIN=nothing))

    def test_what_is_left_of_a_failure(self) -> None:
        """DIR= has the results of a matrix that failed."""
        self.change(f"{FAULTS}/fault_suites.c", "KUNIT_EXPECT_FALSE", "KUNIT_EXPECT_TRUE")
        to = self.folder / "share"
        self.matrix(1, CELLS="7.3-um", DIR=str(to))
        self.assertIn("FAILED: 2 / 1 / 0", (to / "matrix.md").read_text())
        self.assertTrue((to / "7.3-um/console.log").is_file())

    def test_cells(self) -> None:
        """Names that are none, and two ways to select at once."""
        known = ", ".join(cell.name for cell in CELLS)
        message = f"error: CELLS= names 7.4-um, which is no cell; there are {known}\n"
        self.assertEqual(self.refused(CELLS="7.3-um 7.4-um"), message)
        self.assertIn("CELLS= names nothing", self.refused(CELLS=" "))
        for name, value in (("KERNEL", "7.3"), ("ARCH", "um"), ("FLAVOUR", "debug"), ("MTE", "1")):
            message = f"error: CELLS= and {name}= both select cells; use one of them\n"
            self.assertEqual(self.refused(CELLS="7.3-um", **{name: value}), message)

    def test_directory(self) -> None:
        """DIR= writes over nothing that isn't the matrix's."""
        (self.folder / "mine").mkdir()
        (self.folder / "mine/file").touch()
        for name in ("mine", "mine/file"):
            to = str(self.folder / name)
            message = f"error: DIR={to} is there already and has no matrix.json"
            self.assertIn(message, self.refused(CELLS="7.3-um", DIR=to))

    def test_bad_shares(self) -> None:
        """What can't be joined."""
        good = {"status": "passed", "release": "7.3.4", "passed": 3}
        one, two = self.share("one", {"7.3-um": good}), self.share("two", {"7.3-um": good})
        empty = self.folder / "empty"
        empty.mkdir()
        for join, message in (
            (" ", "JOIN= names no directory"),
            ("/no/such", "JOIN=/no/such: there is no such directory"),
            (str(empty), f"JOIN={empty} has no matrix.json; name what make matrix DIR="),
            (f"{one} {two}", f"JOIN= has 7.3-um in {one} and in {two}; name one of them"),
            (f"{one} {one}", f"JOIN= has 7.3-um in {one} and in {one}; name one of them"),
            (self.share("new", {"9.9-um": good}), "new has a cell 9.9-um; there are 7.3-x86_64"),
            (self.share("text", "{"), "text/matrix.json is not what make matrix writes ("),
            (self.share("list", "[1]"), "list/matrix.json is not what make matrix writes ("),
            (self.share("more", '{"7.3-um": {"x": 1}}'), "is not what make matrix writes ("),
            (self.share("odd", {"7.3-um": {"status": "fine"}}), "7.3-um has the status fine, "),
        ):
            with self.subTest(join):
                self.assertIn(message, self.refused(JOIN=join))
        for name in ("MINUTES", "AGAIN", "ACCEPT"):
            message = f"error: JOIN= runs nothing, and takes no {name}=\n"
            self.assertEqual(self.refused(JOIN=one, **{name: "1"}), message)


if __name__ == "__main__":
    unittest.main()
