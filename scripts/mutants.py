# SPDX-License-Identifier: GPL-2.0

"""`make mutants`: the allocator broken in many ways, one at a time; a test must notice each.

Those that cargo-mutants makes are run in user land, those of the table by the command that must
notice. What came of each is kept in the cache, so that a run which was interrupted goes on where it
stopped, until something changes on which it depends.
"""

import contextlib
import fnmatch
import hashlib
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import cargo
import cargo_mutants
import lanes
import lint
import mutant as mutants
from harness import command
from harness import messages
from harness import module
from harness import places
from harness import toolchain as toolchains
from harness import variables
from harness import verdict
from harness.messages import Fail
from harness.toolchain import Toolchain
from lanes import LANES
from mutant import NOTHING, Mutant, Outcome

STEPS = 3


class Runner:
    """Runs mutants in a copy of the checkout, and knows those that were run before."""

    def __init__(self, copy: Path, toolchain: Toolchain) -> None:
        self.copy, self.toolchain = copy, toolchain
        self.folder = places.results("mutants", places.checkout())
        self.inputs = {name: self.digest(lane.inputs) for name, lane in LANES.items()}

    def digest(self, names: Sequence[str]) -> str:
        """A digest of these files and directories of the checkout."""
        found = hashlib.sha256(self.toolchain.key.encode())
        for name in names:
            top = self.copy / name
            for file in module.walk(top) if top.is_dir() else [top]:
                found.update(f"\n{file.relative_to(self.copy)}\n".encode() + file.read_bytes())
        return found.hexdigest()

    def file(self, lane: str, mutant: Mutant | None) -> Path:
        """Where it is kept what came of a mutant, or of a lane without one."""
        what = repr(mutant) if mutant else lane
        return self.folder / f"{places.key(self.inputs[lane], what)}.json"

    def known(self, lane: str, mutant: Mutant | None) -> Outcome | None:
        """What came of it in an earlier run."""
        try:
            return Outcome(**json.loads(self.file(lane, mutant).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def minutes(self, mutant: Mutant) -> int:
        """How long it will take at most."""
        lane = LANES[mutant.lane].minutes
        return lane if self.known(mutant.lane, None) else 2 * lane

    def prepare(self, lane: str) -> None:
        """Sees that a lane is green without a mutant, unless that is known."""
        if self.known(lane, None):
            return
        began = time.monotonic()
        whole = self.run(lane, None)
        if whole.by != NOTHING:
            self.file(lane, None).unlink()
            raise Fail(f"{lane}: it fails without a mutant, so it can't tell: {whole.by}")
        took = messages.minutes(time.monotonic() - began)
        messages.say(f"      {lane} without a mutant: green, {took}")

    def run(self, lane: str, mutant: Mutant | None) -> Outcome:
        """Runs a lane, and keeps what came of it."""
        file = self.file(lane, mutant)
        with mutant.applied(self.copy) if mutant else contextlib.nullcontext():
            outcome = lanes.run(
                LANES[lane], mutant, self.copy, self.toolchain, file.with_suffix(".log")
            )
        file.write_text(json.dumps(asdict(outcome)) + "\n")
        return outcome


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """A copy of the checkout, in which files that are the same are left alone for make's sake."""
    top = places.checkout()
    copy = places.stage("run") / f"mutants-{places.key(str(top))}"
    names = lint.tracked(top)
    with places.lock(copy.name):
        module.stage({name: (top / name).read_bytes() for name in names}, copy)
        for name in names:
            shutil.copymode(top / name, copy / name)
        yield copy


def chosen(every: Sequence[Mutant], words: Sequence[str]) -> list[Mutant]:
    """Those that the words name, or all, in an order that each commit has its own of."""
    for word in words:
        if not any(is_named(mutant, word) for mutant in every):
            raise Fail(
                f"ARGS: no mutant is called {word}; {mutants.BY_HAND} has names, and a pattern"
                " like 'allocator/block.rs*' is one for those of cargo-mutants"
            )
    found = [
        mutant for mutant in every if not words or any(is_named(mutant, word) for word in words)
    ]
    begins = commit()
    return sorted(found, key=lambda mutant: places.key(begins, mutant.name))


def is_named(mutant: Mutant, word: str) -> bool:
    """Whether a word of ARGS is a mutant's name, a pattern for it, or the lane that runs it."""
    return word in (mutant.name, mutant.lane) or fnmatch.fnmatchcase(mutant.name, word)


def commit() -> str:
    """The commit of the checkout; nothing if there is none."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=places.checkout(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def check_names(every: Sequence[Mutant], excused: Mapping[str, str]) -> None:
    """Fails if an entry of the list of equivalent ones is of no mutant."""
    names = {mutant.name for mutant in every}
    for name in excused:
        if name not in names:
            raise Fail(f"{mutants.EQUIVALENT}: there is no mutant {name}; remove the entry")


def check_lanes(made: Sequence[Mutant]) -> None:
    """Fails if a mutant of the table is of a lane that does not exist."""
    for mutant in made:
        if mutant.lane not in LANES:
            raise Fail(
                f"{mutants.BY_HAND}: {mutant.name}: there is no lane {mutant.lane}; there are"
                f" {', '.join(LANES)}"
            )


def run_all(
    runner: Runner, chosen: Sequence[Mutant], excused: Mapping[str, str], allowed: float | None
) -> tuple[Counter[str], list[str]]:
    """Runs mutants in turn while there is time, and says of each what came of it. Returns how many
    came to what, and what is wrong."""
    until = None if allowed is None else time.monotonic() + 60 * allowed
    count: Counter[str] = Counter()
    faults = []
    for mutant in chosen:
        outcome = runner.known(mutant.lane, mutant)
        took = "as before"
        if outcome is None:
            if until is not None and time.monotonic() + 60 * runner.minutes(mutant) > until:
                count["left out"] += 1
                continue
            runner.prepare(mutant.lane)
            began = time.monotonic()
            outcome = runner.run(mutant.lane, mutant)
            took = messages.minutes(time.monotonic() - began)
        status, came_to = outcome.status, str(outcome)
        if mutant.name in excused:
            if status == "missed":
                status, came_to = "equivalent", f"equivalent: {excused[mutant.name]}"
            else:
                faults.append(f"{mutants.EQUIVALENT}: {mutant.name} is {outcome}; remove the entry")
        elif status == "missed":
            faults.append(f"{mutant.name} ({mutant.lane}) is {outcome}")
        count[status] += 1
        messages.say(f"{mutant.name}: {came_to}, {took}")
    return count, faults


def summary(count: Mapping[str, int]) -> str:
    """The last line."""
    tried = count["caught"] + count["missed"] + count["equivalent"]
    line = (
        f"mutants: {count['caught']} of {tried} caught, {count['equivalent']} equivalent,"
        f" {count['missed']} missed"
    )
    if count["not compiled"]:
        line += f", {count['not compiled']} do not compile"
    if count["left out"]:
        line += f", {count['left out']} left out for want of time"
    return line


def main() -> None:
    """Runs them."""
    variables.takes("mutants", "ARGS", "MINUTES", "TOOLCHAIN")
    words, allowed = variables.args(), variables.minutes()
    made, excused = mutants.by_hand(), mutants.equivalent()
    check_lanes(made)
    messages.step(1, STEPS, "toolchain")
    toolchain = toolchains.provide()
    cargo.fetch(toolchain)
    messages.step(2, STEPS, "the mutants, by cargo-mutants and by hand")
    by_hand = [mutant for mutant in made if mutant.lane != "host"]
    if words and all(any(is_named(mutant, word) for mutant in by_hand) for word in words):
        every = by_hand
    else:
        every = [*cargo_mutants.mutants(toolchain), *made]
        check_names(every, excused)
    selected = chosen(every, words)
    messages.step(3, STEPS, f"{len(selected)} mutants: what notices each, and how long that took")
    with copied() as copy:
        count, faults = run_all(Runner(copy, toolchain), selected, excused, allowed)
    verdict.report(faults)
    messages.say(summary(count))
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    command.main(main)
