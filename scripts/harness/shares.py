# SPDX-License-Identifier: GPL-2.0

"""Shares of the matrix: what each machine of several leaves in a directory, and one table of them.

Such a directory has matrix.json and a folder for each cell that was run.
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import messages
from harness import module
from harness import places
from harness import results
from harness.cells import Cell
from harness.messages import Fail
from harness.results import WHOLE, Result

# Where a table of many shares is kept.
STAGE = "joined"

# What only a run takes.
RUNNING = ("MINUTES", "AGAIN", "ACCEPT")

# What marks a directory that is no source of a module which it lies in (module.walk()).
SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n"


def destination() -> Path | None:
    """The directory that DIR= names for a copy of the results, if it can be written."""
    given = os.environ.get("DIR")
    if not given:
        return None
    to = Path(os.path.abspath(given))
    if to.exists() and not (to.is_dir() and ((to / WHOLE).exists() or not any(to.iterdir()))):
        raise Fail(
            f"DIR={given} is there already and has no {WHOLE}, so it is not the matrix's to write"
        )
    return to


def write(to: Path, stage: str, came: dict[Cell, Result]) -> None:
    """Copies what a stage keeps of these cells to a directory, whole or not at all."""
    where = places.results(stage)
    ran = [cell.name for cell, result in came.items() if result.status != "left out"]
    with places.publish(to) as part:
        for path in where.iterdir():
            if path.is_file():
                shutil.copy2(path, part / path.name)
            elif path.name in ran:
                shutil.copytree(path, part / path.name)
        (part / module.TAG).write_text(SIGNATURE)
    messages.say(f"a copy of that: {to}")


def named() -> list[Path]:
    """The directories that JOIN= names."""
    given = os.environ.get("JOIN", "")
    if given and not given.split():
        raise Fail("JOIN= names no directory")
    extra = [name for name in RUNNING if given and os.environ.get(name)]
    if extra:
        raise Fail(f"JOIN= runs nothing, and takes no {extra[0]}=")
    return [Path(word) for word in given.split()]


def read(folder: Path) -> dict[str, Result]:
    """What came of the cells that were run in a share, by their names."""
    file = folder / WHOLE
    if not folder.is_dir():
        raise Fail(f"JOIN={folder}: there is no such directory")
    if not file.is_file():
        raise Fail(f"JOIN={folder} has no {WHOLE}; name what make matrix DIR={folder} leaves")
    try:
        whole: dict[str, dict[str, Any]] = json.loads(file.read_text())
        found = {name: Result(**result) for name, result in whole.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Fail(f"{file} is not what make matrix writes ({error})") from error
    for name, result in found.items():
        if result.status not in results.STATUSES:
            raise Fail(f"{file}: {name} has the status {result.status}, which there is not")
    return {name: result for name, result in found.items() if result.status != "left out"}


def joined(cells: Sequence[Cell], folders: Sequence[Path]) -> dict[Cell, Result]:
    """What came of the cells in all shares; kept as the results of a matrix are."""
    names = [cell.name for cell in cells]
    came: dict[str, Result] = {}
    source: dict[str, Path] = {}
    for folder in folders:
        for name, result in read(folder).items():
            if name not in names:
                raise Fail(f"JOIN={folder} has a cell {name}; there are {', '.join(names)}")
            if name in came:
                raise Fail(f"JOIN= has {name} in {source[name]} and in {folder}; name one of them")
            came[name], source[name] = result, folder
    with places.lock(STAGE), places.publish(places.results(STAGE)) as part:
        for name, folder in source.items():
            if (folder / name).is_dir():
                shutil.copytree(folder / name, part / name)
    return {cell: came.get(cell.name, Result("left out")) for cell in cells}
