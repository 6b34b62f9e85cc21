# SPDX-License-Identifier: GPL-2.0

"""What the matrix writes for KernelCI, read by KernelCI's own programs."""

import copy
import getpass
import json
import re
import socket
import tempfile
import unittest
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import kernelci
import made_up
from copies import FAULTS, Harness
from harness import junit
from harness import kcidb
from harness import kcidb_words
from harness import places
from harness.cells import Cell
from harness.results import Result

Report = dict[str, Any]

# What a report has, one below the other.
LISTS = ("checkouts", "builds", "tests", "issues", "incidents")

# A note of a module's, in C, and the line of a case in which it is put.
NOTE = (
    '\tpr_info("note: a defect of this kernel: %s, from size 8 to size {size}\\n", "it leaks");\n'
)
FIRST = '\tpr_info("note: this is the first suite\\n");\n'
SECOND = "\tif (skip)\n"
DEFECT = "a defect of this kernel: it leaks"


def strings(item: Any) -> list[str]:
    """All texts in a report, and the names of its fields."""
    if isinstance(item, dict):
        return [text for pair in item.items() for one in pair for text in strings(one)]
    if isinstance(item, list):
        return [text for one in item for text in strings(one)]
    return [item] if isinstance(item, str) else []


def spoiled(report: Report, change: Callable[[Report], object]) -> str:
    """A report with something wrong in it."""
    bad = copy.deepcopy(report)
    change(bad)
    return json.dumps(bad)


class Reading(Harness):
    """A report as KernelCI reads it."""

    def assert_taken(self, report: Report) -> None:
        """Checks that kcidb-io finds it valid, of its newest schema, and that all in it is linked;
        and that kci-dev would send it as it is."""
        text = json.dumps(report)
        code, said = kernelci.run(kernelci.VALIDATE, text)
        self.assertEqual((code, said), (0, "{major} {minor}\n".format(**report["version"])))
        ids = {name: [one["id"] for one in report[name]] for name in LISTS}
        for name, values in ids.items():
            self.assertEqual(len(values), len(set(values)), name)
        self.assertLessEqual(
            {one["checkout_id"] for one in report["builds"]}, set(ids["checkouts"])
        )
        self.assertLessEqual({one["build_id"] for one in report["tests"]}, set(ids["builds"]))
        seen = {(one["issue_id"], one["issue_version"]) for one in report["incidents"]}
        self.assertEqual(seen, {(one["id"], one["version"]) for one in report["issues"]})
        self.assertLessEqual({one["test_id"] for one in report["incidents"]}, set(ids["tests"]))
        code, said = kernelci.run(kernelci.DRY_RUN, text)
        self.assertEqual((code, json.loads(said)), (0, report))

    def assert_nameless(self, report: Report) -> None:
        """Checks that nothing in it is this machine's."""
        folders = {
            places.cache(),
            places.checkout(),
            self.copy,
            Path.home(),
            Path(tempfile.gettempdir()),
        }
        for text in strings(report):
            for folder in folders:
                self.assertNotIn(f"{folder}/", text)
            for name in (socket.gethostname(), getpass.getuser()):
                self.assertNotRegex(text, rf"(?<![\w-]){re.escape(name)}(?![\w-])")


class RealTest(Reading):
    """The report of a cell that was run."""

    def report(self, code: int) -> tuple[Report, Path]:
        """Runs the cell; its report, and the directory of that."""
        out = self.run_faulty("matrix.py", code=code, KERNEL="7.3", AGAIN="1")
        said = [line for line in out.splitlines() if line.startswith("JSON")]
        where = Path(said[0].split(": ", 1)[1])
        found: Report = json.loads((where / "kcidb.json").read_text())
        return found, where

    def test_failed(self) -> None:
        """A case that failed says of what, and the logs are where the report says."""
        self.change(f"{FAULTS}/fault_suites.c", "KUNIT_EXPECT_FALSE", "KUNIT_EXPECT_TRUE")
        report, where = self.report(1)
        self.assert_taken(report)
        self.assert_nameless(report)
        (checkout,), (build,) = report["checkouts"], report["builds"]
        self.assertRegex(checkout["comment"], r"Debian's source package linux, 7\.3\.\d+-\d")
        self.assertRegex(build["compiler"], r"clang.* \d+\..*, rustc 1\.\d+")
        self.assertEqual((build["architecture"], build["status"]), ("um", "PASS"))
        tests = {one["path"]: one for one in report["tests"]}
        self.assertEqual(
            {path: one["status"] for path, one in tests.items()},
            {
                "kunit": "FAIL",
                "kunit.fault_first.logs_its_seed": "PASS",
                "kunit.fault_first.may_fail": "FAIL",
                "kunit.fault_second.may_be_skipped": "PASS",
            },
        )
        bad = tests["kunit.fault_first.may_fail"]
        self.assertIn("Expected fail to be true, but is false", bad["log_excerpt"])
        self.assertIn(bad["log_excerpt"].splitlines()[0], (where / bad["misc"]["log"]).read_text())
        self.assertIn("fault_suites.o", (where / build["misc"]["log"]).read_text())

    def test_defect(self) -> None:
        """A defect that two cases note, with other sizes, is one issue that both have met."""
        self.change(f"{FAULTS}/fault_suites.c", FIRST, FIRST + NOTE.format(size=16))
        self.change(f"{FAULTS}/fault_suites.c", SECOND, NOTE.format(size=32) + SECOND)
        report, _ = self.report(0)
        self.assert_taken(report)
        self.assert_nameless(report)
        (issue,) = report["issues"]
        self.assertEqual(issue["culprit"], {"code": True})
        self.assertEqual(
            issue["comment"], "a defect of this kernel: it leaks, from size N to size N"
        )
        paths = {one["id"]: one["path"] for one in report["tests"]}
        self.assertEqual(
            {paths[one["test_id"]]: one["comment"] for one in report["incidents"]},
            {
                "kunit.fault_first.logs_its_seed": f"{DEFECT}, from size 8 to size 16",
                "kunit.fault_second.may_be_skipped": f"{DEFECT}, from size 8 to size 32",
            },
        )
        self.assertTrue(all(one["present"] for one in report["incidents"]))

    def test_not_built(self) -> None:
        """Modules that don't build are a build that failed, of a known source."""
        self.change(f"{FAULTS}/fault_suites.c", "MODULE_LICENSE", "MODULE_LICENCE")
        report, where = self.report(1)
        self.assert_taken(report)
        self.assert_nameless(report)
        (build,) = report["builds"]
        self.assertEqual((build["status"], report["tests"]), ("FAIL", []))
        self.assertIn("MODULE_LICENCE", (where / build["misc"]["log"]).read_text())
        self.assertIn("MODULE_LICENCE", build["log_excerpt"])
        self.assertIn("the modules' build failed", build["comment"])
        self.assertTrue(report["checkouts"][0]["valid"])
        # What an earlier run said is not taken for this one's.
        (where / "7.3-um/console.log").write_text("old\n")
        self.report(1)
        left = sorted(file.name for file in (where / "7.3-um").iterdir())
        self.assertEqual(left, ["build.log", "result.json"])


class MadeUpTest(Reading):
    """The report of outcomes that can't be had at will."""

    def setUp(self) -> None:
        """Writes it."""
        where = Path(self.enterContext(tempfile.TemporaryDirectory()))
        kcidb.write(made_up.leave(where), where)
        self.report: Report = json.loads((where / "kcidb.json").read_text())

    def builds(self, *fields: str) -> dict[str, Sequence[Any]]:
        """These fields of each cell's build."""
        return {
            one["misc"]["cell"]: [one.get(field) for field in fields]
            for one in self.report["builds"]
        }

    def test_valid(self) -> None:
        """It is taken, and cells that weren't run are told from those that failed."""
        self.assert_taken(self.report)
        self.assertEqual(
            self.builds("status", "config_name"),
            {
                made_up.FAILED.name: ["PASS", "lean"],
                made_up.UNBUILT.name: ["FAIL", "64k"],
                made_up.NO_KERNEL.name: ["ERROR", "lean"],
                made_up.UNAVAILABLE.name: ["MISS", "lean"],
            },
        )
        valid = {one["id"].partition(":")[2]: one.get("valid") for one in self.report["checkouts"]}
        self.assertEqual(
            valid,
            {
                "linux-6.12.118-1": True,
                f"linux-{made_up.SOURCE}": True,
                "linux-7.3": None,
                "linux-6.18": False,
            },
        )

    def test_cases(self) -> None:
        """Each case is there, and why it was skipped; files are named without their directories,
        unless those are the kernel's."""
        tests = {one["path"]: one for one in self.report["tests"]}
        self.assertEqual(
            {path: one["status"] for path, one in tests.items()},
            {
                "kunit": "FAIL",
                "kunit.zoo.good": "PASS",
                "kunit.zoo.bad": "FAIL",
                "kunit.zoo.not__here": "SKIP",
                "kunit.zoo.crash": "ERROR",
                "kunit.zoo.each.one": "PASS",
            },
        )
        self.assertEqual(tests["kunit.zoo.not__here"]["comment"], "zoo.c: this kernel has no <zoo>")
        self.assertEqual(
            tests["kunit.zoo.bad"]["log_excerpt"],
            "# bad: EXPECTATION FAILED at zoo.c:7\n"
            "Expected <b>x</b> == 1 && y in /sys/module/zoo/y",
        )
        whole = tests["kunit"]
        self.assertIn("WARNING: at zoo.c:9; and 3 more", whole["log_excerpt"])
        self.assertIn("defect of this kernel's Zoo: a gate is open", whole["misc"]["notes"])
        self.assertEqual(whole["misc"]["log"], "6.12-x86_64/console.log")
        self.assertNotIn("/home/me", json.dumps(self.report))

    def test_issues(self) -> None:
        """A defect that no case noted was met by the whole; its id is the same for each kernel, run
        and size, and another for what else differs."""
        (issue,), (incident,) = self.report["issues"], self.report["incidents"]
        self.assertEqual(issue["comment"], "defect of this kernel's Zoo: a gate is open")
        (whole,) = [one["id"] for one in self.report["tests"] if one["path"] == "kunit"]
        self.assertEqual((incident["test_id"], incident["present"]), (whole, True))
        ids = {
            note: {
                one["id"]
                for arch in ("x86_64", "arm64")
                for one in kcidb.report(
                    {Cell("7.3", arch): Result("passed", "7.3.4", began=arch, notes=(note,))},
                    Path("/nowhere"),
                )["issues"]
            }
            for note in (
                "a defect: size 8, align 16",
                "a defect: size 64, align 4096",
                "a defect of 6.12: size 8, align 16",
                "a defect of Of<256>: size 8, align 16",
                "a defect of Of<512>: size 8, align 16",
            )
        }
        self.assertEqual({len(values) for values in ids.values()}, {1})
        one, other, *rest = [values.pop() for values in ids.values()]
        self.assertEqual(one, other)
        self.assertEqual(len({one, *rest}), 4)
        # By which a database knows it that has it already.
        self.assertEqual(issue["id"], "rust_alloc_demo:defect-d2d5fe813eb6")

    def test_half_a_file(self) -> None:
        """What kunit.py did not write to its end has no cases; what XML can't have is left out."""
        with tempfile.TemporaryDirectory() as to:
            file = Path(to) / "junit.xml"
            file.write_text(made_up.JUNIT[:-20])
            self.assertEqual(junit.read(file), [])
            file.write_text(made_up.JUNIT.replace("y in", "\x1by in"))
            self.assertEqual(len(junit.read(file)), 5)

    def test_once(self) -> None:
        """A checkout that several cells share is there once, begun when the first of them was."""
        later, first = "2026-11-26T05:00:00+00:00", "2026-11-26T04:00:00+00:00"
        results = {
            Cell("7.3", arch): Result("failed", source="7.3.4-1", began=began)
            for arch, began in (("um", later), ("x86_64", first), ("arm64", later))
        }
        (checkout,) = kcidb.report(results, Path("/nowhere"))["checkouts"]
        self.assertEqual(checkout["start_time"], first)

    def test_spoiled(self) -> None:
        """KernelCI's programs refuse what is not a report, so taking one means something."""
        for change in (
            lambda bad: bad["tests"][0].update(status="GOOD"),
            lambda bad: bad["tests"][0].update(path="kunit.a::b"),
            lambda bad: bad["tests"][0].pop("build_id"),
            lambda bad: bad["builds"][0].update(id="without an origin"),
            lambda bad: bad["builds"][0].update(origin="Zoo"),
            lambda bad: bad["builds"][0].update(log_url="6.12-x86_64/build.log"),
            lambda bad: bad["builds"][0].update(start_time="yesterday"),
            lambda bad: bad["checkouts"][0].update(seconds=3),
            lambda bad: bad["issues"][0].update(culprit="code"),
            lambda bad: bad["issues"][0].pop("version"),
            lambda bad: bad["incidents"][0].pop("issue_id"),
            lambda bad: bad["version"].update(minor=99),
        ):
            code, said = kernelci.run(kernelci.VALIDATE, spoiled(self.report, change))
            self.assertNotEqual(code, 0)
            self.assertIn("ValidationError", said)
        bad = spoiled(self.report, lambda bad: bad.pop("version"))
        self.assertNotEqual(kernelci.run(kernelci.DRY_RUN, bad)[0], 0)

    def test_origin(self) -> None:
        """Who reports has the modules' name: that in dkms.conf, or the directory's."""
        with tempfile.TemporaryDirectory() as to:
            top = Path(to) / "My-module.2"
            top.mkdir()
            with mock.patch.object(places, "module_dir", return_value=top):
                self.assertEqual(kcidb_words.origin(), "my_module_2")
                (top / "dkms.conf").write_text('PACKAGE_NAME="other"\nPACKAGE_VERSION="1"\n')
                self.assertEqual(kcidb_words.origin(), "other")


if __name__ == "__main__":
    unittest.main()
