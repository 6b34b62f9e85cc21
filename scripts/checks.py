# SPDX-License-Identifier: GPL-2.0

"""`python3 scripts/checks.py`: writes the table of docs/checks.md anew, from the rows."""

import re

from harness import command
from harness import places
from harness import requirements

PAGE = places.checkout() / "docs/checks.md"
AGAIN = "`python3 scripts/checks.py` writes it anew"

# The one table of the page that has this head.
TABLE = re.compile(r"^\| for +\|.*\n(?:\|.*\n)+", re.MULTILINE)


def renewed(page: str) -> str:
    """The page with the table as it should be."""
    text, count = TABLE.subn(lambda _: f"{requirements.table()}\n", page)
    assert count == 1
    return text


def main() -> None:
    """Writes it."""
    PAGE.write_text(renewed(PAGE.read_text()))


if __name__ == "__main__":
    command.main(main)
