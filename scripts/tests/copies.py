# SPDX-License-Identifier: GPL-2.0

"""What the tests of the harness in real guests share: a copy of the checkout to break.

Each test changes a line in the copy, runs a command there, and looks at its exit code and messages.
What is about the harness alone is run on the modules in faults/, which are built in a second, and
under ARCH=um, which starts in a tenth of one.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path

import pages
import ran

CHECKOUT = pages.CHECKOUT
sys.path.insert(0, str(CHECKOUT / "scripts"))

import lint  # noqa: E402
from harness import places  # noqa: E402
from harness import variables  # noqa: E402

# What the user, or make, has set is not for the commands of the tests, each of which says its own.
FOREIGN = (*variables.OF_A_COMMAND, *variables.TOOLS)
for name in FOREIGN:
    os.environ.pop(name, None)

# Test files that run at the same time have copies of their own (__main__.py). A copy's place is
# always the same, so that the cache knows what was built of it.
SLOT = os.environ.get("TEST_SLOT", "0")

# Longer than a cold start of everything.
LIMIT = 3600

FAULTS = "scripts/tests/faults"


def said_by(
    command: Sequence[str | Path],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> tuple[int, str]:
    """Runs a command; its exit code, and all that it says. One that went well is noted."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=LIMIT,
        check=False,
    )
    if done.returncode == 0:
        ran.note([str(word) for word in command], cwd, env or {})
    return done.returncode, done.stdout


def copy_checkout(name: str) -> Path:
    """A copy of the checkout, without what was built in it."""
    to = places.stage("run") / f"{name}-{places.key(str(CHECKOUT))}-{SLOT}"
    shutil.rmtree(to, ignore_errors=True)
    for file in lint.tracked(CHECKOUT):
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / file, to / file)
    return to


class Harness(unittest.TestCase):
    """A copy of the checkout to change and run commands in."""

    copy: Path

    # What the copy is called. Tests that break sources of the modules have another than those that
    # don't, for which nothing is compiled twice then.
    place = "harness"

    @classmethod
    def setUpClass(cls) -> None:
        """Makes the copy."""
        cls.copy = copy_checkout(cls.place)

    def change(self, name: str, old: str, new: str) -> None:
        """Replaces the one place in a file that reads `old`, until the test's end."""
        text = (self.copy / name).read_text()
        self.assertEqual(text.count(old), 1, f"{name} must have this once: {old}")
        self.write(name, text.replace(old, new))

    def write(self, name: str, text: str) -> None:
        """Gives a file another text, or makes one, until the test's end."""
        file = self.copy / name
        if file.exists():
            self.addCleanup(file.write_text, file.read_text())
        else:
            self.addCleanup(file.unlink)
            file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run_script(
        self, *command: str, code: int, args: str = "", stdin: str = "", **variables: str
    ) -> str:
        """Runs a command of the copy, checks its exit code, and returns what it printed."""
        ended, out = said_by(
            [sys.executable, "-B", str(self.copy / "scripts" / command[0]), *command[1:]],
            self.copy,
            {**({"ARGS": args} if args else {}), **variables},
            stdin,
        )
        self.assertEqual(ended, code, out)
        self.assertNotIn("Traceback", out)
        return out

    def run_faulty(
        self, *command: str, code: int, args: str = "", stdin: str = "", **variables: str
    ) -> str:
        """The same on the modules in faults/, under ARCH=um unless it is said otherwise."""
        own = {"ARCH": "um", "M": str(self.copy / FAULTS), **variables}
        return self.run_script(*command, code=code, args=args, stdin=stdin, **own)

    def assert_all(self, text: str, *parts: str) -> None:
        """Checks that each of these is in the text."""
        for part in parts:
            self.assertIn(part, text)

    def assert_most_passed(self, text: str, line: str) -> None:
        """Checks that all cases that ran passed, but for a few that were skipped."""
        self.assertRegex(text, line)
        found = re.search(line, text)
        assert found
        passed, skipped = int(found[1]), int(found[2])
        self.assertGreater(passed, 100)
        self.assertGreater(passed, 5 * skipped)
