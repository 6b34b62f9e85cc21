# SPDX-License-Identifier: GPL-2.0

"""`make matrix`: all suites on every supported kernel, architecture and configuration.

Each cell is a `make test`. What came of it is kept in the cache, with kunit.py's JSON and JUnit, so
a run that was interrupted goes on where it stopped, and a cell that passed isn't run again until
the sources or its kernel change.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import arch as arches
from harness import cases
from harness import debian
from harness import kernel as kernels
from harness import kunit
from harness import lean
from harness import messages
from harness import metadata
from harness import module
from harness import places
from harness import process
from harness import selection
from harness import source as sources
from harness import variables
from harness import verdict
from harness.arch import ARCHES
from harness.archive import Unavailable
from harness.kernel import Kernel, Needs
from harness.kunit import Options
from harness.messages import Fail
from harness.toolchain import Toolchain


@dataclass(frozen=True)
class Cell:
    """A pair that is supported: a kernel version, and an architecture with its configuration.

    Of the distribution's kernels the version is `debian`, for the newest, or one's whole release,
    and the configuration its flavour. Where time is short a cell that is not `first` is left out.
    """

    version: str
    arch: str
    config: str = ""
    first: bool = False

    @property
    def shipped(self) -> bool:
        """Whether it is for a kernel of the distribution's."""
        return selection.is_shipped(self.version)

    @property
    def row(self) -> str:
        """The row that it is in, until the release is known: each of the distribution's has one."""
        return f"{self.config} {self.arch}" if self.shipped else self.version

    @property
    def column(self) -> str:
        """The column that it is in."""
        return self.arch if self.shipped else f"{self.arch} {self.config}".strip()

    @property
    def name(self) -> str:
        """Its name, also as a directory."""
        return kernels.name_of(self.version, self.arch, self.config)

    @property
    def title(self) -> str:
        """What it is for people."""
        return (
            f"Debian's Linux, {self.name}"
            if self.shipped
            else f"Linux {self.version}, {self.column}"
        )

    @property
    def minutes(self) -> int:
        """What it takes at most if its kernel is not there, on two cores."""
        return SHIPPED_MINUTES if self.shipped else CELL_MINUTES


# In the order in which they are run: what fails soonest and matters most comes first.
CELLS = (
    Cell("7.3", "x86_64", first=True),
    Cell("6.12", "x86_64", first=True),
    Cell(debian.NEWEST, "x86_64", "debian-cloud", first=True),
    Cell("7.3", "um", first=True),
    Cell("7.3", "x86_64", "debug", first=True),
    Cell("7.3", "riscv", first=True),
    Cell(debian.NEWEST, "x86_64", "debian-rt"),
    Cell(debian.NEWEST, "arm64", "debian"),
    Cell(debian.NEWEST, "x86_64", "debian"),
    Cell("7.3", "arm64"),
    Cell("6.18", "x86_64"),
    Cell("7.3", "arm64", "mte"),
    Cell("7.3", "arm"),
)

# Without these the matrix can't be called green.
MUST_BE_AVAILABLE = ("6.12", "7.3")

# What a cell takes at most whose kernel has to be built, in minutes on two cores; and one whose
# kernel only wants Rust metadata.
CELL_MINUTES = 9
SHIPPED_MINUTES = 4


NEEDS = Needs(kunit=True, image=True)


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

    def text(self) -> str:
        """It as an entry of the table."""
        if self.status in ("unavailable", "left out"):
            return self.status
        if not self.release:
            return "FAILED"
        counts = f"{self.passed} / {self.failed} / {self.skipped}, {self.seconds} s"
        return counts if self.status == "passed" else f"FAILED: {counts}"


def chosen() -> list[Cell]:
    """The cells that the variables leave which select a kernel; one that is not listed if named."""
    if os.environ.get("KDIR") or os.environ.get("KERNEL_TARBALL"):
        raise Fail("the matrix provides its kernels itself; leave KDIR and KERNEL_TARBALL unset")
    version, named = os.environ.get("KERNEL"), arches.selected()
    release = debian.parse(version or "")
    if release:
        return [Cell(release.name, release.arch.name, release.flavour, True)]
    arch = named or ARCHES[arches.DEFAULT]
    config = arches.selected_config(arch)
    cells = [
        cell
        for cell in CELLS
        if (not version or cell.version == version)
        and (not (named or config) or cell.arch == arch.name)
        and (not (named or config) or cell.config == config or cell.shipped and not config)
    ]
    if cells:
        return cells
    selection.check_version(version or sources.DEFAULT)
    return [Cell(version or sources.DEFAULT, arch.name, config, True)]


def minutes_allowed() -> float | None:
    """How long the cells may take that can be left out; None if as long as they need."""
    value = os.environ.get("MINUTES")
    if value and not value.isdecimal():
        raise Fail(f"MINUTES={value} is not a number of minutes")
    return float(value) if value else None


def state(kernel: Kernel) -> str:
    """A digest of all that a cell's outcome depends on: the modules, the kernel, the harness."""
    files = module.sources(places.module_dir())
    digest = hashlib.sha256(module.state(files, module.state_of(kernel), ()).encode())
    for file in module.walk(Path(__file__).parent):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def kept(folder: Path) -> Result | None:
    """What is known of a cell from an earlier run."""
    file = folder / "result.json"
    try:
        return Result(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def run(cell: Cell, toolchain: Toolchain, until: float | None, accept: bool) -> Result:
    """Runs a cell, or takes what is known of it."""
    again = variables.flag("AGAIN") or accept
    late = until is not None and time.monotonic() + 60 * cell.minutes > until and not cell.first
    kernel = (shipped if cell.shipped else built)(cell, toolchain, late)
    if kernel is None:
        return Result("left out")
    # Its kunit.py writes JUnit for those that can't.
    sources.provide(None, None, toolchain)

    folder = places.results("matrix") / cell.name
    folder.mkdir(exist_ok=True)
    now = state(kernel)
    known = kept(folder)
    if known and known.state == now and known.status == "passed" and not again:
        messages.say("      passed before, with the same sources on the same kernel")
        return known
    result = test(kernel, folder, now, accept)
    (folder / "result.json").write_text(json.dumps(asdict(result), indent=1) + "\n")
    return result


def built(cell: Cell, toolchain: Toolchain, late: bool) -> Kernel | None:
    """The lean kernel of a cell; none if it is `late` and that isn't there."""
    if late and not sources.is_here(cell.version):
        return None
    source = sources.provide(cell.version, None, toolchain)
    made_of = lean.recipe(source, ARCHES[cell.arch], cell.config, toolchain)
    if late and not made_of.stamp.exists():
        return None
    return lean.provide(made_of, toolchain, NEEDS)


def shipped(cell: Cell, toolchain: Toolchain, late: bool) -> Kernel | None:
    """The distribution's kernel of a cell; none if it is `late` and its metadata isn't there."""
    arch = ARCHES[cell.arch]
    release = debian.parse(cell.version) or debian.newest(cell.config, arch, toolchain)
    if late and not metadata.is_here(release.name):
        return None
    messages.say(f"      Linux {release.name}")
    return selection.shipped(debian.provide(release.name, arch, toolchain), toolchain, NEEDS)


def test(kernel: Kernel, folder: Path, now: str, accept: bool) -> Result:
    """Builds the modules, warnings being errors, and runs the suites."""
    began = time.monotonic()
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    modules = module.build(kernel, werror=True)
    log, said = folder / "console.log", folder / "kunit.log"
    outputs = {"--json": folder / "kunit.json", "--junit": folder / "junit.xml"}
    tested = kunit.test(kernel, modules, log, Options((), outputs), whole=True, said=said)
    faults = list(tested.faults)
    if accept and tested.passed:
        cases.accept(tested.results, kernel.name)
        now = state(kernel)
    elif listed := cases.load():
        wrong = cases.faults(listed, tested.results, kernel.name)
        verdict.report(wrong)
        faults += wrong

    number = verdict.count(tested.results)
    good = tested.passed and not faults and all(file.exists() for file in outputs.values())
    if not good:
        process.quote(said.read_text(errors="replace"))
    messages.say(f"      {verdict.summary(tested.results)}")
    return Result(
        "passed" if good else "failed",
        kernel.release,
        number["passed"],
        number["failed"],
        number["skipped"],
        round(time.monotonic() - began),
        now,
        "; ".join(faults),
        tested.notes,
    )


def table(results: dict[Cell, Result]) -> str:
    """The results as a table: a row for each kernel, a column for each architecture."""
    columns = list(dict.fromkeys(cell.column for cell in (*CELLS, *results)))
    columns = [column for column in columns if any(cell.column == column for cell in results)]
    rows = []
    for row in dict.fromkeys(cell.row for cell in results):
        own = {cell.column: result for cell, result in results.items() if cell.row == row}
        releases = [result.release for result in own.values() if result.release]
        cells = [own[column].text() if column in own else "" for column in columns]
        rows.append([releases[0] if releases else row, *cells])
    rows.sort(key=lambda row: (sources.numbers(row[0]), row[0]))
    return messages.markdown([["Linux", *columns], *rows])


def is_good(cell: Cell, result: Result) -> bool:
    """Whether the matrix can pass with this result."""
    if result.status == "unavailable":
        return cell.version not in MUST_BE_AVAILABLE
    return result.status in ("passed", "left out")


def conclude(results: dict[Cell, Result]) -> None:
    """Prints and keeps the table; fails if a cell did."""
    text = table(results)
    where = places.results("matrix")
    (where / "matrix.md").write_text(text + "\n")
    whole = {cell.name: asdict(result) for cell, result in results.items()}
    (where / "matrix.json").write_text(json.dumps(whole, indent=1) + "\n")
    messages.say(f"\npassed / failed / skipped, and seconds for modules and guest\n\n{text}\n")
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


def run_all(
    cells: Sequence[Cell], allowed: float | None, toolchain: Toolchain, accept: bool = False
) -> dict[Cell, Result]:
    """Runs the cells in turn, also after one that failed; `allowed` is in minutes. With `accept`
    the list of what must run is written anew for each."""
    until = None if allowed is None else time.monotonic() + 60 * allowed
    results = {}
    for number, cell in enumerate(cells, 1):
        messages.step(number, len(cells), cell.title)
        try:
            results[cell] = run(cell, toolchain, until, accept)
        except Unavailable as fail:
            results[cell] = Result("unavailable", why=str(fail))
        except Fail as fail:
            messages.say(f"      failed: {fail}")
            results[cell] = Result("failed", why=str(fail))
        if results[cell].status in ("left out", "unavailable"):
            messages.say(f"      {results[cell].status} {results[cell].why}".rstrip())
    return results
