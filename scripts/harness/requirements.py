# SPDX-License-Identifier: GPL-2.0

"""What a kernel that was not built here has to be and to have, as one table: for KDIR=, for
`make check-kdir`, for DKMS, and for docs/checks.md.
"""

from collections.abc import Iterator

from harness import messages
from harness import requires_guest
from harness import requires_tools
from harness import requires_tree
from harness.messages import Fail
from harness.requirement import (
    BUILD,
    DIRECT,
    GUEST,
    MAKING,
    READY,
    RUST,
    TEST,
    Requirement,
    Subject,
)

# In the order in which they are looked at.
ROWS = (*requires_tree.ROWS, *requires_tools.ROWS, *requires_guest.ROWS)


def applies(row: Requirement, subject: Subject) -> bool:
    """Whether a row is about a build of a subject's modules."""
    if row.of in (DIRECT, READY):
        return not subject.making and (subject.rust or row.of == DIRECT)
    if row.of == MAKING:
        return subject.making
    return row.of == BUILD or row.of == RUST and subject.rust


def wrong(subject: Subject) -> Iterator[str]:
    """What is wrong with a subject for a build of its modules; the table is looked at no further
    than is asked for."""
    for row in ROWS:
        if applies(row, subject) and (said := row.wrong(subject)):
            yield said
            if row.final:
                return


def wrong_in_guest(subject: Subject, test: bool) -> Iterator[str]:
    """What is wrong with one that modules can be built for, for a guest, and for suites in it."""
    for row in ROWS:
        if row.of == GUEST or row.of == TEST and test:
            if said := row.wrong(subject):
                yield said


def need(subject: Subject, *, guest: bool = False, test: bool = False) -> None:
    """Fails with the first thing that is wrong for a build, for a guest, for suites in it."""
    for said in wrong(subject):
        raise Fail(said)
    if guest or test:
        for said in wrong_in_guest(subject, test):
            raise Fail(said)


def table() -> str:
    """The rows as a table in Markdown."""
    head = ["for", "what is said", "what mends it", "where in the kernel it comes from"]
    rows = [[row.of, shown(row.says), shown(row.mend), row.source] for row in ROWS]
    return messages.markdown([head, *rows])


class Placeholders(dict[str, str]):
    """The words of a text, each of which is its own name."""

    def __missing__(self, name: str) -> str:
        return name.upper()


def shown(text: str) -> str:
    """A row's text as the table has it."""
    return text.format_map(Placeholders()).replace("|", r"\|")
