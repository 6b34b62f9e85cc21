# SPDX-License-Identifier: GPL-2.0

"""What a mutant is: a source with one change that breaks it. Those made by hand are a table
(mutants/by-hand.toml), and those that nothing can notice are a list (mutants/equivalent.toml)."""

import contextlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import places
from harness.messages import Fail

FOLDER = "scripts/mutants"
BY_HAND = f"{FOLDER}/by-hand.toml"
EQUIVALENT = f"{FOLDER}/equivalent.toml"

# What an entry of the table has, and one of the two by which it is known to be caught.
KEYS = {"name", "file", "old", "new", "lane"}
CATCHERS = ("suite", "says")


# What is said of a mutant that everything passes with.
NOTHING = "nothing noticed"


@dataclass(frozen=True)
class Mutant:
    """A file of the checkout, and its text with the change in it.

    The lane says what is run on it. What must turn red there is a `suite`, or the run whose output
    `says` this; either is empty if any test will do.
    """

    name: str
    file: str
    text: str
    lane: str
    suite: str = ""
    says: str = ""

    @contextlib.contextmanager
    def applied(self, copy: Path) -> Iterator[None]:
        """A copy of the checkout is broken by it meanwhile."""
        file = copy / self.file
        whole = file.read_text()
        file.write_text(self.text)
        try:
            yield
        finally:
            file.write_text(whole)


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: caught, missed, or not compiled; and by what, or why."""

    status: str
    by: str = ""

    def __str__(self) -> str:
        link = {"caught": " by ", "missed": ": "}.get(self.status, "")
        return f"{self.status}{link}{self.by}"


def by_hand() -> list[Mutant]:
    """The mutants of the table. Fails if it has become wrong."""
    found: dict[str, Mutant] = {}
    for entry in tomllib.loads((places.checkout() / BY_HAND).read_text())["mutant"]:
        name = entry.get("name", "")
        where = f"{BY_HAND}: {name or 'an entry without a name'}"
        if set(entry) - {*CATCHERS} != KEYS or len(set(entry) & {*CATCHERS}) != 1:
            raise Fail(f"{where}: it must have {', '.join(sorted(KEYS))}, and suite or says")
        if name in found:
            raise Fail(f"{where}: there are two of this name")
        text = (places.checkout() / entry["file"]).read_text()
        if text.count(entry["old"]) != 1:
            raise Fail(
                f"{where}: {entry['file']} has the text that it changes"
                f" {text.count(entry['old'])} times; it must be there once"
            )
        found[name] = Mutant(
            name,
            entry["file"],
            text.replace(entry["old"], entry["new"]),
            entry["lane"],
            entry.get("suite", ""),
            entry.get("says", ""),
        )
    return list(found.values())


def equivalent() -> dict[str, str]:
    """Mutants that behave as the source does, by name, and why they do."""
    found: dict[str, str] = tomllib.loads((places.checkout() / EQUIVALENT).read_text())
    for name, why in found.items():
        if not isinstance(why, str) or not why:
            raise Fail(f"{EQUIVALENT}: {name}: it must say why nothing can notice this mutant")
    return found
