# SPDX-License-Identifier: GPL-2.0

"""The pages of the documentation: their commands exist and take what is shown, their links lead
somewhere, and the files that they name are there. That their commands are run by tests is seen when
all tests have run (ran.py)."""

import functools
import os
import re
import unittest
from unittest import mock

import pages
import ran
from copies import CHECKOUT, said_by

import soak
from harness import arch as arches
from harness import cells
from harness import flavour as flavours
from harness import selection
from harness import source as sources
from harness import variables

# Goals that pages show and that are somebody else's, with whose they are.
FOREIGN = {
    "rustavailable": "the kernel's",
    "modules_prepare": "the kernel's",
    "ppc64le_defconfig": "the kernel's",
    "olddefconfig": "the kernel's",
    "rust/kernel.o": "the kernel's",
    "all": "that of a CI of somebody else's",
    "GOAL": "stands for each",
}

# Variables whose values can be checked without doing what they ask for.
CHECKED = {"ARCH", "DEBUG", "KERNEL", "CELLS", "ACCEPT", "MINUTES", "DURATION"}

# Goals without a program of their own.
BARE = {"help"}


@functools.cache
def taken(goal: str) -> set[str]:
    """The variables that a command takes."""
    code, out = said_by(["make", "-s", "-C", str(CHECKOUT), goal, "NO_SUCH=1"])
    found = re.match(rf"error: make {goal} does not take NO_SUCH=; it takes (.*)\n", out)
    assert code and found, out
    names = set(found[1].split(", "))
    return {*names, *variables.ANY, *(variables.TOOLS if "TOOLCHAIN" in names else ())}


class CommandsTest(unittest.TestCase):
    """The commands of make."""

    def test_goals(self) -> None:
        """Each is one of the Makefile's."""
        known = {*pages.GOALS, *BARE, *FOREIGN}
        for command in pages.commands():
            with self.subTest(command.page, command=command.text):
                self.assertLessEqual(set(command.goals), known)

    def test_variables(self) -> None:
        """Each takes what is shown with it, as it says itself when it is given another."""
        seen: set[str] = set()
        for command in pages.commands():
            for goal in set(command.goals) & set(pages.GOALS) if command.variables else ():
                with self.subTest(command.page, command=command.text):
                    seen.add(goal)
                    self.assertLessEqual(set(command.variables), taken(goal))
        self.assertGreater(len(seen), 5)

    def test_values(self) -> None:
        """What each is told of a kernel, cells and durations is something that they can be."""
        seen: set[str] = set()
        for command in pages.commands():
            told = {name: command.variables[name] for name in CHECKED & set(command.variables)}
            seen.update(told)
            with self.subTest(command.page, command=command.text):
                with mock.patch.dict(os.environ, told):
                    self.check("matrix" in command.goals)
            folder = command.variables.get("M", "")
            if folder.startswith("reports/"):
                self.assertTrue((CHECKOUT / folder / "Kbuild").is_file(), command.text)
        self.assertEqual(CHECKED, set(seen))

    def check(self, of_cells: bool) -> None:
        """Fails as a command does that is told what the environment has."""
        arch = arches.selected() or arches.ARCHES[arches.DEFAULT]
        flavours.selected(arch)
        selection.check_version(os.environ.get("KERNEL") or sources.DEFAULT)
        variables.flag("ACCEPT")
        variables.minutes()
        soak.duration()
        if of_cells:
            cells.chosen()

    def test_module_dir(self) -> None:
        """The page about modules of one's own names all commands that take M=."""
        page = (CHECKOUT / "docs/modules.md").read_text()
        [said] = re.findall(r"^`M=` is taken by (.*?)\. Any ", page, re.MULTILINE | re.DOTALL)
        named = ["modules" if one == "make" else one for one in re.findall(r"`([\w-]+)`", said)]
        taking = [goal for goal in pages.GOALS if "M" in taken(goal)]
        self.assertEqual(sorted(named), sorted(taking))

    def test_not_run(self) -> None:
        """What no test runs is shown, so its reason is still wanted."""
        shown = {goal for command in pages.commands() for goal in command.goals}
        self.assertLessEqual(set(ran.NOT_RUN), shown)


class PlacesTest(unittest.TestCase):
    """What the pages lead to."""

    def test_links(self) -> None:
        """Files and headings."""
        for page in pages.PAGES:
            with self.subTest(page.name):
                self.assertEqual(list(pages.dead_links(page)), [])

    def test_files(self) -> None:
        """Files by their paths."""
        for page in pages.PAGES:
            with self.subTest(page.name):
                self.assertEqual(list(pages.missing_files(page)), [])


if __name__ == "__main__":
    unittest.main()
