# SPDX-License-Identifier: GPL-2.0

"""The matrix as a page to look at: `matrix.html`, which needs nothing but the cells' folders beside
it, to which it links."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import defects
from harness import junit
from harness import messages
from harness import places
from harness import toolchain as toolchains
from harness.cells import Cell
from harness.junit import Case
from harness.messages import Fail
from harness.results import STATUSES, Result, in_order, is_good
from harness.text import without_directories
from harness.toolchain import Toolchain

# What the template takes that the toolchain's root has not.
PACKAGES = ("python3-jinja2",)

# The files of a cell that are linked, and what they are called.
LINKS = {
    "console.log": "the guest's console",
    "kunit.log": "kunit.py's output",
    "build.log": "the modules' build",
    "junit.xml": "JUnit",
    "kunit.json": "JSON",
}


def write(results: dict[Cell, Result], where: Path) -> None:
    """Writes the page; that it can't be made is said, and is no failure of the matrix's."""
    file = where / "matrix.html"
    file.unlink(missing_ok=True)
    try:
        text = filled(content(results, where), provide())
    except Fail as fail:
        messages.say(f"no page was made: {fail}")
        return
    file.write_text(text, encoding="utf-8")
    messages.say(f"a page to look at: {file}")


def provide() -> Toolchain:
    """Where there is Jinja: a root that has it besides, or this machine if its own tools are used,
    which then must have it."""
    toolchain = toolchains.provide()
    if toolchain.root:
        return toolchains.with_packages(toolchains.root(), PACKAGES)
    if not toolchain.output(["python3", "-c", "import jinja2; print('it is there')"]):
        raise Fail(f"TOOLCHAIN=host: this machine's python3 has no jinja2; install {PACKAGES[0]}")
    return toolchain


def filled(data: dict[str, Any], toolchain: Toolchain) -> str:
    """The template with this in it."""
    program = Path(__file__).with_name("render.py")
    template = Path(__file__).with_name("page.html.j2")
    done = subprocess.run(
        toolchain.argv(["python3", str(program), str(template)], ro=[program, template]),
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Fail(f"its template failed: {(done.stderr.splitlines() or ['no word why'])[-1]}")
    return done.stdout


def content(results: dict[Cell, Result], where: Path) -> dict[str, Any]:
    """What the template shows."""
    states = Counter(result.status for result in results.values())
    return {
        "modules": places.module_dir().name,
        "states": [[state, states[state]] for state in STATUSES if states[state]],
        "rows": [row(*shown, where) for shown in in_order(results)],
    }


def row(linux: str, cell: Cell, result: Result, where: Path) -> dict[str, Any]:
    """A cell with all that it opens."""
    folder = where / cell.name
    # Of a cell that did not run there may be files of an earlier run.
    ran = bool(result.release)
    result = replace(
        result,
        why=without_directories(result.why),
        notes=[without_directories(note) for note in result.notes],
    )
    cases = [
        replace(case, text=without_directories(case.text))
        for case in (junit.read(folder / "junit.xml") if ran else [])
    ]
    found = defects.among(result.notes)
    names = LINKS if ran else ["build.log"] if result.source else []
    made_of = {
        "source": f"Debian's linux {result.source}" if result.source else "",
        "compilers": result.compilers,
        "begun": result.began,
    }
    return {
        "linux": linux,
        "arch": cell.arch,
        "about": cell.about,
        "state": result.status,
        "good": is_good(cell, result),
        "counts": counts(result, len(found)) if ran else [],
        "why": result.why,
        "bad": [
            {"name": name_of(case), "status": case.status, "text": case.text}
            for case in cases
            if case.status in ("failed", "crashed")
        ],
        "reasons": reasons(cases),
        "defects": found,
        "notes": [note for note in result.notes if note not in found],
        "made_of": [[what, text] for what, text in made_of.items() if text],
        "links": [
            {"to": f"{cell.name}/{name}", "text": LINKS[name]}
            for name in names
            if (folder / name).exists()
        ],
    }


def counts(result: Result, found: int) -> list[str]:
    """What a cell comes to, in few words."""
    said = f"{found} defect{'s' * (found > 1)} found"
    return [
        f"{result.passed} passed",
        f"{result.failed} failed",
        f"{result.skipped} skipped",
        messages.minutes(result.seconds),
        *[said] * bool(found),
    ]


def name_of(case: Case) -> str:
    """A case as kunit.py's filters name it."""
    return f"{case.suite}.{case.name}"


def reasons(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The reasons for which cases were skipped, with the cases."""
    found: dict[str, list[str]] = {}
    for case in cases:
        if case.status == "skipped":
            found.setdefault(case.text or "no reason was given", []).append(name_of(case))
    return [{"why": why, "cases": names} for why, names in found.items()]
