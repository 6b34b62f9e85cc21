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


def cases(console: str, note: str) -> list[tuple[str, str]]:
    """The cases in which this was noted, each with its suite."""
    found: list[tuple[str, str]] = []
    suite, noted = "", False
    for line in verdict.lines(console):
        if match := verdict.SUITE.match(line):
            suite, noted = match[1], False
        elif match := verdict.NOTE.match(line):
            noted = noted or match[2] == note
        elif match := verdict.CASE.match(line):
            found += [(suite, match[2])] * noted
            noted = False
    return found
