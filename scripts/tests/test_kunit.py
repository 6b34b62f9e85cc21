# SPDX-License-Identifier: GPL-2.0

"""Tests of `make test` and `make kunit`: do they notice what goes wrong in a real guest?

The ways in which kunit.py alone would pass a bad run are all among them; where that is so, the test
also shows that kunit.py did pass it.
"""

import json
import unittest

from harness import SUITES, Harness


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


if __name__ == "__main__":
    unittest.main()
