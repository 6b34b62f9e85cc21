# SPDX-License-Identifier: GPL-2.0

"""Tests of the verdict, on texts."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import verdict  # noqa: E402
from common import Fail  # noqa: E402

SUITE = """\
//! Cases.

kunit_suite! {
    /// What it is about.
    name: some_suite,
    cases: [
        first,
        second,
    ],
}
"""

PLAN = {"some_suite": ["first", "second"]}

CONSOLE = """\
[    0.032000] tsc: Unable to calibrate against PIT
[    1.400000] guest: started\r
[    1.500000] KTAP version 1\r
[    1.500000] 1..1
[    1.500000]     KTAP version 1
[    1.500000]     # Subtest: some_suite
[    1.500000]     1..2
[    1.500000] some_module: first: seed=1
[    1.500000]     ok 1 first
[    1.500000]     ok 2 second
[    1.500000] ok 1 some_suite
[    1.600000] guest: finished
[    1.700000] reboot: Restarting system
"""


class ExpectedTest(unittest.TestCase):
    """What the sources promise."""

    def read(self, text: str) -> verdict.Plan:
        """Reads a directory with one source file."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "some.rs").write_text(text)
            return verdict.expected(Path(folder))

    def test_read(self) -> None:
        """The form that is used."""
        self.assertEqual(self.read(SUITE), PLAN)
        self.assertEqual(self.read(SUITE.replace("    ],\n", "    ]\n")), PLAN)

    def test_unreadable(self) -> None:
        """A form that could hide a case."""
        for old, new in (
            ("        first,\n        second,\n", "        first, second,\n"),
            ("        first,\n", "        // first,\n"),
            ("    /// What it is about.\n", ""),
            ("kunit_suite! {", "kunit_suite!{"),
        ):
            with self.assertRaisesRegex(Fail, r"^some\.rs:3: "):
                self.read(SUITE.replace(old, new))

    def test_conformance(self) -> None:
        """An allocator's suite has a case for each property of the list."""
        suite = (
            "conformance_suite! {\n    /// Whose it is.\n    name: mine,\n    allocator: Mine,\n}\n"
        )
        listed = (
            "macro_rules! with_properties {\n    () => {\n            alignment: one,\n"
            "            calls: two,\n    };\n}\n"
        )
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "some.rs").write_text(suite)
            with self.assertRaisesRegex(Fail, "can't read its conformance_suite!"):
                verdict.expected(Path(folder))
            (Path(folder) / "conformance").mkdir()
            (Path(folder) / "conformance/mod.rs").write_text(listed)
            self.assertEqual(verdict.expected(Path(folder)), {"mine": ["one", "two"]})
            (Path(folder) / "some.rs").write_text(suite.replace("    name", "    the_name"))
            with self.assertRaisesRegex(Fail, "can't read its conformance_suite!"):
                verdict.expected(Path(folder))

    def test_macro(self) -> None:
        """A suite that a macro writes is counted where the macro is used."""
        text = "        kunit_suite! {\n            $(#[doc = $doc])+\n            name: $a,\n"
        self.assertEqual(self.read(SUITE + text), PLAN)

    def test_no_suite(self) -> None:
        """Nothing to test is not a success."""
        with self.assertRaisesRegex(Fail, "nothing to test"):
            self.read("//! kunit_suite! { }\n")

    def test_twice(self) -> None:
        """The same name twice."""
        for text in (SUITE + SUITE, SUITE.replace("second", "first")):
            with self.assertRaisesRegex(Fail, "twice"):
                self.read(text)


class KunitTest(unittest.TestCase):
    """What the console of a run with suites shows."""

    def faults(self, old: str = "", new: str = "") -> str:
        """What is wrong with a console that has something changed."""
        self.assertIn(old, CONSOLE)
        return "\n".join(verdict.kunit_faults(CONSOLE.replace(old, new, 1), PLAN, {}))

    def test_green(self) -> None:
        """A good run."""
        self.assertEqual(self.faults(), "")
        self.assertEqual(verdict.summary(verdict.results(CONSOLE)), "kunit: 2 passed, 0 failed")

    def test_summary(self) -> None:
        """Cases that failed or were skipped."""
        text = CONSOLE.replace("ok 1 first", "not ok 1 first")
        text = text.replace("ok 2 second", "ok 2 second # SKIP no such hardware")
        self.assertEqual(
            verdict.summary(verdict.results(text)), "kunit: 0 passed, 1 failed, 1 skipped"
        )
        self.assertEqual(verdict.kunit_faults(text, PLAN, {}), [])

    def test_missing(self) -> None:
        """A case, or a suite, that did not run."""
        self.assertIn(
            "1 of 2 cases did not run: second", self.faults("[    1.500000]     ok 2 second\n")
        )
        self.assertEqual(
            verdict.plan_faults(PLAN, {}), ["suite some_suite did not run; the sources register it"]
        )

    def test_unexpected(self) -> None:
        """A case that is not in the sources."""
        self.assertIn("third ran, but", self.faults("ok 2 second", "ok 2 third"))
        self.assertIn("suite other ran, but", self.faults("Subtest: some_suite", "Subtest: other"))

    def test_subtests(self) -> None:
        """The runs of a parameterised case are not cases."""
        self.assertEqual(
            "",
            self.faults(
                "[    1.500000]     ok 2",
                "[    1.5]         ok 1 param\n" "[    1.500000]     ok 2",
            ),
        )

    def test_guest(self) -> None:
        """A guest that didn't begin, or didn't end, as it should."""
        self.assertIn("did not get to its end", self.faults("guest: finished", ""))
        self.assertIn("guest: insmod failed: why", self.faults("finished", "insmod failed: why"))
        self.assertIn("no guest got as far", self.faults("guest: started", ""))

    def test_other_plan(self) -> None:
        """kunit.py would read the first of two plans."""
        self.assertIn(
            "more than one test plan",
            self.faults("[    1.400000]", "[    1.0] KTAP version 1\n[    1.400000]"),
        )

    def test_filtered(self) -> None:
        """Without a plan some cases are enough, but not none, unless they are listed."""
        none = CONSOLE.replace("    ok ", "    # ")
        self.assertEqual(verdict.kunit_faults(CONSOLE, None, {}), [])
        self.assertIn("no case ran", verdict.kunit_faults(none, None, {})[0])
        self.assertEqual(verdict.kunit_faults(none, None, {}, listing=True), [])

    def test_notes(self) -> None:
        """What a kernel that looks for trouble has to be asked for."""
        leaks, failures = {"DEBUG_KMEMLEAK": "y"}, {"FAILSLAB": "y"}
        clean = CONSOLE + "[    1.9] guest: note: kmemleak found 0 blocks\n"
        demo = "demo: allocations failed: 9, insmod refused: 5"
        refused = CONSOLE + f"[    1.9] guest: note: {demo}\n"
        self.assertEqual(verdict.kunit_faults(clean, PLAN, leaks), [])
        self.assertEqual(verdict.kunit_faults(refused, PLAN, failures), [])
        self.assertEqual(verdict.kunit_faults(CONSOLE, None, failures), [])
        for text, config in (
            (CONSOLE, leaks),
            (clean.replace(" 0 ", " 10 "), leaks),
            (CONSOLE, failures),
            (refused.replace(" 9", " 0"), failures),
            (refused.replace(" 5", " 0"), failures),
        ):
            self.assertIn("did not say", "".join(verdict.kunit_faults(text, PLAN, config)))
        self.assertEqual(verdict.notes(clean), ["kmemleak found 0 blocks"])

    def test_slab(self) -> None:
        """The slab has some blocks more in use after a run, or too many."""
        text = CONSOLE + "[    1.9] guest: note: slab: 2000 blocks before, 2100 after\n"
        config = {"SLUB_DEBUG": "y"}
        self.assertEqual(verdict.kunit_faults(text, PLAN, config), [])
        more = text.replace("2100", "5000")
        self.assertIn("3000 blocks more", verdict.kunit_faults(more, PLAN, config)[0])
        self.assertIn("did not say", verdict.kunit_faults(CONSOLE, PLAN, config)[0])

    def test_account(self) -> None:
        """The demo was loaded beside the suites and left something behind."""
        for live in ("live=1 bytes=0", "live=0 bytes=8"):
            text = CONSOLE + f"[    1.9] rust_alloc_demo: exit: {live}\n"
            self.assertIn(f"left memory behind: {live}", verdict.kunit_faults(text, PLAN, {})[0])

    def test_complaints(self) -> None:
        """What the kernel says when something is wrong, wherever it says it."""
        for line in (
            "WARNING: mm/page_alloc.c:5159 at __alloc_pages, CPU#1: insmod/45",
            "------------[ cut here ]------------",
            "BUG: kernel NULL pointer dereference, address: 0000000000000000",
            "kernel BUG at lib/list_debug.c:32!",
            "BUG kmalloc-64 (Not tainted): Right Redzone overwritten",
            "BUG: KASAN: slab-out-of-bounds in krealloc+0x1/0x2",
            "BUG: KFENCE: use-after-free read in kfree+0x1/0x2",
            "UBSAN: shift-out-of-bounds in mm/slub.c:1:2",
            "Oops: Oops: 0002 [#1] SMP",
            "Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1]",
            "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
            "rust_kernel: panicked at tests-kunit/suite.rs:1:1:",
            "kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
            "WARNING: possible circular locking dependency detected",
            "WARNING: inconsistent lock state",
            "INFO: possible recursive locking detected",
            "INFO: task insmod:45 blocked for more than 120 seconds.",
            "rcu: INFO: rcu_sched self-detected stall on CPU",
            "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [insmod:45]",
            "insmod: page allocation failure: order:10, mode:0xcc0(GFP_KERNEL)",
            "Unexpected gfp: 0x2 (__GFP_HIGHMEM). Fixing up to gfp: 0x0.",
            "list_del corruption. prev->next should be 1",
            "Call Trace:",
        ):
            for where in ("[    1.400000]", "[    1.500000]     ok 2", "[    1.700000]"):
                with self.subTest(line=line, where=where):
                    self.assertIn(line, self.faults(where, f"[    1.5] {line}\n{where}"))

    def test_on_purpose(self) -> None:
        """Warnings that a suite looks for are meant; worse is not, nor are later ones."""
        begin = "rust_alloc_demo_kunit: looking for warnings\n"
        end = "rust_alloc_demo_kunit: done looking for warnings\n"
        warning = "------------[ cut here ]------------\nWARNING: mm/vmalloc.c:1\nCall Trace:\n"
        at = "[    1.500000]     ok 1 first\n"
        for text, count in (
            (begin + warning + end, 0),
            (begin + end + warning, 3),
            (begin + "BUG: KASAN: slab-out-of-bounds\n" + end, 1),
        ):
            console = CONSOLE.replace(at, text + at)
            self.assertEqual(len(verdict.guest_faults(console)), count, text)

    def test_defects(self) -> None:
        """What is said of the kernel's allocators, once each."""
        line = "[    1.5] rust_alloc_demo_kunit: defect of this kernel's Kmalloc: it leaks\r\n"
        self.assertEqual(
            verdict.defects(CONSOLE + line + line), ["defect of this kernel's Kmalloc: it leaks"]
        )

    def test_harmless(self) -> None:
        """Names of cases, and comments of tests, are no complaints."""
        for line in (
            "    # first: BUG: is what this case is about",
            "    ok 3 oops WARNING: ",
            "KTAP version 1 # Kernel panic",
            "debugging is on",
            "first: DEBUG on",
        ):
            self.assertEqual(verdict.splat_faults([line]), [])

    def test_quoting(self) -> None:
        """Not all of a long report is quoted."""
        faults = verdict.splat_faults(["Call Trace:"] * 9)
        self.assertEqual((len(faults), faults[-1]), (6, "and 4 more such lines"))


class DemoTest(unittest.TestCase):
    """What the console of the demo shows."""

    console = """\
[    1.4] guest: started
[    1.5] rust_alloc_demo: walk: layouts=154 misaligned=0 refused=4\r
[    1.5] rust_alloc_demo: exit: live=0 bytes=0\r
[    1.6] guest: finished
"""

    def faults(self, old: str, new: str) -> str:
        """What is wrong with a console that has something changed."""
        return "\n".join(verdict.demo_faults(self.console.replace(old, new)))

    def test_verdict(self) -> None:
        """A good run, and what can be wrong."""
        self.assertEqual(verdict.demo_faults(self.console), [])
        self.assertIn("found 2 misaligned", self.faults("misaligned=0", "misaligned=2"))
        self.assertIn("tried 0 layouts", self.faults("layouts=154", "layouts=0"))
        self.assertIn("closing line is missing", self.faults("walk: layouts", ""))
        self.assertIn("live=1 bytes=64", self.faults("live=0 bytes=0", "live=1 bytes=64"))
        self.assertIn("account at exit is missing", self.faults("exit: ", ""))
        self.assertIn("account at exit is missing", self.faults("bytes=0", "by"))
        self.assertIn(
            "no such parameter", self.faults("[    1.6]", "x: unknown parameter 'a' ignored\n")
        )


if __name__ == "__main__":
    unittest.main()
