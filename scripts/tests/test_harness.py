# SPDX-License-Identifier: GPL-2.0

"""Tests of the harness itself: does it notice what goes wrong in a real guest?

Each test changes a line in a copy of the checkout, runs a command there, and looks at its exit code
and messages. The ways in which kunit.py alone would pass a bad run are all among them; where that
is so, the test also shows that kunit.py did pass it.
"""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))

import common  # noqa: E402
import kernel as kernels  # noqa: E402
import verdict  # noqa: E402

COPIED = ("Kbuild", "modinfo.rs", "rust_alloc_demo.rs", "allocator", "scripts", "tests-kunit")

# Longer than a cold start of everything, and than a guest on a terminal is ever silent.
LIMIT = 3600
SILENCE = 100

# Where /init runs the suites.
SUITES = '\twhy=$(load rust_alloc_demo_kunit 2>&1) || fail "insmod failed: $why"\n'


class Harness(unittest.TestCase):
    """A copy of the checkout to change and run commands in."""

    copy: Path
    cases: int

    @classmethod
    def setUpClass(cls) -> None:
        """Provides the kernel; the copy's place is always the same, so that the cache knows it."""
        kernels.select(1, 2, need_kunit=True, need_image=True)
        cls.copy = common.cache() / "run" / "harness"
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
        env = {**os.environ, "ARGS": args, **variables}
        done = subprocess.run(
            [sys.executable, str(self.copy / "scripts" / command[0]), *command[1:]],
            cwd=self.copy,
            env=env,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertNotIn("Traceback", done.stdout)
        return done.stdout

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


class KunitTest(Harness):
    """`make test` and `make kunit`."""

    def test_green(self) -> None:
        """All is well, and the last line says so."""
        out = self.run_script("kunit.py", "test", code=0)
        self.assert_passed(out.splitlines()[-1], r"^kunit: (\d+) passed, 0 failed, (\d+) skipped$")
        self.assertNotIn("error:", out)

    def test_panic_after_the_plan(self) -> None:
        """PID 1 ends when all cases have passed."""
        self.change("tests-kunit/init", SUITES, SUITES + "\texit 1\n")
        out = self.run_script("kunit.py", "test", code=1)
        self.assert_all(
            out,
            f"Ran {self.cases} tests: passed: ",
            "Kernel panic - not syncing: Attempted to kill init",
            "error: the guest did not get to its end",
        )

    def fault(self, name: str, args: str = "") -> str:
        """A run in which the fault module is loaded after the suites have passed."""
        self.change("tests-kunit/init", SUITES, SUITES + "\tload rust_alloc_demo_fault\n")
        args = f"--kernel_args=rust_alloc_demo_fault.{name}=1 {args}"
        out = self.run_script("kunit.py", "test", code=1, args=args)
        self.assertIn(f"Ran {self.cases} tests: passed: ", out)
        self.assert_passed(out, r"kunit: (\d+) passed, 0 failed, (\d+) skipped\n")
        return out

    def test_warning(self) -> None:
        """The kernel warns in a run that is otherwise green."""
        self.assertRegex(self.fault("warn"), r"error: the kernel complained: .*WARNING: .*fault")

    def test_leak(self) -> None:
        """Blocks are not given back in a run that is otherwise green."""
        self.assertRegex(self.fault("leak"), r"error: \d{4} blocks more of the slab are in use")

    def test_oops(self) -> None:
        """The kernel oopses in a run that is otherwise green."""
        self.assertIn("error: the kernel complained: Oops", self.fault("oops"))

    def test_hang(self) -> None:
        """The guest never ends; at the deadline it is made to, and its console is shown."""
        out = self.fault("hang", "--timeout=30")
        self.assertIn("error: the guest did not get to its end", out)
        self.assertRegex(out, r"--- the end of .*\n(.*\n)*\[.*\] ok \d+ rust_alloc_zoo\n")

    def test_warning_before_the_suites(self) -> None:
        """The kernel warns while the console is still to be quiet."""
        self.change(
            "tests-kunit/init", "say started\n", "say started\nload rust_alloc_demo_fault\n"
        )
        out = self.run_script(
            "kunit.py", "test", code=1, args="--kernel_args=rust_alloc_demo_fault.warn=1"
        )
        self.assertIn("error: the kernel complained: ", out)

    def test_other_plan_first(self) -> None:
        """With the console not quiet kunit.py passes the built-in suites and ignores ours."""
        self.change("scripts/arch.py", '"loglevel=5"', '"loglevel=7"')
        out = self.run_script("kunit.py", "test", code=1)
        self.assertIn("error: the console had more than one test plan", out)
        self.assertNotIn(f"Ran {self.cases} tests", out)

    def test_suite_vanished(self) -> None:
        """A suite's file is no longer compiled."""
        self.change("tests-kunit/suites.rs", "mod nodes;\n", "")
        out = self.run_script("kunit.py", "test", code=1)
        self.assert_all(out, "error: suite rust_alloc_nodes did not run")

    def test_cases_missing(self) -> None:
        """A filter is no way to pass `make test`."""
        out = self.run_script("kunit.py", "test", code=1, args="rust_alloc_limits.largest_size")
        self.assert_all(
            out,
            "error: suite rust_alloc_limits: ",
            "cases did not run",
            "error: suite rust_alloc_zoo did not run",
            "kunit: 1 passed, 0 failed",
        )

    def test_failed_insmod(self) -> None:
        """The test module can't be loaded."""
        self.change("tests-kunit/suites.rs", "Ok(Self)", "Err(EINVAL)")
        out = self.run_script("kunit.py", "test", code=1)
        self.assert_all(out, "error: guest: insmod failed: ", "did not run")

    def test_missing_module(self) -> None:
        """The test module is not there."""
        self.change("tests-kunit/init", SUITES, SUITES.replace("kunit 2", "gone 2"))
        out = self.run_script("kunit.py", code=1)
        self.assertIn("error: guest: insmod failed: ", out)

    def test_filter(self) -> None:
        """Some cases are enough where some are asked for; the report is written to the checkout."""
        report = self.copy / "report.json"
        self.addCleanup(report.unlink, missing_ok=True)
        out = self.run_script(
            "kunit.py", code=0, args="'rust_alloc_l*.largest_size' --json=report.json"
        )
        self.assertIn("Ran 1 tests: passed: 1", out)
        self.assertEqual(json.loads(report.read_text())["misc"]["passed"], 1)

    def test_filter_that_matches_nothing(self) -> None:
        """No case ran."""
        out = self.run_script("kunit.py", code=1, args="no_such_suite")
        self.assertIn("error: no case ran", out)

    def test_listing(self) -> None:
        """A listing runs nothing, and that is well."""
        out = self.run_script("kunit.py", code=0, args="--list_tests")
        self.assertIn("\nrust_alloc_limits.largest_size\n", out)

    def test_isolated(self) -> None:
        """Each suite in a guest of its own."""
        out = self.run_script("kunit.py", code=0, args="--run_isolated=suite 'rust_alloc_[ln]*'")
        self.assert_all(out, "(1/2)", "(2/2)")

    def test_bad_args(self) -> None:
        """What can't be done is said before anything is done."""
        for args, message in (
            ("--arch=um", "error: ARGS: --arch is not for ARGS"),
            ("--json=no/such/dir/file", "error: ARGS: there is no directory"),
            ("'", "error: ARGS can't be read"),
        ):
            self.assertIn(message, self.run_script("kunit.py", code=1, args=args))

    def test_seed(self) -> None:
        """A random run can be had again."""
        for _ in range(2):
            out = self.run_script(
                "kunit.py",
                code=0,
                args="--raw_output=all rust_alloc_conformance.random*",
                SEED="77",
            )
            self.assertIn("random_sequence: seed=77\n", out.replace("\r", ""))
        for bad in ("x", "0", str(1 << 64)):
            out = self.run_script("kunit.py", code=1, SEED=bad)
            self.assertIn(f"error: SEED={bad} is not a seed", out)


class DebugTest(Harness):
    """The kernel of DEBUG=1: one real fault of each kind that it is there to see."""

    # A suite that is short, and passes.
    SUITE = "rust_alloc_limits"

    def fault(self, name: str) -> str:
        """A run in which the fault module does this after a suite that passed."""
        load = "\tbusybox insmod /rust_alloc_demo_fault.ko $(params rust_alloc_demo_fault)\n"
        unload = "\tbusybox rmmod rust_alloc_demo_fault\n"
        self.change("tests-kunit/init", SUITES, SUITES + load + unload)
        args = f"--kernel_args=rust_alloc_demo_fault.{name}=1 {self.SUITE}"
        out = self.run_script("kunit.py", code=1, args=args, DEBUG="1")
        self.assertRegex(out, r"Ran (\d+) tests: passed: \1\b")
        return out

    def test_clean(self) -> None:
        """Without a fault all is well, and kmemleak was asked."""
        out = self.run_script("kunit.py", code=0, args=self.SUITE, DEBUG="1")
        self.assertIn("kmemleak found 0 blocks\n", out)

    def test_out_of_bounds(self) -> None:
        """A write past the end of a block."""
        out = self.fault("out_of_bounds")
        self.assertRegex(out, "error: the kernel complained: BUG: KASAN: .*out-of-bounds")

    def test_use_after_free(self) -> None:
        """A write to a block that was freed."""
        out = self.fault("use_after_free")
        self.assertRegex(out, "error: the kernel complained: BUG: KASAN: .*use-after-free")

    def test_leak(self) -> None:
        """Blocks that nobody knows of any more."""
        out = self.fault("leak")
        self.assertIn("error: the kernel complained: kmemleak: unreferenced object", out)
        self.assertRegex(out, "error: the guest did not say `kmemleak found 0 blocks")

    def test_sleep_in_atomic_context(self) -> None:
        """An allocation that may sleep, under a spinlock."""
        out = self.fault("sleep")
        self.assertIn("error: the kernel complained: BUG: sleeping function called from", out)

    def test_allocation_failure(self) -> None:
        """A request that there was no memory for."""
        out = self.fault("exhaust")
        self.assertRegex(out, "error: the kernel complained: .*page allocation failure")

    def test_demo_that_is_not_refused(self) -> None:
        """The guest must have made the demo's allocations fail."""
        self.change("tests-kunit/init", "echo N > ignore-gfp-wait\n\techo 0 > verbose", ":")
        out = self.run_script("kunit.py", "test", code=1, args=self.SUITE, DEBUG="1")
        self.assertIn("error: the guest did not say `demo: allocations failed: ", out)


class SoakTest(Harness):
    """`make soak`."""

    def test_load(self) -> None:
        """What it came to is said; failures were injected, and all memory was given back."""
        out = self.run_script("soak.py", code=0, DURATION="3")
        self.assertRegex(
            out,
            r"\nsoak: \d+ s on 2 CPUs: operations=[1-9]\d* failures=[1-9]\d* peak=[1-9]\d* live=0"
            r"\n",
        )

    def test_bad_duration(self) -> None:
        """What can't be done is said before anything is done."""
        out = self.run_script("soak.py", code=1, DURATION="long")
        self.assertIn("error: DURATION=long is not a number of seconds", out)


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


class AllocatorTest(Harness):
    """An allocator that misaligns, seen by both modules."""

    def test_misaligned(self) -> None:
        """Cases fail; insmod of the demo fails and says which layout it was."""
        self.change("allocator/layout.rs", "layout.pad_to_align().size()", "layout.size()")

        out = self.run_script("kunit.py", "test", code=1)
        self.assertRegex(out.splitlines()[-1], r"^kunit: \d+ passed, [1-9]\d* failed")
        self.run_script("kunit.py", code=1, args="--raw_output rust_alloc_conformance")

        out = self.run_script("demo.py", code=1)
        self.assertRegex(out, r"walk: layout of size \d+, align \d+: .*misaligned")
        self.assert_all(out, "error: guest: insmod failed: ", "exit: live=0 bytes=0")


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
        self.change(
            "rust_alloc_demo.rs", "self.held = None;", "core::mem::forget(self.held.take());"
        )
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
