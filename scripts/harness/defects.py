# SPDX-License-Identifier: GPL-2.0

"""The defects that a run found and is not blamed for: which, and what cases noted them."""

import re
from collections.abc import Sequence

from harness import verdict

# The word that such a note has.
DEFECT = re.compile(r"\bdefect\b")

# What a defect was seen with: sizes, alignments and counts differ by machine and by run. A version
# stays, and what is part of a name.
NUMBER = re.compile(r"(?<!\S)\d+(?=[,;:]?(?:\s|$))")


def among(notes: Sequence[str]) -> list[str]:
    """Those of a run's notes that are of a defect."""
    return [note for note in notes if DEFECT.search(note)]


def kind(note: str) -> str:
    """What the notes of one defect have in common, whatever it was seen with."""
    return NUMBER.sub("N", note)


def cases(console: str) -> dict[str, list[tuple[str, str]]]:
    """The cases in which each note was made, each with its suite."""
    found: dict[str, list[tuple[str, str]]] = {}
    suite = ""
    noted: set[str] = set()
    for line in verdict.lines(console):
        if match := verdict.SUITE.match(line):
            suite, noted = match[1], set()
        elif match := verdict.NOTE.match(line):
            noted.add(match[2])
        elif match := verdict.CASE.match(line):
            for note in noted:
                found.setdefault(note, []).append((suite, match[2]))
            noted = set()
    return found
