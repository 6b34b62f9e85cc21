# SPDX-License-Identifier: GPL-2.0

"""The commands of the Makefile that tests have run (copies.note), beside those that pages show.

As a program it prints those that were not run, of a file with notes.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pages

from harness import variables

NAMES = {*variables.SOME, *variables.TOOLS}

# What the pages show, and no test runs to a good end; with the reason.
NOT_RUN = {
    "bench": "it takes minutes; CI runs it, and its tables stand in docs/allocator.md",
    "check-harness": "it runs the tests",
    "host-test": "it takes minutes; CI runs it",
    "first-step": "it takes an hour; its table stands in docs/harness.md",
}

# A goal, and the names of the variables that it was given.
Ran = tuple[str, frozenset[str]]


def of(argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> Iterable[Ran]:
    """What a command runs of the Makefile; it may be inside a sandbox."""
    words = dict(word.split("=", 1) for word in argv if re.match(r"[A-Z_]+=", word))
    given = frozenset(name for name, value in {**env, **words}.items() if value and name in NAMES)
    return [(goal, given) for goal in goals(argv, cwd)]


def goals(argv: Sequence[str], cwd: str) -> list[str]:
    """The goals that a command runs, by make or as their programs."""
    for number, word in enumerate(argv):
        rest = list(argv[number + 1 :])
        if word == "make":
            folder = Path(rest[rest.index("-C") + 1] if "-C" in rest else cwd)
            ours = (folder / "scripts/harness").is_dir()
            return [goal for goal in rest if ours and goal in pages.GOALS]
        if Path(word).parent.name == "scripts":
            programs = {program: goal for goal, program in pages.GOALS.items()}
            name = Path(word).name
            found = programs.get(" ".join([name, *rest[:1]])) or programs.get(name)
            return [found] if found else []
    return []


def noted(file: Path) -> set[Ran]:
    """What is noted in a file."""
    return {ran for line in file.read_text().splitlines() for ran in of(*json.loads(line))}


def unrun(commands: Iterable[pages.Command], ran: set[Ran]) -> list[str]:
    """Those of the commands that were not run with all the variables that they have there."""
    return [
        f"{command.text} ({command.page})"
        for command in commands
        for goal in command.goals
        if goal in pages.GOALS and goal not in NOT_RUN
        if not any(goal == name and set(command.variables) <= given for name, given in ran)
    ]


if __name__ == "__main__":
    print("; ".join(unrun(pages.commands(), noted(Path(sys.argv[1])))))
