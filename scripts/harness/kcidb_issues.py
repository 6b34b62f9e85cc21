# SPDX-License-Identifier: GPL-2.0

"""The defects that a cell's run found, as KCIDB has them: an issue for each defect, and an incident
for each test in which it was seen."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import defects
from harness import places
from harness.cells import Cell
from harness.kcidb_words import WHOLE, Item, clean, path
from harness.results import Result

# Counts what is said of all issues, if that should ever change.
VERSION = 0


def of_cell(
    cell: Cell, result: Result, tests: Sequence[Item], where: Path
) -> Iterator[tuple[Item, Item]]:
    """The issues that a cell's tests met, each with one incident."""
    ids = {test["path"]: test["id"] for test in tests}
    file = where / cell.name / "console.log"
    cases = defects.cases(file.read_text(errors="replace")) if file.exists() else {}
    seen: set[str] = set()
    for note in defects.among(result.notes):
        issue = of_defect(tests[0]["origin"], note)
        paths = [path(*case) for case in cases.get(note, [])]
        for one in [one for one in paths if one in ids] or [WHOLE]:
            incident = of_test(issue, ids[one], note)
            if incident["id"] not in seen:
                seen.add(incident["id"])
                yield issue, incident


def of_defect(own: str, note: str) -> Item:
    """A defect; its id is the same whoever sees it, and with what."""
    kind = clean(defects.kind(note))
    return {
        "id": f"{own}:defect-{places.key(kind)}",
        "version": VERSION,
        "origin": own,
        "comment": kind,
        "culprit": {"code": True},
    }


def of_test(issue: Item, test: str, note: str) -> Item:
    """That a defect was seen in a test, and with what."""
    digest = places.key(issue["id"], test)
    return {
        "id": f"{issue['origin']}:incident-{digest}",
        "origin": issue["origin"],
        "issue_id": issue["id"],
        "issue_version": issue["version"],
        "test_id": test,
        "present": True,
        "comment": clean(note),
    }
