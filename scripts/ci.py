# SPDX-License-Identifier: GPL-2.0

"""`make ci`: the matrix for GitLab and for GitHub, a job for each cell and one for the table.

The files are made of the table of cells; `make lint` says if they are not as they would be made.
"""

from collections.abc import Sequence

from harness import command
from harness import messages
from harness import places
from harness import variables
from harness.cells import CELLS
from template import fill

# The files and their templates.
FILES = {".gitlab-ci.yml": "gitlab.yml", ".github/workflows/matrix.yml": "github.yml"}

ABOUT = "# Written by `make ci` from the table in scripts/harness/cells.py; not to be edited."


def files(cells: Sequence[str], about: str) -> dict[str, str]:
    """The files for these cells, with comments of what they are about."""
    items = "\n".join(f"{'- ':>12}{cell}" for cell in cells)
    lines = "\n".join(f"{'':8}{cell}" for cell in cells)
    return {
        file: fill("ci", template, about=about, items=items, lines=lines)
        for file, template in FILES.items()
    }


def own() -> dict[str, str]:
    """The files of this project."""
    return files([cell.name for cell in CELLS], ABOUT)


def stale() -> list[str]:
    """Those of this project that are not as they would be made."""
    paths = {file: places.checkout() / file for file in FILES}
    return [
        file
        for file, text in own().items()
        if not paths[file].is_file() or paths[file].read_text() != text
    ]


def main() -> None:
    """Writes the files of this project."""
    variables.takes("ci")
    for file, text in own().items():
        path = places.checkout() / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    messages.say(f"wrote {', '.join(FILES)}: {len(CELLS)} cells")


if __name__ == "__main__":
    command.main(main)
