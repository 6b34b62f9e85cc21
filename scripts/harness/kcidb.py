# SPDX-License-Identifier: GPL-2.0

"""The matrix as KernelCI's database takes it: `kcidb.json`, of the schema of KCIDB's reports.

A checkout is the source of a kernel, as Debian has it; a build is that of a cell's kernel with the
modules; and a test is the whole of a cell, or a case. An issue is a defect that was found, and an
incident that a test found it. Nothing in it names the machine.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from harness import junit
from harness import kcidb_issues
from harness import places
from harness.cells import Cell
from harness.junit import Case
from harness.kcidb_words import WHOLE, Item, clean, origin, path
from harness.results import Result

# The newest schema (kcidb-io, schema/v05_03.py).
VERSION = {"major": 5, "minor": 3}

# What the schema calls what became of a case; a crash is what the kernel's kunit_json.py has it.
CASES = {"passed": "PASS", "failed": "FAIL", "skipped": "SKIP", "crashed": "ERROR"}

# What the lean kernels without a flavour are called there.
PLAIN = "lean"


def write(results: dict[Cell, Result], where: Path) -> None:
    """Writes the file beside the folders of the cells."""
    (where / "kcidb.json").write_text(json.dumps(report(results, where), indent=1) + "\n")


def report(results: dict[Cell, Result], where: Path) -> Item:
    """The whole of it. A cell that was left out is not in it."""
    own = origin()
    checkouts: dict[str, Item] = {}
    builds: list[Item] = []
    tests: list[Item] = []
    issues: dict[str, Item] = {}
    incidents: list[Item] = []
    for cell, result in results.items():
        if result.status == "left out":
            continue
        checkout = of_source(own, cell, result)
        known = checkouts.setdefault(checkout["id"], checkout)
        if "start_time" in checkout:
            first = known.get("start_time", checkout["start_time"])
            known["start_time"] = min(first, checkout["start_time"])
        build = of_build(own, checkout["id"], cell, result, where)
        builds.append(build)
        if result.release:
            own_tests = list(of_tests(build, cell, result, where))
            tests += own_tests
            for issue, incident in kcidb_issues.of_cell(cell, result, own_tests, where):
                issues[issue["id"]] = issue
                incidents.append(incident)
    return {
        "version": VERSION,
        "checkouts": list(checkouts.values()),
        "builds": builds,
        "tests": tests,
        "issues": list(issues.values()),
        "incidents": incidents,
    }


def of_source(own: str, cell: Cell, result: Result) -> Item:
    """The source of a cell's kernel. Where it is not known more closely, it is by its version."""
    name = result.source or result.release or cell.version
    about = f"Debian's source package linux, {name}" if result.source else f"Linux {name}"
    checkout: Item = {
        "id": f"{own}:linux-{name}",
        "origin": own,
        "tree_name": "debian",
        "comment": about,
    }
    if result.began:
        checkout["start_time"] = result.began
    if result.source or result.status == "unavailable":
        checkout["valid"] = bool(result.source)
    return checkout


def of_build(own: str, checkout: str, cell: Cell, result: Result, where: Path) -> Item:
    """The build of a cell's kernel with the modules."""
    digest = places.key(cell.name, result.state, result.began)
    build: Item = {
        "id": f"{own}:{cell.name}-{digest}",
        "origin": own,
        "checkout_id": checkout,
        "architecture": cell.arch,
        "config_name": cell.flavour or PLAIN,
        "status": built(result),
        "comment": cell.title,
        "misc": {"cell": cell.name},
    }
    if result.source:
        build["misc"] |= log(cell, "build.log", where)
    if result.compilers:
        build["compiler"] = result.compilers
    if result.began:
        build["start_time"] = result.began
    if result.release:
        build["misc"]["release"] = result.release
    else:
        build["comment"] += f": {clean(result.why)}"
        if "log" in build["misc"]:
            said = (where / build["misc"]["log"]).read_text(errors="replace")
            build["log_excerpt"] = clean(said)
    return build


def built(result: Result) -> str:
    """What became of a build: where there is no kernel, nothing is known of the modules."""
    if result.release:
        return "PASS"
    if result.status == "unavailable":
        return "MISS"
    return "FAIL" if result.source else "ERROR"


def of_tests(build: Item, cell: Cell, result: Result, where: Path) -> Iterator[Item]:
    """The tests of a cell: the whole, which can fail by what the kernel said, and each case."""
    console = log(cell, "console.log", where)
    whole = test(build, WHOLE, CASES[result.status], console)
    whole["duration"] = result.seconds
    whole["misc"] |= {"notes": [clean(note) for note in result.notes]}
    if result.began:
        whole["start_time"] = result.began
    if result.why:
        whole["log_excerpt"] = clean(result.why)
    yield whole
    for case in junit.read(where / cell.name / "junit.xml"):
        yield of_case(build, case, console)


def of_case(build: Item, case: Case, console: Item) -> Item:
    """A case; that it was skipped is a comment, that it failed has a log."""
    item = test(build, path(case.suite, case.name), CASES[case.status], console)
    if case.text:
        item["comment" if case.status == "skipped" else "log_excerpt"] = clean(case.text)
    return item


def test(build: Item, name: str, status: str, console: Item) -> Item:
    """A test of a build."""
    return {
        "id": f"{build['id']}/{name}",
        "origin": build["origin"],
        "build_id": build["id"],
        "path": name,
        "status": status,
        "misc": dict(console),
    }


def log(cell: Cell, name: str, where: Path) -> Item:
    """The name of a log beside the report, if it is there."""
    file = where / cell.name / name
    return {"log": str(file.relative_to(where))} if file.exists() else {}
