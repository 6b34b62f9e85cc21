# SPDX-License-Identifier: GPL-2.0

"""`make mutants`: the table is right, and a mutant that nothing notices turns it red."""

import shlex
import shutil
import unittest

from copies import CHECKOUT, FAULTS, Harness

import cargo_mutants
import mutant
import mutants
from harness import cases
from harness import places
from lanes import LANES

SUITES = f"{FAULTS}/fault_suites.c"

# What is broken is a module that is built in a second: one mutant that only a reader could notice,
# one that makes a case of the first suite fail, and the same for a suite that does not.
TABLE = f"""
[[mutant]]
name = "a word of a comment"
file = "{SUITES}"
old = "Two suites that pass"
new = "Two suites which pass"
lane = "um"
suite = "fault_first"

[[mutant]]
name = "a case that fails"
file = "{SUITES}"
old = "KUNIT_EXPECT_FALSE(test, fail)"
new = "KUNIT_EXPECT_TRUE(test, fail)"
lane = "um"
suite = "fault_first"

[[mutant]]
name = "a module that is refused"
file = "{SUITES}"
old = "refuse ? -EINVAL : 0"
new = "refuse ? 0 : -EINVAL"
lane = "um"
suite = "fault_second"
"""


class TableTest(unittest.TestCase):
    """The mutants of this project."""

    def test_by_hand(self) -> None:
        """Each changes a text that is there once, in a lane and for a suite that exist."""
        made = mutant.by_hand()
        listed = cases.load()
        assert listed
        self.assertGreater(len(made), 40)
        for one in made:
            with self.subTest(one.name):
                named = one.lane == "host" or one.suite in listed.suites
                self.assertIn(one.lane, LANES)
                self.assertTrue(one.says or named, one.suite)
                self.assertNotEqual(one.text, (CHECKOUT / one.file).read_text())

    def test_inputs(self) -> None:
        """What an outcome depends on is there."""
        for lane in LANES.values():
            for name in lane.inputs:
                self.assertTrue((CHECKOUT / name).exists(), name)

    def test_changed(self) -> None:
        """What cargo-mutants replaces is counted in lines and columns from 1."""
        text = "fn f() {\n    a < b\n}\n"
        span = {"start": {"line": 2, "column": 7}, "end": {"line": 2, "column": 8}}
        entry = {"span": span, "replacement": "<="}
        self.assertEqual(cargo_mutants.changed(text, entry), "fn f() {\n    a <= b\n}\n")
        span["start"], span["end"] = {"line": 1, "column": 8}, {"line": 3, "column": 2}
        self.assertEqual(cargo_mutants.changed(text, {**entry, "replacement": "{}"}), "fn f() {}\n")

    def test_summary(self) -> None:
        count = {"caught": 81, "equivalent": 2, "missed": 0, "not compiled": 0, "left out": 12}
        self.assertEqual(
            mutants.summary(count),
            "mutants: 81 of 83 caught, 2 equivalent, 0 missed, 12 left out for want of time",
        )


class MutantsTest(Harness):
    """The command, on a table of three."""

    place = "mutants"

    def setUp(self) -> None:
        """A checkout that has nothing but the modules of faults/."""
        self.write("Kbuild", f"obj-m += {FAULTS}/\n")
        listed = self.copy / "guest/cases"
        self.write("guest/cases", "")
        listed.unlink()
        self.addCleanup(listed.touch)
        shutil.rmtree(places.results("mutants", self.copy))
        self.write(mutant.BY_HAND, TABLE)
        self.write(mutant.EQUIVALENT, "")

    def mutants(self, code: int, *names: str, **variables: str) -> str:
        """Runs some of them."""
        return self.run_script("mutants.py", code=code, args=shlex.join(names), **variables)

    def test_outcomes(self) -> None:
        """One is caught by its suite, and is known then; one is missed, and one turns red what it
        was not for. What there is no time for is left out."""
        out = self.mutants(0, "a case that fails", "a word of a comment", MINUTES="0")
        self.assertIn("mutants: 0 of 0 caught, 0 equivalent, 0 missed, 2 left out", out)

        out = self.mutants(1, "a case that fails", "a word of a comment", "a module*")
        caught = "a case that fails: caught by fault_first: may_fail, "
        self.assertRegex(out, rf"\n{caught}\d+ s\n")
        self.assertIn("error: a word of a comment (um) is missed: nothing noticed\n", out)
        self.assertIn(
            "error: a module that is refused (um) is missed: red for another reason: ", out
        )
        self.assertIn("\nmutants: 1 of 3 caught, 0 equivalent, 2 missed\n", out)

        out = self.mutants(0, "a case that fails", MINUTES="0")
        self.assertIn(f"{caught}as before\n", out)

    def test_equivalent(self) -> None:
        """One that is known to be equivalent is no miss; an entry that is wrong is red."""
        self.write(mutant.EQUIVALENT, '"a word of a comment" = "compilers do not read it"\n')
        out = self.mutants(0, "a word of a comment")
        self.assertIn("a word of a comment: equivalent: compilers do not read it, ", out)
        self.assertIn("\nmutants: 0 of 1 caught, 1 equivalent, 0 missed\n", out)

        self.write(mutant.EQUIVALENT, '"a case that fails" = "it does not"\n')
        out = self.mutants(1, "a case that fails")
        self.assertIn(
            "equivalent.toml: a case that fails is caught by fault_first: may_fail; ", out
        )

        self.write(mutant.EQUIVALENT, '"a case of old" = "it was"\n')
        out = self.mutants(1)
        self.assertIn("error: scripts/mutants/equivalent.toml: there is no mutant a case of", out)
        self.assertNotIn("[3/3]", out)

    def test_bad_values(self) -> None:
        """What can't be done is said before anything is done."""
        out = self.mutants(1, MINUTES="soon")
        self.assertEqual(out, "error: MINUTES=soon is not a number of minutes\n")
        out = self.mutants(1, "a case that falls")
        self.assertIn("error: ARGS: no mutant is called a case that falls; ", out)
        self.assertNotIn("[3/3]", out)
        for old, new, message in (
            (
                "Two suites that",
                "Three suites that",
                f"{SUITES} has the text that it changes 0 times",
            ),
            ("Two suites that pass", "static", f"{SUITES} has the text that it changes 1"),
            (
                'suite = "fault_second"',
                "",
                "it must have file, lane, name, new, old, and suite or says",
            ),
            ('"a case that fails"', '"a word of a comment"', "there are two of this name"),
        ):
            self.write(mutant.BY_HAND, TABLE.replace(old, new))
            out = self.mutants(1)
            self.assertEqual(out.count("\n"), 1, out)
            self.assertIn(f"error: {mutant.BY_HAND}: a ", out)
            self.assertIn(message, out)
        self.write(mutant.BY_HAND, TABLE.replace('lane = "um"', 'lane = "uml"'))
        self.assertIn("there is no lane uml; there are host, um, ", self.mutants(1))


if __name__ == "__main__":
    unittest.main()
