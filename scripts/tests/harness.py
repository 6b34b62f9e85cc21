# SPDX-License-Identifier: GPL-2.0

"""What the tests of the harness in real guests share: a copy of the checkout to break.

Each test changes a line in the copy, runs a command there, and looks at its exit code and messages.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))

import common  # noqa: E402
import kernel as kernels  # noqa: E402
import verdict  # noqa: E402

COPIED = (
    "Kbuild",
    "allocator",
    "debugfs.rs",
    "host",
    "modinfo.rs",
    "rust_alloc_demo.rs",
    "scripts",
    "tests-kunit",
    "walk.rs",
)

# Longer than a cold start of everything.
LIMIT = 3600

# Where /init runs the suites.
SUITES = '\twhy=$(load rust_alloc_demo_kunit 2>&1) || fail "insmod failed: $why"\n'


def said_by(
    command: Sequence[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> tuple[int, str]:
    """Runs a command, without the user's KDIR; its exit code, and all that it says."""
    given = {name: value for name, value in os.environ.items() if name != "KDIR"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**given, **(env or {})},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stdout


def readme(section: str) -> list[str]:
    """The blocks of code in a section of the README."""
    text = (CHECKOUT / "README.md").read_text().split(f"## {section}\n", 1)[1]
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text.split("\n## ", 1)[0], re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") + "\n" for block in found]


class Harness(unittest.TestCase):
    """A copy of the checkout to change and run commands in."""

    copy: Path
    cases: int

    @classmethod
    def setUpClass(cls) -> None:
        """Provides the kernel; the copy's place is always the same, so that the cache knows it."""
        kernels.select(1, 2, need_kunit=True, need_image=True)
        cls.copy = common.cache() / "run" / f"harness-{common.key(str(CHECKOUT))}"
        shutil.rmtree(cls.copy, ignore_errors=True)
        cls.copy.mkdir(parents=True)
        for name in COPIED:
            file = CHECKOUT / name
            (shutil.copytree if file.is_dir() else shutil.copy2)(file, cls.copy / name)
        with (cls.copy / "tests-kunit/Kbuild").open("a") as kbuild:
            kbuild.write("obj-m += faults/\n")
        plan = verdict.expected(cls.copy / "tests-kunit")
        cls.cases = sum(len(cases) for cases in plan.values())

    def change(self, name: str, old: str, new: str) -> None:
        """Replaces the one place in a file that reads `old`, until the test's end."""
        file = self.copy / name
        text = file.read_text()
        self.assertEqual(text.count(old), 1, f"{name} must have this once: {old}")
        file.write_text(text.replace(old, new))
        self.addCleanup(file.write_text, text)

    def run_script(
        self, *command: str, code: int, args: str = "", stdin: str = "", **variables: str
    ) -> str:
        """Runs a script of the copy, checks its exit code, and returns what it printed."""
        ended, out = said_by(
            [sys.executable, str(self.copy / "scripts" / command[0]), *command[1:]],
            self.copy,
            {"ARGS": args, **variables},
            stdin,
        )
        self.assertEqual(ended, code, out)
        self.assertNotIn("Traceback", out)
        return out

    def assert_all(self, text: str, *parts: str) -> None:
        """Checks that each of these is in the text."""
        for part in parts:
            self.assertIn(part, text)

    def assert_passed(self, text: str, line: str) -> None:
        """Checks that all cases passed or were skipped, as defects of the kernel are."""
        self.assertRegex(text, line)
        found = re.search(line, text)
        assert found
        passed, skipped = int(found[1]), int(found[2])
        self.assertEqual(passed + skipped, self.cases)
        self.assertGreater(passed, 5 * skipped)
