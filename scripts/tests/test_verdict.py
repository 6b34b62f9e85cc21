# SPDX-License-Identifier: GPL-2.0

"""Tests of the verdict, on texts."""

import unittest

import copies  # noqa: F401
from harness import kunit
from harness import settings
from harness import verdict
from harness.settings import Messages
from harness.verdict import Outcome

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


class KunitTest(unittest.TestCase):
    """What the console of a run with suites shows."""

    def faults(self, old: str = "", new: str = "") -> str:
        """What is wrong with a console that has something changed."""
        self.assertIn(old, CONSOLE)
        console = CONSOLE.replace(old, new, 1)
        return "\n".join(verdict.guest_faults(console) + verdict.plan_faults(console))

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

    def test_results(self) -> None:
        """What became of each case, and why."""
        text = CONSOLE.replace("ok 1 first", "not ok 1 first")
        text = text.replace("ok 2 second", "ok 2 second # SKIP no such hardware")
        self.assertEqual(
            verdict.results(text),
            {
                "some_suite": {
                    "first": Outcome("failed"),
                    "second": Outcome("skipped", "no such hardware"),
                }
            },
        )

    def test_subtests(self) -> None:
        """The runs of a parameterised case are not cases."""
        at = "[    1.500000]     ok 2"
        text = CONSOLE.replace(at, f"[    1.5]         ok 1 param\n{at}")
        self.assertEqual(verdict.results(text), verdict.results(CONSOLE))
        self.assertEqual(list(verdict.results(text)["some_suite"]), ["first", "second"])

    def test_merged(self) -> None:
        """Several guests' results as one test plan, whose suites are numbered anew."""
        other = CONSOLE.replace("some_suite", "other").replace("ok 1 other", "not ok 1 other")
        merged = kunit.merged([CONSOLE, other])
        self.assertEqual(merged.count("1..2\n"), 3)
        self.assertIn("\nok 1 some_suite\n", merged)
        self.assertIn("\nnot ok 2 other\n", merged)
        self.assertNotIn("seed=1", merged)
        self.assertEqual(
            verdict.results(merged), {**verdict.results(CONSOLE), **verdict.results(other)}
        )

    def test_guest(self) -> None:
        """A guest that didn't begin, or didn't end, as it should."""
        self.assertIn("did not get to its end", self.faults("guest: finished", ""))
        said = self.faults("guest: finished", "guest: insmod some-module failed: errno 2")
        self.assertEqual(said, "insmod some-module failed: No such file or directory")
        self.assertIn("guest: something else", self.faults("finished", "something else"))
        self.assertIn("no guest got as far", self.faults("guest: started", ""))

    def test_other_plan(self) -> None:
        """kunit.py would read the first of two plans."""
        self.assertIn(
            "more than one test plan",
            self.faults("[    1.400000]", "[    1.0] KTAP version 1\n[    1.400000]"),
        )

    def test_second_guest(self) -> None:
        """Each guest must come to its end, and has a plan."""
        self.assertEqual(verdict.guest_faults(CONSOLE * 2), [])
        self.assertEqual(verdict.plan_faults(CONSOLE * 2), [])
        broken = CONSOLE + CONSOLE.replace("guest: finished", "")
        self.assertIn("did not get to its end", verdict.guest_faults(broken)[0])

    def test_in_words(self) -> None:
        """An error's number, and what has none."""
        for line, words in (
            ("guest: insmod a failed: errno 22", "insmod a failed: Invalid argument"),
            ("guest: rmmod b-c failed: errno 2", "rmmod b-c failed: No such file or directory"),
            ("guest: insmod a failed: why", "guest: insmod a failed: why"),
        ):
            self.assertEqual(verdict.in_words(line), words)

    def test_unknown_parameter(self) -> None:
        """The kernel says of a parameter that the module has none of the name."""
        line = "some_module: unknown parameter 'sise' ignored"
        self.assertIn(line, self.faults("[    1.600000]", f"[    1.5] {line}\n[    1.600000]"))

    def test_leaks(self) -> None:
        """What a kernel that looks for leaks has to be asked for."""
        config = {"DEBUG_KMEMLEAK": "y"}
        clean = CONSOLE + "[    1.9] guest: note: kmemleak found 0 blocks\n"
        self.assertEqual(verdict.memory_faults(clean, config), [])
        for text in (CONSOLE, clean.replace(" 0 ", " 10 "), clean.replace("guest: note", "x: y")):
            self.assertIn("did not say `kmemleak", verdict.memory_faults(text, config)[0])
        self.assertEqual(verdict.memory_faults(CONSOLE, {}), [])

    def test_notes(self) -> None:
        """What guests and modules say beside the cases, once each."""
        text = CONSOLE + "[    1.9] guest: note: one\n" * 2 + "[    1.9] some_module: note: two\r\n"
        self.assertEqual(verdict.notes(text), ["one", "two"])

    def test_slab(self) -> None:
        """The slab has some blocks more in use after a run, or too many."""
        text = CONSOLE + "[    1.9] guest: note: slab: 2000 blocks before, 2100 after\n"
        config = {"SLUB_DEBUG": "y"}
        self.assertEqual(verdict.memory_faults(text, config), [])
        more = text.replace("2100", "5000")
        self.assertIn("3000 blocks more", verdict.memory_faults(more, config)[0])
        self.assertIn("did not say", verdict.memory_faults(CONSOLE, config)[0])
        none = text.replace("2000", "0")
        self.assertIn("did not say", verdict.memory_faults(none, config)[0])

    def test_messages(self) -> None:
        """What a module's directory requires and forbids."""
        required, forbidden = Messages(required=(r"seed=\d+$",)), Messages(forbidden=("seed=1$",))
        self.assertEqual(verdict.message_faults(CONSOLE, required), [])
        self.assertEqual(
            verdict.message_faults(CONSOLE, forbidden),
            ["the log says what guest/messages.toml forbids: some_module: first: seed=1"],
        )
        other = CONSOLE.replace("seed=", "sid=")
        self.assertEqual(verdict.message_faults(other, forbidden), [])
        self.assertEqual(
            verdict.message_faults(other, required),
            [r"no line of the log matches `seed=\d+$`, as guest/messages.toml requires"],
        )
        self.assertEqual(verdict.message_faults(other, required, whole=False), [])
        self.assertEqual(len(verdict.message_faults(CONSOLE, forbidden, whole=False)), 1)

    def test_allowed(self) -> None:
        """A complaint that a module's directory allows, and no other."""
        text = CONSOLE.replace("guest: started", "guest: started\nBUG: mine\nBUG: yours", 1)
        self.assertEqual(
            verdict.guest_faults(text, Messages(allowed=("BUG: mine",))),
            ["the kernel complained: BUG: yours"],
        )

    def test_anywhere(self) -> None:
        """The kernel may complain before, between and after the results."""
        line = "BUG: kernel NULL pointer dereference, address: 0000000000000000"
        for where in ("[    1.400000]", "[    1.500000]     ok 2", "[    1.700000]"):
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


class ProjectTest(unittest.TestCase):
    """What this project says in guest/messages.toml of its own demo."""

    console = """\
[    1.4] guest: started
[    1.5] rust_alloc_demo: walk: layouts=154 misaligned=0 refused=4\r
[    1.5] rust_alloc_demo: exit: live=0 bytes=0\r
[    1.6] guest: finished
"""

    def faults(self, old: str, new: str, command: str = "demo", *selectors: str) -> str:
        """What is wrong with a console that has something changed."""
        rules = settings.messages(command, ("7.3", "x86_64", *selectors))
        return "\n".join(verdict.message_faults(self.console.replace(old, new), rules))

    def test_demo(self) -> None:
        """A good run, and what can be wrong."""
        self.assertEqual(self.faults("", ""), "")
        for old, new in (
            ("misaligned=0", "misaligned=2"),
            ("layouts=154", "layouts=0"),
            ("walk: layouts", ""),
        ):
            self.assertIn("matches `rust_alloc_demo: walk: layouts=", self.faults(old, new))
        self.assertIn("forbids: ", self.faults("live=0 bytes=0", "live=1 bytes=64"))
        for old, new in (("exit: ", ""), ("bytes=0", "by")):
            self.assertIn("matches `rust_alloc_demo: exit: live=0", self.faults(old, new))

    def test_suites(self) -> None:
        """The demo was loaded beside the suites and left something behind."""
        for live in ("live=1 bytes=0", "live=0 bytes=8"):
            said = self.faults("live=0 bytes=0", live, "test")
            self.assertIn(f"forbids: rust_alloc_demo: exit: {live}", said)
        self.assertEqual(self.faults("walk: layouts", "", "test"), "")

    def test_failures(self) -> None:
        """The kernel that makes allocations fail must have made the demo's."""
        good = "[    1.5] guest: note: demo: allocations failed: 9, insmod refused: 5\n"
        end = "[    1.6] guest: finished"
        self.assertEqual(self.faults(end, good + end, "test", "debug"), "")
        for bad in ("", good.replace(" 9", " 0"), good.replace(" 5", " 0")):
            self.assertIn("allocations failed", self.faults(end, bad + end, "test", "debug"))


if __name__ == "__main__":
    unittest.main()
