# SPDX-License-Identifier: GPL-2.0

"""What came of the cells of the matrix, as it is kept and as it is shown."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import messages
from harness import places
from harness import source as sources
from harness.cells import MUST_BE_AVAILABLE, Cell
from harness.messages import Fail

# Where the results are kept, and the file that has all of them.
STAGE = "matrix"
WHOLE = "matrix.json"

STATUSES = ("passed", "failed", "unavailable", "left out")

# What is above the columns of the table.
HEAD = ["Linux", "architecture", "flavour", "passed / failed / skipped, seconds"]


@dataclass(frozen=True)
class Result:
    """What came of a cell: passed, failed, unavailable, or left out for want of time."""

    status: str
    release: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: int = 0
    state: str = ""
    why: str = ""
    notes: Sequence[str] = ()
    # Of the cell's kernel the version of the source, as Debian numbers it, and the compilers; when
    # the modules' build began. They are known if there was a kernel.
    source: str = ""
    compilers: str = ""
    began: str = ""

    def text(self) -> str:
        """It as an entry of the table."""
        if self.status in ("unavailable", "left out"):
            return self.status
        if not self.release:
            return "FAILED"
        counts = f"{self.passed} / {self.failed} / {self.skipped}, {self.seconds} s"
        return counts if self.status == "passed" else f"FAILED: {counts}"


def kept(folder: Path) -> Result | None:
    """What is known of a cell from an earlier run."""
    file = folder / "result.json"
    try:
        return Result(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def in_order(results: dict[Cell, Result]) -> list[tuple[str, Cell, Result]]:
    """The results as they are shown, each with its kernel: those of one below each other."""
    rows = [(result.release or cell.version, cell, result) for cell, result in results.items()]
    return sorted(rows, key=lambda row: (sources.numbers(row[0]), row[0]))


def table(results: dict[Cell, Result]) -> str:
    """The results as a table with a row for each cell."""
    rows = [
        [linux, cell.arch, cell.about, result.text()] for linux, cell, result in in_order(results)
    ]
    return messages.markdown([HEAD, *rows])


def is_good(cell: Cell, result: Result) -> bool:
    """Whether the matrix can pass with this result."""
    if result.status == "unavailable":
        return cell.version not in MUST_BE_AVAILABLE
    return result.status in ("passed", "left out")


def conclude(
    results: dict[Cell, Result],
    stage: str = STAGE,
    writers: Sequence[Callable[[dict[Cell, Result], Path], None]] = (),
) -> None:
    """Prints and keeps the table beside what the stage has of each cell, and has the writers write
    what else is to be there; fails if a cell did."""
    text = table(results)
    where = places.results(stage)
    (where / "matrix.md").write_text(text + "\n")
    whole = {cell.name: asdict(result) for cell, result in results.items()}
    (where / WHOLE).write_text(json.dumps(whole, indent=1) + "\n")
    for write in writers:
        write(results, where)
    messages.say(f"\n{text}\n")
    for cell, result in results.items():
        for line in result.notes:
            messages.say(f"{cell.name}: {line}")
    for status in ("left out", "unavailable"):
        names = [cell.name for cell, result in results.items() if result.status == status]
        if names:
            messages.say(f"{status}: {', '.join(names)}")
    messages.say(f"JSON, JUnit and logs of each cell: {where}")
    bad = [cell.name for cell, result in results.items() if not is_good(cell, result)]
    if bad:
        raise Fail(f"{len(bad)} of {len(results)} cells failed: {', '.join(bad)}")
    if all(result.status != "passed" for result in results.values()):
        raise Fail("no cell was run")
