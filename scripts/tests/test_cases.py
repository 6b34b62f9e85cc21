# SPDX-License-Identifier: GPL-2.0

"""The list of what must run, on texts: how it is read and written, and what it finds wrong."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import copies  # noqa: F401
from harness import cases
from harness.messages import Fail
from harness.verdict import Outcome, Results

LIST = """\
# A comment.
kernels: 6.12-x86_64 7.3-um 7.3-x86_64

first
    always
    never_under_um  skipped: 7.3-um
    new  skipped: 7.3-um  absent: 6.12-x86_64

second
    not_run_anywhere  skipped: all
    on_the_oldest_only  absent: 7.3-um 7.3-x86_64
"""

PASSED, SKIPPED, FAILED = Outcome("passed"), Outcome("skipped", "one CPU"), Outcome("failed")

# What runs on the newest kernel, by the list.
NEWEST: Results = {
    "first": {"always": PASSED, "never_under_um": PASSED, "new": PASSED},
    "second": {"not_run_anywhere": SKIPPED},
}


class Module(unittest.TestCase):
    """A directory of modules, which may have a list."""

    def setUp(self) -> None:
        """Makes the directory."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name).resolve()
        patch = mock.patch.dict(os.environ, M=str(self.top))
        patch.start()
        self.addCleanup(patch.stop)


class Reading(Module):
    """The form of the list."""

    def test_read(self) -> None:
        """Suites, cases, and what is said of them on each kernel."""
        listed = cases.parse(LIST)
        self.assertEqual(listed.kernels, ("6.12-x86_64", "7.3-um", "7.3-x86_64"))
        self.assertEqual(
            listed.suites,
            {
                "first": {
                    "always": {},
                    "never_under_um": {"7.3-um": "skipped"},
                    "new": {"6.12-x86_64": "absent", "7.3-um": "skipped"},
                },
                "second": {
                    "not_run_anywhere": dict.fromkeys(listed.kernels, "skipped"),
                    "on_the_oldest_only": {"7.3-um": "absent", "7.3-x86_64": "absent"},
                },
            },
        )

    def test_round_trip(self) -> None:
        """What is written is read as it was, and written the same again."""
        listed = cases.parse(LIST)
        text = cases.render(listed)
        self.assertEqual(cases.parse(text), listed)
        self.assertEqual(cases.render(cases.parse(text)), text)
        in_other_words = LIST.replace("absent: 7.3-um 7.3-x86_64", "absent: all but 6.12-x86_64")
        self.assertEqual(cases.parse(in_other_words), listed)
        for line in LIST.splitlines()[1:]:
            self.assertIn(f"{line}\n", text)

    def test_in_short(self) -> None:
        """The shorter form is taken."""
        kernels = ("a", "b", "c", "d", "e")
        for names, text in (
            (["a"], "a"),
            (["a", "b"], "a b"),
            (["b", "c", "d", "e"], "all but a"),
            (list(kernels), "all"),
        ):
            self.assertEqual(cases.in_short(names, kernels), text)

    def test_unreadable(self) -> None:
        """One clear line, with the place."""
        for text, message in (
            ("    case\n", ":1: a case before any suite"),
            ("one\n    a\n    a\n", ":3: case a is listed twice"),
            ("one\n    a\none\n", ":3: suite one is listed twice"),
            ("one\n    a  broken: all\n", ":2: `broken: all` is neither `skipped: ...` nor"),
            ("one\n    a  skipped\n", ":2: `skipped` is neither"),
            ("kernels: k\none\n    a  skipped: all  absent\n", ":3: `absent` is neither"),
        ):
            with self.subTest(text), self.assertRaises(Fail) as caught:
                cases.parse(text)
            self.assertIn(message, str(caught.exception))
            self.assertIn("guest/cases", str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_no_list(self) -> None:
        """Where there is none nothing is promised."""
        self.assertIsNone(cases.load())


class Judging(Module):
    """What ran against what must."""

    def faults(self, found: Results, kernel: str = "7.3-x86_64") -> str:
        """What is wrong, as lines."""
        return "\n".join(cases.faults(cases.parse(LIST), found, kernel))

    def without(self, suite: str, *gone: str, **instead: Outcome) -> Results:
        """The good results, but for some of a suite's cases."""
        kept = {case: outcome for case, outcome in NEWEST[suite].items() if case not in gone}
        return {**NEWEST, suite: {**kept, **instead}}

    def test_green(self) -> None:
        """All is as it is listed. That a case failed is not for the list to say."""
        self.assertEqual(self.faults(NEWEST), "")
        self.assertEqual(self.faults(self.without("first", always=FAILED)), "")

    def test_more_than_listed(self) -> None:
        """A case that is skipped by the list may pass as well."""
        self.assertEqual(self.faults(self.without("second", not_run_anywhere=PASSED)), "")

    def test_deleted(self) -> None:
        """A case is gone, by its name."""
        self.assertEqual(
            self.faults(self.without("first", "always", "new")),
            "suite first: 2 of 3 cases did not run: always, new",
        )
        self.assertIn(
            "did not run: not_run_anywhere",
            self.faults(self.without("second", "not_run_anywhere", on_the_oldest_only=PASSED)),
        )

    def test_suite_deleted(self) -> None:
        """A suite is gone, or ran nothing."""
        for found in ({"second": NEWEST["second"]}, {**NEWEST, "first": {}}):
            self.assertIn("suite first did not run; guest/cases lists it", self.faults(found))

    def test_deleted_on_one_kernel(self) -> None:
        """What may be absent on one kernel is missed on the others."""
        old = self.without("first", "new")
        old["second"] = {**NEWEST["second"], "on_the_oldest_only": PASSED}
        self.assertEqual(self.faults(old, "6.12-x86_64"), "")
        for kernel in ("7.3-um", "7.3-x86_64"):
            self.assertIn("1 of 3 cases did not run: new", self.faults(old, kernel))
        self.assertIn("did not run: on_the_oldest_only", self.faults(NEWEST, "6.12-x86_64"))

    def test_skipped(self) -> None:
        """A case is skipped where it passed, and its reason is told."""
        for case in ("always", "never_under_um"):
            self.assertEqual(
                self.faults(self.without("first", **{case: SKIPPED})),
                f"case first.{case} was skipped (one CPU), and by guest/cases it passes on"
                " 7.3-x86_64",
            )
        self.assertIn(
            "(no reason given)", self.faults(self.without("first", always=Outcome("skipped")))
        )
        um = self.without("first", never_under_um=SKIPPED, new=SKIPPED)
        self.assertEqual(self.faults(um, "7.3-um"), "")

    def test_new(self) -> None:
        """A case, or a suite, that nobody listed."""
        self.assertEqual(
            self.faults(self.without("first", newer=PASSED)),
            "suite first: newer ran, but guest/cases doesn't list it; make test ACCEPT=1 adds it",
        )
        self.assertIn(
            "suite third ran, but guest/cases", self.faults({**NEWEST, "third": {"a": PASSED}})
        )

    def test_kernel_that_is_not_listed(self) -> None:
        """There it may be as it is on one of the listed, and no worse."""
        other = "7.4-riscv"
        self.assertEqual(self.faults(NEWEST, other), "")
        lenient = self.without("first", "new", never_under_um=SKIPPED)
        self.assertEqual(self.faults(lenient, other), "")
        self.assertIn("did not run: always", self.faults(self.without("first", "always"), other))
        self.assertIn(
            "always was skipped", self.faults(self.without("first", always=SKIPPED), other)
        )
        self.assertIn("did not run", self.faults(self.without("first", "never_under_um"), other))


class Accepting(Module):
    """The list that a run writes."""

    def accept(self, found: Results, kernel: str) -> str:
        """Accepts a run; the list as it is then, without its head."""
        return cases.accept(found, kernel).read_text().removeprefix(cases.HEAD)

    def test_first(self) -> None:
        """There was no list, and no folder for it."""
        text = self.accept(NEWEST, "7.3-x86_64")
        self.assertEqual(
            text,
            "kernels: 7.3-x86_64\n\nfirst\n    always\n    never_under_um\n    new\n\n"
            "second\n    not_run_anywhere  skipped: all\n",
        )
        listed = cases.load()
        assert listed
        self.assertEqual(cases.faults(listed, NEWEST, "7.3-x86_64"), [])

    def test_other_kernels_stay(self) -> None:
        """A run on another kernel adds what it says of that, in the order of versions."""
        self.accept(NEWEST, "7.3-x86_64")
        found: Results = {
            "first": {"always": PASSED, "never_under_um": SKIPPED},
            "third": {"own": PASSED},
        }
        text = self.accept(found, "6.12-x86_64")
        self.assertEqual(
            text,
            "kernels: 6.12-x86_64 7.3-x86_64\n\nfirst\n    always\n"
            "    never_under_um  skipped: 6.12-x86_64\n    new  absent: 6.12-x86_64\n\n"
            "second\n    not_run_anywhere  skipped: 7.3-x86_64  absent: 6.12-x86_64\n\n"
            "third\n    own\n",
        )
        listed = cases.load()
        assert listed
        self.assertEqual(cases.faults(listed, found, "6.12-x86_64"), [])
        # What is new is to run on the others as well, until they accept that it doesn't.
        self.assertEqual(
            cases.faults(listed, NEWEST, "7.3-x86_64"),
            ["suite third did not run; guest/cases lists it"],
        )
        self.assertIn("    own  absent: 7.3-x86_64\n", self.accept(NEWEST, "7.3-x86_64"))

    def test_forgotten(self) -> None:
        """What runs on no kernel any more is not listed."""
        self.accept(NEWEST, "7.3-x86_64")
        text = self.accept({"first": {"always": PASSED}}, "7.3-x86_64")
        self.assertEqual(text, "kernels: 7.3-x86_64\n\nfirst\n    always\n")

    def test_passes_again(self) -> None:
        """What is no longer skipped must pass from then on."""
        self.accept({"one": {"a": SKIPPED}}, "7.3-um")
        self.assertEqual(
            self.accept({"one": {"a": PASSED}}, "7.3-um"), "kernels: 7.3-um\n\none\n    a\n"
        )


if __name__ == "__main__":
    unittest.main()
