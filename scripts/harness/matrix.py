# SPDX-License-Identifier: GPL-2.0

"""`make matrix`: all suites on every supported kernel, architecture and configuration.

Each cell is a `make test`. What came of it is kept in the cache, with kunit.py's JSON and JUnit, so
a run that was interrupted goes on where it stopped, and a cell that passed isn't run again until
the sources or its kernel change.

The kernels are provided one after the other, as a kernel's build has all CPUs. A cell that has its
kernel runs beside that and beside other cells.
"""

import functools
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

from harness import cases
from harness import compiler
from harness import debian
from harness import flavour as flavours
from harness import kunit
from harness import lean
from harness import messages
from harness import metadata
from harness import module
from harness import places
from harness import process
from harness import results
from harness import selection
from harness import source as sources
from harness import toolchain as toolchains
from harness import variables
from harness import verdict
from harness.arch import ARCHES
from harness.archive import Unavailable
from harness.cells import HERE_MINUTES, Cell
from harness.kernel import Kernel, Needs
from harness.kunit import Options
from harness.messages import Fail
from harness.results import Result
from harness.toolchain import Toolchain
from harness.workers import LIMIT, Workers

NEEDS = Needs(kunit=True, image=True)

# Where the modules' build says what it does, in a cell's folder.
BUILD_LOG = "build.log"


def state(kernel: Kernel) -> str:
    """A digest of all that a cell's outcome depends on: the modules, the kernel, the harness."""
    files = module.sources(places.module_dir())
    digest = hashlib.sha256(module.state(files, module.state_of(kernel), ()).encode())
    for file in module.walk(Path(__file__).parent):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def begin(
    cell: Cell, toolchain: Toolchain, until: float | None, accept: bool
) -> Result | Callable[[], Result]:
    """Provides what a cell's run takes, and gives that; or what is known of the cell."""
    again = variables.flag("AGAIN") or accept

    def late(minutes: int) -> bool:
        end = time.monotonic() + 60 * minutes
        return until is not None and end > until and not cell.first

    folder = places.results(results.STAGE) / cell.name
    known = results.kept(folder)
    if late(HERE_MINUTES) and not known:
        return Result("left out")
    kernel = (shipped if cell.shipped else built)(cell, toolchain, late)
    if kernel is None:
        return Result("left out")
    # Its kunit.py writes JUnit for those that can't.
    sources.provide(None, None, toolchain)

    folder.mkdir(exist_ok=True)
    now = state(kernel)
    if known and known.state == now and known.status == "passed" and not again:
        messages.say("      passed before, with the same sources on the same kernel")
        return known
    return functools.partial(run, kernel, folder, now, accept)


def run(kernel: Kernel, folder: Path, now: str, accept: bool) -> Result:
    """Runs a cell whose kernel is there, and keeps what came of it."""
    try:
        result = whole(kernel, folder, now, accept)
    except Unavailable as fail:
        return missed(fail)
    (folder / "result.json").write_text(json.dumps(asdict(result), indent=1) + "\n")
    return result


def built(cell: Cell, toolchain: Toolchain, late: Callable[[int], bool]) -> Kernel | None:
    """The lean kernel of a cell; none if that isn't there and what it takes is too `late`."""
    arch, flavour = ARCHES[cell.arch], flavours.named(cell.flavour)
    toolchain = toolchains.provide(arch, flavour, cell.toolchain)
    source = sources.provide(cell.version, None, toolchain)
    made_of = lean.recipe(source, arch, flavour, toolchain)
    if not made_of.stamp.exists() and late(cell.minutes):
        return None
    return lean.provide(made_of, toolchain, NEEDS)


def shipped(cell: Cell, toolchain: Toolchain, late: Callable[[int], bool]) -> Kernel | None:
    """The distribution's kernel of a cell; none if its metadata isn't there, and what that takes is
    too `late`."""
    arch = ARCHES[cell.arch]
    release = debian.parse(cell.version) or debian.newest(cell.flavour, arch, toolchain)
    if not metadata.is_here(release.name) and late(cell.minutes):
        return None
    messages.say(f"      Linux {release.name}")
    return selection.shipped(debian.provide(release.name, arch, toolchain), toolchain, NEEDS)


def whole(kernel: Kernel, folder: Path, now: str, accept: bool) -> Result:
    """The outcome of a cell whose kernel is there, with what is known of that."""
    began = datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        result = test(kernel, folder, now, accept)
    except Unavailable:
        raise
    except Fail as fail:
        result = failed(fail)
    rustc = kernel.config.get("RUSTC_VERSION_TEXT", "").strip('"')
    compilers = ", ".join(filter(None, [compiler.version(kernel.config), rustc]))
    return replace(result, source=version(kernel.source), compilers=compilers, began=began)


def version(tree: Path | None) -> str:
    """The version of a kernel's source, as Debian numbers it, if it was provided (source.py)."""
    file = tree.with_name("version") if tree else None
    return file.read_text() if file and file.is_file() else ""


def missed(fail: Unavailable) -> Result:
    """The outcome of a cell for which something can't be had, which is said."""
    messages.say(f"      unavailable: {fail}")
    return Result("unavailable", why=str(fail))


def failed(fail: Fail) -> Result:
    """The outcome of a cell that did not come to its suites' end, which is said."""
    messages.say(f"      failed: {fail}")
    return Result("failed", why=str(fail))


def test(kernel: Kernel, folder: Path, now: str, accept: bool) -> Result:
    """Builds the modules, warnings being errors, and runs the suites."""
    began = time.monotonic()
    # What an earlier run left, but for what the build said: it says nothing if nothing is built.
    for file in folder.iterdir():
        if file.name != BUILD_LOG:
            file.unlink()
    modules = module.build(kernel, werror=True, log=folder / BUILD_LOG)
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


def run_all(
    cells: Sequence[Cell], allowed: float | None, toolchain: Toolchain, accept: bool = False
) -> dict[Cell, Result]:
    """Runs the cells, also after one that failed; `allowed` is in minutes. With `accept` the list
    of what must run is written anew by each, one after the other."""
    until = None if allowed is None else time.monotonic() + 60 * allowed
    came: dict[str, Result] = {}
    with Workers[Result](1 if accept else LIMIT) as workers:
        for number, cell in enumerate(cells, 1):
            messages.step(number, len(cells), cell.title)
            try:
                begun = begin(cell, toolchain, until, accept)
            except Unavailable as fail:
                begun = missed(fail)
            except Fail as fail:
                begun = failed(fail)
            if not isinstance(begun, Result):
                workers.start(cell.name, begun)
                continue
            came[cell.name] = begun
            if begun.status == "left out":
                messages.say("      left out")
        came |= workers.results()
    return {cell: came[cell.name] for cell in cells}
