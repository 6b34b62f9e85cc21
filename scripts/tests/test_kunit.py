# SPDX-License-Identifier: GPL-2.0

"""Tests of `make test` and `make kunit`: do they notice what goes wrong in a real guest?

The ways in which kunit.py alone would pass a bad run are all among them; where that is so, the test
also shows that kunit.py did pass it.
"""

import json
import unittest

from copies import FAULTS, Harness

GUEST = f"{FAULTS}/guest/guest.sh"
CASES = f"{FAULTS}/guest/cases"
MESSAGES = f"{FAULTS}/guest/messages.toml"
SUITES = f"{FAULTS}/fault_suites.c"

# How many cases the modules in faults/ have, and what kunit.py says when all have passed.
NUMBER = 3
ALL_PASSED = f"Ran {NUMBER} tests: passed: {NUMBER}"
LAST_LINE = f"kunit: {NUMBER} passed, 0 failed"


class ProjectTest(Harness):
    """The project's own suites, unbroken."""

    def test_green(self) -> None:
        """All is well, and the last line says so."""
        out = self.run_script("kunit.py", "test", code=0, ARCH="x86_64")
        line = r"^kunit: (\d+) passed, 0 failed, (\d+) skipped$"
        self.assert_most_passed(out.splitlines()[-1], line)
        self.assertNotIn("error:", out)

    def test_seed(self) -> None:
        """A random run can be had again."""
        out = self.run_script(
            "kunit.py",
            code=0,
            args="--raw_output=all rust_alloc_conformance.random*",
            SEED="77",
            ARCH="um",
        )
        self.assertIn("random_sequence: seed=77\n", out.replace("\r", ""))


class GuestTest(Harness):
    """Guests that go wrong in a run that kunit.py passes."""

    def fault(self, name: str, args: str = "", **variables: str) -> str:
        """A run in which the module of faults is loaded after the suites have passed."""
        args = f"--kernel_args=faults.{name}=1 {args}"
        out = self.run_faulty("kunit.py", "test", code=1, args=args, **variables)
        self.assert_all(out, ALL_PASSED, LAST_LINE)
        return out

    def test_green(self) -> None:
        """Without a fault all is well."""
        for arch in ("um", "x86_64"):
            out = self.run_faulty("kunit.py", "test", code=0, ARCH=arch)
            self.assert_all(out, ALL_PASSED, LAST_LINE, "\nthis is the first suite\n")
            self.assertNotIn("error:", out)

    def test_panic_after_the_plan(self) -> None:
        """The kernel panics when all cases have passed."""
        for arch in ("um", "x86_64"):
            out = self.fault("dies", ARCH=arch)
            self.assertIn("error: the kernel complained: Kernel panic - not syncing", out)
            self.assertIn("error: the guest did not get to its end", out)

    def test_warning(self) -> None:
        """The kernel warns in a run that is otherwise green."""
        self.assertRegex(self.fault("warn"), r"error: the kernel complained: .*WARNING: .*faults")

    def test_leak(self) -> None:
        """Blocks are not given back in a run that is otherwise green."""
        self.assertRegex(self.fault("leak"), r"error: \d{4} blocks more of the slab are in use")

    def test_oops(self) -> None:
        """The kernel oopses in a run that is otherwise green."""
        out = self.fault("oops", ARCH="x86_64")
        self.assertIn("error: the kernel complained: Oops", out)

    def test_hang(self) -> None:
        """The guest never ends; at the deadline it is made to, and its console is shown."""
        for arch, seconds in (("um", 3), ("x86_64", 8)):
            out = self.fault("hang", f"--timeout={seconds}", ARCH=arch)
            self.assertIn("error: the guest did not get to its end", out)
            self.assertRegex(out, r"--- the end of .*\n(.*\n)*\[.*\] ok \d+ fault_second\n")

    def test_warning_before_the_suites(self) -> None:
        """The kernel warns while the console is still to be quiet."""
        self.change(
            "scripts/harness/init.c",
            '\tsay("started");\n',
            '\tsay("started");\n\tload("faults");\n\tunload("faults");\n',
        )
        self.write(GUEST, "exit 0\n")
        args = "--kernel_args=faults.warn=1"
        out = self.run_faulty("kunit.py", "test", code=1, args=args)
        self.assertIn("error: the kernel complained: ", out)
        self.assertIn(LAST_LINE, out)

    def test_other_plan_first(self) -> None:
        """With the console not quiet kunit.py passes the built-in suites and ignores ours."""
        self.change("scripts/harness/arch.py", '"loglevel=5"', '"loglevel=7"')
        out = self.run_faulty("kunit.py", "test", code=1, ARCH="x86_64")
        self.assertIn("error: the console had more than one test plan", out)
        self.assertNotIn(ALL_PASSED, out)

    def test_failed_insmod(self) -> None:
        """The module with the suites can't be loaded."""
        args = "--kernel_args=fault_suites.refuse=1"
        out = self.run_faulty("kunit.py", "test", code=1, args=args)
        self.assert_all(
            out,
            "error: insmod fault_suites failed: Invalid argument\n",
            "error: suite fault_first of fault_suites did not run; the module has it",
        )

    def test_missing_module(self) -> None:
        """The module with the suites is not there."""
        self.write(GUEST, 'busybox rm /fault_suites.ko || [ "$1" = after ]\n')
        out = self.run_faulty("kunit.py", code=1)
        self.assertIn("error: insmod fault_suites failed: No such file or directory\n", out)

    def test_failed_rmmod(self) -> None:
        """The module can't be unloaded."""
        self.write(GUEST, '[ "$1" = before ] || busybox rmmod fault_suites\n')
        out = self.run_faulty("kunit.py", "test", code=1)
        self.assert_all(out, ALL_PASSED, "error: rmmod fault_suites failed: No such file")

    def test_script_that_fails(self) -> None:
        """The module's own script ends with a status."""
        for when in ("before", "after"):
            with self.subTest(when):
                self.write(GUEST, f'echo "said $1"; [ "$1" != {when} ] || exit 3\n')
                out = self.run_faulty("kunit.py", "test", code=1)
                self.assertIn(
                    "error: guest: the module's script ended with status 3, run with the word"
                    f" {when}\n",
                    out,
                )
                self.assertIn("\nsaid before\n", out)
                self.assertEqual(ALL_PASSED in out, when == "after")

    def test_script_that_says_much(self) -> None:
        """No line of a script's is lost, nor what /init says after them."""
        self.write(GUEST, 'for n in $(busybox seq 50); do echo "$1 $n"; done\n')
        out = self.run_faulty("kunit.py", "test", code=0)
        for when in ("before", "after"):
            for n in range(1, 51):
                self.assertIn(f"\n{when} {n}\n", out)

    def test_no_memory_told(self) -> None:
        """A guest that doesn't say what memory was left has not passed."""
        self.change("scripts/harness/init.c", '" blocks before, "', '" blocks first, "')
        out = self.run_faulty("kunit.py", "test", code=1)
        self.assertIn("error: the guest did not say `slab: ", out)
        self.assertIn(ALL_PASSED, out)


class CasesTest(Harness):
    """What must run."""

    def accept(self) -> None:
        """Writes the list, for the test."""
        self.write(CASES, "")
        (self.copy / CASES).unlink()
        self.addCleanup((self.copy / CASES).touch)
        out = self.run_faulty("kunit.py", "test", code=0, ACCEPT="1")
        self.assertIn(f"wrote {self.copy / CASES}", out)

    def test_filtered(self) -> None:
        """A filter is no way to pass `make test`, with or without a list."""
        args = "fault_first.may_fail"
        out = self.run_faulty("kunit.py", "test", code=1, args=args)
        self.assertIn(
            "error: suite fault_second of fault_suites did not run; the module has it", out
        )
        self.assertIn("note: there is no ", out)
        self.accept()
        out = self.run_faulty("kunit.py", "test", code=1, args=args)
        self.assert_all(
            out,
            "error: suite fault_first: 1 of 2 cases did not run: logs_its_seed\n",
            "error: suite fault_second did not run; guest/cases lists it",
            "kunit: 1 passed, 0 failed",
        )

    def test_vanished(self) -> None:
        """Cases and suites that the sources don't have any more; a skipped one; a new one."""
        self.accept()
        out = self.run_faulty("kunit.py", "test", code=0)
        self.assertNotIn("note: there is no", out)

        out = self.run_faulty("kunit.py", "test", code=1, args="--kernel_args=fault_suites.skip=1")
        self.assertIn(
            "error: case fault_second.may_be_skipped was skipped (there is a parameter)", out
        )
        self.assertIn("kunit: 2 passed, 0 failed, 1 skipped", out)

        self.change(SUITES, "\tKUNIT_CASE(may_fail),\n", "\tKUNIT_CASE(may_be_skipped),\n")
        out = self.run_faulty("kunit.py", "test", code=1)
        self.assert_all(
            out,
            "error: suite fault_first: 1 of 2 cases did not run: may_fail\n",
            "error: suite fault_first: may_be_skipped ran, but guest/cases doesn't list it",
            ALL_PASSED,
        )

        self.change(SUITES, "kunit_test_suites(&first, &second)", "kunit_test_suites(&first)")
        out = self.run_faulty("kunit.py", "test", code=1)
        self.assertIn("error: suite fault_second did not run; guest/cases lists it", out)

    def test_failed_run_is_not_accepted(self) -> None:
        """A list is of what passed or was skipped."""
        args = "--kernel_args=fault_suites.fail=1"
        out = self.run_faulty("kunit.py", "test", code=1, args=args, ACCEPT="1")
        self.assertIn("error: nothing is accepted of a run that failed\n", out)
        self.assertFalse((self.copy / CASES).exists())

    def test_no_suites(self) -> None:
        """A module without suites is no test that passed."""
        self.change(f"{FAULTS}/Kbuild", "fault_suites.o faults.o", "faults.o")
        out = self.run_faulty("kunit.py", "test", code=1)
        self.assertIn("has no module with KUnit suites", out)
        self.assertEqual(out.count("error: "), 1)

    def test_messages(self) -> None:
        """A message that is required and missing; one that is forbidden; a complaint allowed."""
        for rule, fault, message in (
            ("required = ['no such message']", "", "no line of the log matches `no such message`"),
            ("forbidden = ['seed=0$']", "", "forbids: fault_suites: seed=0\n"),
            ("allowed = ['WARNING: faults', 'Call Trace:', 'cut here']", "warn", ""),
            ("allowed = ['WARNING: other', 'Call Trace:', 'cut here']", "warn", "WARNING: faults"),
        ):
            with self.subTest(rule):
                self.write(MESSAGES, f"[test]\n{rule}\n")
                args = f"--kernel_args=faults.{fault}=1" if fault else ""
                out = self.run_faulty("kunit.py", "test", code=int(bool(message)), args=args)
                self.assertIn(message, out)
                self.assertEqual("error: " in out, bool(message))
                self.assertIn(ALL_PASSED, out)


class OptionsTest(Harness):
    """kunit.py's own options."""

    def test_filter(self) -> None:
        """Some cases are enough where some are asked for; the report is written to the checkout."""
        report = self.copy / "report.json"
        self.addCleanup(report.unlink, missing_ok=True)
        out = self.run_faulty("kunit.py", code=0, args="'fault_f*.may_fail' --json=report.json")
        self.assertIn("Ran 1 tests: passed: 1", out)
        self.assertEqual(json.loads(report.read_text())["misc"]["passed"], 1)

    def test_filter_that_matches_nothing(self) -> None:
        """No case ran."""
        for args in ("no_such_suite", "fault_first.no_such_case"):
            out = self.run_faulty("kunit.py", code=1, args=args)
            self.assertIn("error: no case ran", out)

    def test_failed_case(self) -> None:
        """A case fails, and with it the command, whatever way it is shown."""
        for args in ("", "--raw_output"):
            args += " --kernel_args=fault_suites.fail=1"
            self.run_faulty("kunit.py", code=1, args=args)

    def test_listing(self) -> None:
        """A listing runs nothing, and that is well."""
        out = self.run_faulty("kunit.py", code=0, args="--list_tests", ARCH="x86_64")
        self.assertIn("\nfault_first.may_fail\n", out)

    def test_isolated(self) -> None:
        """Each suite in a guest of its own."""
        out = self.run_faulty("kunit.py", code=0, args="--run_isolated=suite 'fault_*'")
        self.assert_all(out, "(1/2)", "(2/2)")

    def test_bad_args(self) -> None:
        """What can't be done is said before anything is done."""
        for args, message in (
            ("--arch=um", "error: ARGS: --arch is not for ARGS"),
            ("--json=no/such/dir/file", "error: ARGS: there is no directory"),
            ("'", "error: ARGS can't be read"),
        ):
            out = self.run_faulty("kunit.py", code=1, args=args)
            self.assertIn(message, out)
            self.assertEqual(out.count("\n"), 1)

    def test_unknown_option(self) -> None:
        """kunit.py says what it doesn't know."""
        out = self.run_faulty("kunit.py", code=2, args="--no_such_option")
        self.assertIn("unrecognized arguments: --no_such_option", out)

    def test_seed(self) -> None:
        """The number gets to the modules that take one."""
        args = "--raw_output=all"
        out = self.run_faulty("kunit.py", code=0, args=args, SEED="77")
        self.assertIn("fault_suites: seed=77\n", out.replace("\r", ""))
        for bad in ("x", "0", str(1 << 64)):
            out = self.run_faulty("kunit.py", code=1, SEED=bad)
            self.assertIn(f"error: SEED={bad} is not a seed", out)
        self.change(SUITES, "module_param(seed, ulong, 0444);\n", "")
        self.change(SUITES, 'MODULE_PARM_DESC(seed, "A number that a case logs");\n', "")
        out = self.run_faulty("kunit.py", code=1, SEED="77")
        self.assertIn("error: SEED=77: no module with suites has a parameter `seed`", out)


if __name__ == "__main__":
    unittest.main()
