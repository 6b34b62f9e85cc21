# SPDX-License-Identifier: GPL-2.0

"""The commands of the Makefile that tests have run to a good end, beside those that pages show."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pages

# What the pages show, and no test runs to a good end; with the reason.
NOT_RUN = {
    "bench": "it takes minutes; CI runs it, and its tables stand in docs/allocator.md",
    "check-harness": "it runs the tests",
    "host-test": "it takes minutes; CI runs it",
    "first-step": "it takes an hour; its table stands in docs/harness.md",
}

# A goal, and the names of the variables that are set for it, of make's command line or not.
Ran = tuple[str, frozenset[str]]


def of(argv: Sequence[str], cwd: Path | None, env: Mapping[str, str]) -> list[Ran]:
    """What a command runs of the Makefile; it may be inside a sandbox."""
    words = dict(word.split("=", 1) for word in argv if re.match(r"[A-Z_]+=", word))
    given = frozenset(name for name, value in {**env, **words}.items() if value)
    return [(goal, given) for goal in goals(argv, cwd)]


def goals(argv: Sequence[str], cwd: Path | None) -> list[str]:
    """The goals that a command runs, by make or as their programs."""
    for number, word in enumerate(argv):
        rest = list(argv[number + 1 :])
        if word == "make":
            return [goal for goal in rest if goal in pages.GOALS and is_ours(argv, cwd)]
        if Path(word).parent.name == "scripts":
            programs = {program: goal for goal, program in pages.GOALS.items()}
            name = Path(word).name
            found = programs.get(" ".join([name, *rest[:1]])) or programs.get(name)
            return [found] if found else []
    return []


def is_ours(argv: Sequence[str], cwd: Path | None) -> bool:
    """Whether make is run where this project is, and not on a kernel."""
    named = [argv[argv.index(word) + 1] for word in ("-C", "--chdir") if word in argv]
    return Path(*named[:1] or [str(cwd or ".")], "scripts/harness").is_dir()


def note(argv: Sequence[str], cwd: Path | None, env: Mapping[str, str]) -> None:
    """Notes a command in the file that TEST_RAN names, if there is one."""
    if file := os.environ.get("TEST_RAN"):
        lines = [json.dumps([goal, sorted(given)]) + "\n" for goal, given in of(argv, cwd, env)]
        # In one piece, as other test files write there as well.
        with open(file, "ab", buffering=0) as notes:
            notes.write("".join(lines).encode())


def noted(file: Path) -> set[Ran]:
    """What is noted in a file."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return {(goal, frozenset(given)) for goal, given in lines}


def unrun(commands: Iterable[pages.Command], ran: set[Ran]) -> list[str]:
    """Those of the commands that were not run with all the variables that they have there."""
    missing = [
        f"{command.text.partition(' #')[0].strip()} ({command.page})"
        for command in commands
        for goal in command.goals
        if goal in pages.GOALS and goal not in NOT_RUN
        if not any(goal == name and set(command.variables) <= given for name, given in ran)
    ]
    return list(dict.fromkeys(missing))
