# SPDX-License-Identifier: GPL-2.0

"""Tests of the other commands, in real guests, and of the variables that select a kernel."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from harness import LIMIT, Harness

import common

# Longer than a guest on a terminal is ever silent.
SILENCE = 100


class SelectionTest(Harness):
    """The variables that select a kernel."""

    def test_bad_values(self) -> None:
        """One line that names the good ones, before anything is done."""
        for variables, message in (
            ({"ARCH": "sparc"}, "error: ARCH=sparc is not supported; it can be x86_64, arm64"),
            ({"MTE": "yes"}, "error: MTE=yes is neither 1 nor 0"),
            ({"MTE": "1"}, "error: MTE=1 is for ARCH=arm64"),
            ({"DEBUG": "1", "ARCH": "um"}, "error: DEBUG=1 is for ARCH=x86_64"),
            ({"KERNEL": "latest"}, "error: KERNEL=latest is not a version"),
            ({"KERNEL": "6.6"}, "error: KERNEL=6.6 is too old"),
            ({"KERNEL": "6.12", "KDIR": "/x"}, "error: KDIR= and KERNEL= all name a kernel"),
            ({"KERNEL_TARBALL": "/no/such"}, "error: KERNEL_TARBALL=/no/such: there is no such"),
        ):
            for script in ("kunit.py", "demo.py", "vm.py", "module.py"):
                out = self.run_script(script, code=1, **variables)
                self.assertIn(message, out)
                self.assertLess(out.count("\n"), 3, out)

    def test_tarball_of_something_else(self) -> None:
        """An archive that is no kernel leaves nothing behind."""
        tarball = self.copy / "other.tar.gz"
        self.addCleanup(tarball.unlink)
        subprocess.run(["tar", "-czf", tarball, "-C", self.copy, "scripts"], check=True)
        before = set((common.cache() / "source").iterdir())
        out = self.run_script("kunit.py", code=1, KERNEL_TARBALL=str(tarball))
        self.assertIn("is not a kernel's source", out)
        self.assertEqual(set((common.cache() / "source").iterdir()), before)

    def test_tarball_that_is_too_old(self) -> None:
        """It is unpacked, looked at, and refused."""
        tree = self.copy / "linux-5.10"
        self.addCleanup(shutil.rmtree, tree)
        tree.mkdir()
        (tree / "Makefile").write_text(
            "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 1\nEXTRAVERSION =\n"
        )
        tarball = self.copy / "linux-5.10.tar"
        self.addCleanup(tarball.unlink)
        subprocess.run(["tar", "-cf", tarball, "-C", self.copy, tree.name], check=True)
        out = self.run_script("kunit.py", code=1, KERNEL_TARBALL=str(tarball))
        self.assertIn("too old; the allocator needs Linux 6.12.19", out)

    def test_version_that_the_archive_lacks(self) -> None:
        """The versions that it has are named."""
        out = self.run_script("kunit.py", code=1, KERNEL="6.13")
        self.assertRegex(out, r"error: the archive has no source of Linux 6.13; .*7\.3")


class MatrixTest(Harness):
    """`make matrix`, on the one cell that is here in any case."""

    def matrix(self, code: int, **variables: str) -> str:
        """Runs the cell."""
        return self.run_script("matrix.py", code=code, KERNEL="7.3", ARCH="x86_64", **variables)

    def test_cell(self) -> None:
        """It is run, taken as passed, run again if asked or if a source has changed."""
        again = "passed before"
        row = r"\| 7\.3\.\d+ \| (\d+) / 0 / (\d+), \d+ s \|"
        out = self.matrix(0, AGAIN="1")
        self.assert_passed(out, row)
        self.assertIn("7.3-x86_64: defect of this kernel's Vmalloc: the kernel warned", out)
        self.assertNotIn(again, out)
        kept = next(
            Path(line.split(": ", 1)[1]) for line in out.splitlines() if line.startswith("JSON")
        )
        cell = kept / "7.3-x86_64"
        kept_counts = json.loads((cell / "kunit.json").read_text())["misc"]
        self.assertEqual(kept_counts["passed"] + kept_counts["skipped"], self.cases)
        self.assertEqual((cell / "junit.xml").read_text().count("<testcase "), self.cases)
        self.assertRegex((kept / "matrix.md").read_text(), row)

        out = self.matrix(0, MINUTES="0")
        self.assertRegex(out, row)
        self.assertIn(again, out)

        self.change("allocator/layout.rs", "layout.pad_to_align().size()", "layout.size()")
        out = self.matrix(1)
        self.assertNotIn(again, out)
        self.assertRegex(out, r"FAILED: \d+ / [1-9]\d* / \d+")
        self.assertIn("error: 1 of 1 cells failed: 7.3-x86_64", out)
        self.assertNotIn(again, self.matrix(1))

    def test_warning_of_the_build(self) -> None:
        """A warning fails the cell."""
        self.change("allocator/layout.rs", "Ok(size)", "let unused = 0;\n    Ok(size)")
        out = self.matrix(1)
        self.assertRegex(out, r"\| FAILED +\|")
        self.assertIn("warnings are errors here", out)

    def test_unavailable(self) -> None:
        """A version that the archive lacks is named, and a run of nothing else has not passed."""
        out = self.run_script("matrix.py", code=1, KERNEL="6.13")
        self.assertRegex(out, r"\| 6\.13 +\| unavailable \|")
        self.assertIn("error: no cell was run", out)

    def test_bad_values(self) -> None:
        """What can't be done is said before anything is done."""
        for variables, message in (
            ({"MINUTES": "soon"}, "error: MINUTES=soon is not a number"),
            ({"KDIR": "/x"}, "error: the matrix provides its kernels itself"),
        ):
            self.assertIn(message, self.run_script("matrix.py", code=1, **variables))


class DemoTest(Harness):
    """`make demo`."""

    def test_green(self) -> None:
        """The module's report is shown, and all is well."""
        out = self.run_script("demo.py", code=0, args="max_align=4096 live=2")
        self.assertRegex(out, r"walk: layouts=\d+ misaligned=0 refused=0\n")
        self.assertRegex(out, r"exit: live=0 bytes=0\n")
        self.assertNotIn("error:", out)

    def test_leak(self) -> None:
        """What is held until exit is not given back."""
        held = "let held = Held::new()?;"
        self.change("rust_alloc_demo.rs", held, f"{held} core::mem::forget(Held::new()?);")
        out = self.run_script("demo.py", code=1)
        self.assertRegex(out, r"error: the module left memory behind: live=[1-9]\d* bytes=[1-9]")

    def test_parameters(self) -> None:
        """Parameters that are out of range, unknown, or none at all."""
        for args, message in (
            ("max_align=3", "error: guest: insmod failed: "),
            ("bogus=1", "error: the module has no such parameter"),
            ("$(id)", "error: ARGS: "),
        ):
            self.assertIn(message, self.run_script("demo.py", code=1, args=args))

    def test_hang(self) -> None:
        """The guest never ends; at the deadline it is made to, and its console is shown."""
        self.change("tests-kunit/init", "\ndemo() {\n", "\ndemo() {\n\twhile :; do :; done\n")
        self.change("scripts/demo.py", "DEADLINE = 180", "DEADLINE = 6")
        out = self.run_script("demo.py", code=1)
        self.assert_all(out, "error: the guest had not ended after 6 s", "guest: started")


class ModuleTest(Harness):
    """`make`."""

    def test_diagnostics(self) -> None:
        """An error is shown with the name that the file has in the checkout."""
        self.change("allocator/layout.rs", "Ok(size)", "Ok(sise)")
        out = self.run_script("module.py", code=1)
        self.assert_all(
            out, "error[E0425]", " allocator/layout.rs:", "error: the modules' build failed"
        )
        self.assertNotIn("/allocator/layout.rs", out)

    def test_builds(self) -> None:
        """The module comes to the checkout's top, where nothing else changes."""
        before = set(self.copy.rglob("*"))
        self.run_script("module.py", code=0)
        after = {path for path in self.copy.rglob("*") if "__pycache__" not in path.parts}
        self.assertEqual(after - before, {self.copy / "rust_alloc_demo.ko"})


class VmTest(Harness):
    """`make vm`."""

    def test_commands(self) -> None:
        """Commands from a pipe."""
        out = self.run_script(
            "vm.py",
            code=0,
            stdin="insmod rust_alloc_demo.ko live=1\n" "rmmod rust_alloc_demo\ndmesg | tail -n 1\n",
        )
        self.assertRegex(out, r"exit: live=0 bytes=0(.|\n)*exit: live=0 bytes=0")

    def test_terminal(self) -> None:
        """A shell on a terminal, left by its own command."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, str(self.copy / "scripts/vm.py")],
            cwd=self.copy,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            self.addCleanup(os.close, ours)
            self.expect(ours, "guest# ")
            os.write(ours, b"echo $((6 * 7)); sleep 60\r")
            self.expect(ours, "42\r")
            os.write(ours, b"\x03")
            self.expect(ours, "guest# ")
            os.write(ours, b"poweroff\r")
            self.assertEqual(process.wait(timeout=LIMIT), 0)

    def expect(self, terminal: int, text: str) -> None:
        """Reads the terminal until it shows `text`."""
        seen = b""
        while text.encode() not in seen:
            if not select.select([terminal], [], [], SILENCE)[0]:
                self.fail(f"no `{text}` after {SILENCE} s: {seen.decode(errors='replace')}")
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                self.fail(f"the guest ended before `{text}`: {seen.decode(errors='replace')}")


if __name__ == "__main__":
    unittest.main()
