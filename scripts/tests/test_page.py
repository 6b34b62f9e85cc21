# SPDX-License-Identifier: GPL-2.0

"""The matrix's page, looked at by a browser: in both themes, on a wide screen and on a phone's."""

import io
import os
import re
import shutil
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import chromium
import made_up
from copies import CHECKOUT, FAULTS, Harness
from harness import page
from harness import places
from harness import results
from harness import toolchain as toolchains
from harness.cells import Cell
from harness.toolchain import Toolchain

REAL = Cell("7.3", "um")

WIDE, PHONE = 1280, 390

# What is on the page: the table's rows and what each opens, as it is shown; by how much the page,
# or the table, is wider than the screen, also with everything opened; and what would be loaded.
SCRIPT = """
const root = page.documentElement;
const rows = [...page.querySelectorAll("tbody tr")].map(row => {
  const state = row.querySelector(".state");
  const details = row.querySelector("details");
  const style = page.defaultView.getComputedStyle(state.closest("summary") || state.parentNode);
  let back = style, at = state;
  while (back.backgroundColor == "rgba(0, 0, 0, 0)")
    back = page.defaultView.getComputedStyle(at = at.parentNode);
  return {
    cells: [...row.children].map(cell => (cell.querySelector("summary") || cell).innerText.trim()),
    state: state.innerText,
    colours: [page.defaultView.getComputedStyle(state).color, back.backgroundColor],
    open: details ? details.open : null,
    links: [...row.querySelectorAll("a")].map(link => link.getAttribute("href")),
  };
});
const boxes = [root, page.querySelector(".scroll")];
const wider = () => boxes.map(box => box.scrollWidth - box.clientWidth);
const overflow = wider();
page.querySelectorAll("details").forEach(one => { one.open = true; });
overflow.push(...wider());
return {
  rows,
  overflow,
  inside: [...page.querySelectorAll("tbody tr")].map(row => row.innerText),
  foreign: page.querySelectorAll("script, link, img, iframe, [src], b").length,
  head: page.defaultView.getComputedStyle(page.querySelector("thead")).display,
  back: page.defaultView.getComputedStyle(page.body).backgroundColor,
};
"""


def channels(colour: str) -> list[int]:
    """A colour as the browser says it."""
    return [int(number) for number in re.findall(r"\d+", colour)[:3]]


def luminance(colour: str) -> float:
    """How bright a colour is, as the contrast is computed from (WCAG 2)."""
    parts = [value / 255 for value in channels(colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours; text needs 4.5."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


class PageTest(Harness):
    """A page of one cell that was run, with a case that failed, and of others that are made up."""

    where: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Runs the cell, and makes the page in a copy of the directory: its links must not lead
        elsewhere."""
        super().setUpClass()
        cls.where = Path(cls.enterClassContext(tempfile.TemporaryDirectory()), "copy")
        case = cls("run_cell")
        try:
            came = case.run_cell(cls.where)
        finally:
            case.doCleanups()
        with redirect_stdout(io.StringIO()):
            page.write(came | made_up.leave(cls.where), cls.where)

    def run_cell(self, to: Path) -> dict[Cell, results.Result]:
        """Runs the cell, and copies what it leaves."""
        self.change(f"{FAULTS}/fault_suites.c", "KUNIT_EXPECT_FALSE", "KUNIT_EXPECT_TRUE")
        self.change(f"{FAULTS}/fault_suites.c", "if (skip)", "if (!skip)")
        out = self.run_faulty("matrix.py", code=1, KERNEL="7.3", AGAIN="1")
        said = [line for line in out.splitlines() if line.startswith("a page to look at")]
        self.assertEqual(len(said), 1, out)
        left = Path(said[0].split(": ", 1)[1])
        self.assertIn("<!doctype html>", left.read_text())
        shutil.copytree(left.parent, to)
        left = to / "matrix.html"
        left.unlink()
        result = results.kept(to / REAL.name)
        assert result
        return {REAL: result}

    def test_no_directories(self) -> None:
        """Whoever is sent the page isn't told where this machine has its files."""
        text = (self.where / "matrix.html").read_text()
        self.assertIn("the complete log is build.log", text)
        for directory in ("/home/me", "/tmp/", str(CHECKOUT), str(places.cache())):
            self.assertNotIn(directory, text)

    def ask(self, theme: str, width: int) -> dict[str, Any]:
        """What the browser finds."""
        found: dict[str, Any] = chromium.ask(self.where / "matrix.html", theme, width, SCRIPT)
        return found

    def test_cells(self) -> None:
        """The table has a row for each cell, which opens what is to be known of it."""
        found = self.ask("light", WIDE)
        rows = {
            tuple(row["cells"][:3]): (row, text)
            for row, text in zip(found["rows"], found["inside"])
        }
        real = next(cells for cells in rows if cells[1] == "um")
        self.assertRegex(real[0], r"7\.3\.\d+$")
        expected = {
            real: ("failed", True, r"1 passed, 1 failed, 1 skipped, \d+ s$"),
            ("6.12.118", "x86_64", ""): (
                "failed",
                True,
                "2 passed, 2 failed, 1 skipped, 1 min 15 s, 1 defect found",
            ),
            ("7.3", "arm64", "64k"): ("failed", True, "failed$"),
            ("7.3", "powerpc", ""): ("failed", True, "failed$"),
            ("6.18", "x86_64", ""): ("unavailable", False, "unavailable$"),
            ("7.3", "x86_64", "rustc of backports"): ("left out", None, "left out$"),
        }
        self.assertEqual(set(rows), set(expected))
        for cells, (state, is_open, text) in expected.items():
            row, inside = rows[cells]
            self.assertEqual((row["state"].rstrip(":"), row["open"]), (state, is_open), cells)
            self.assertRegex(row["cells"][3], text)
        for cells, parts in (
            (real, ("fault_first.may_fail", "Expected fail to be true, but is false")),
            (real, ("there is a parameter: fault_second.may_be_skipped", "rustc 1.")),
            (("6.12.118", "x86_64", ""), ("the kernel complained: WARNING", "zoo.bad")),
            (
                ("6.12.118", "x86_64", ""),
                ("Expected <b>x</b> == 1 && y", "zoo.crash, which crashed"),
            ),
            (
                ("6.12.118", "x86_64", ""),
                ("zoo.c: this kernel has no <zoo>: zoo.not::here", made_up.BEGAN[:10]),
            ),
            (("6.12.118", "x86_64", ""), ("defect of this kernel's Zoo: a gate is open",)),
            (("7.3", "arm64", "64k"), ("the modules' build failed",)),
            (("6.18", "x86_64", ""), ("the archive has no source",)),
        ):
            self.assert_all(rows[cells][1], *parts)
        # It has the files of an earlier run.
        self.assertNotIn("zoo.bad", rows[("7.3", "powerpc", "")][1])

    def test_alone(self) -> None:
        """It takes nothing from elsewhere and runs nothing, and its links are in the directory."""
        found = self.ask("light", WIDE)
        self.assertEqual(found["foreign"], 0)
        links = [link for row in found["rows"] for link in row["links"]]
        names = {
            "6.12-x86_64/console.log",
            "6.12-x86_64/junit.xml",
            "7.3-arm64-64k/build.log",
            "7.3-um/console.log",
            "7.3-um/kunit.json",
        }
        self.assertLessEqual(names, set(links))
        for link in links:
            self.assertTrue((self.where / link).is_file(), link)
        # What else is in these cells' folders is of an earlier run.
        unbuilt = [link for link in links if made_up.UNBUILT.name in link]
        self.assertEqual(unbuilt, [f"{made_up.UNBUILT.name}/build.log"])
        self.assertFalse([link for link in links if made_up.NO_KERNEL.name in link])

    def test_themes_and_screens(self) -> None:
        """It can be read in both themes, and nothing is wider than the screen."""
        backs = []
        for theme in chromium.THEMES:
            for width in (WIDE, PHONE):
                with self.subTest(theme=theme, width=width):
                    found = self.ask(theme, width)
                    self.assertEqual(found["overflow"], [0, 0, 0, 0])
                    self.assertEqual(found["head"] == "none", width == PHONE)
                    colours = {row["state"].rstrip(":"): row["colours"] for row in found["rows"]}
                    self.assertEqual(set(colours), {"failed", "unavailable", "left out"})
                    self.assertEqual(len({tuple(pair) for pair in colours.values()}), len(colours))
                    for state, pair in colours.items():
                        self.assertGreaterEqual(contrast(*pair), 4.5, state)

                    to = self.where / f"{theme}-{width}.png"
                    shown = chromium.screenshot(self.where / "matrix.html", theme, width, 900, to)
                    self.assertEqual((shown.width, shown.height), (width, 900))
                    self.assertEqual(list(shown.first), channels(found["back"]))
                    self.assertGreater(shown.values, 50)
            backs.append(luminance(found["back"]))
        dark, light = backs
        self.assertLess(dark, 0.05)
        self.assertGreater(light, 0.9)


class NoPageTest(unittest.TestCase):
    """Where no page can be made."""

    def said(self, to: Path) -> str:
        """What is said of the page of one cell; an old one is not left."""
        (to / "matrix.html").write_text("old")
        said = io.StringIO()
        with redirect_stdout(said):
            page.write({REAL: results.Result("passed", "7.3.4")}, to)
        self.assertFalse((to / "matrix.html").exists())
        return said.getvalue()

    def test_own_tools(self) -> None:
        """This machine's own Python has the library, or a line says that it hasn't."""
        with tempfile.TemporaryDirectory() as to:
            python = Path(to, "python3")
            python.write_text('#!/bin/sh\nexec /usr/bin/python3 -I -S "$@"\n')
            python.chmod(0o755)
            own = Toolchain(None, "")
            path = {"PATH": f"{to}:{os.environ['PATH']}"}
            with mock.patch.object(toolchains, "provide", return_value=own):
                with mock.patch.dict(os.environ, path):
                    said = self.said(Path(to))
        self.assertEqual(
            said,
            "no page was made: TOOLCHAIN=host: this machine's python3 has no jinja2; install"
            " python3-jinja2\n",
        )

    def test_template(self) -> None:
        """A program that fails is one line as well."""
        with tempfile.TemporaryDirectory() as to:
            with mock.patch.object(page, "provide", return_value=toolchains.root()):
                said = self.said(Path(to))
        self.assertRegex(said, r"\Ano page was made: its template failed: .*'jinja2'\n\Z")


if __name__ == "__main__":
    unittest.main()
