# SPDX-License-Identifier: GPL-2.0

"""What a module's directory says of its guests, in the files of its guest/ (docs/modules.md).

    cases              the suites and cases that must run (cases.py)
    kernel.config      settings that the lean kernels have for it on top
    guest.sh           a script that the guest's shell runs around the suites
    messages.toml      what the kernel's log must, may and must not say

A name with a selector before its suffix is for some kernels only: `kernel-arm64.config`,
`guest-debug.sh`; a selector is a version as KERNEL= has it, an architecture, or a flavour.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import places
from harness.arch import ARCHES
from harness.flavour import FLAVOURS
from harness.messages import Fail

FOLDER = "guest"

# The tables of messages.toml, for the commands that they are of, and the lists in each.
TABLES = ("demo", "test")
LISTS = ("required", "allowed", "forbidden")

# What a selector can be.
SELECTORS = f"what does is a version like 6.12, {', '.join((*ARCHES, *FLAVOURS))}"


@dataclass(frozen=True)
class Messages:
    """Regular expressions for lines of the kernel's log.

    One line at least must match each that is `required`, none may match one that is `forbidden`,
    and a line that matches one of `allowed` is no complaint of the kernel's, whatever it says.
    """

    required: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


def folder() -> Path:
    """Where the files are, if there are any."""
    return places.module_dir() / FOLDER


def is_selector(word: str) -> bool:
    """Whether a word can select kernels: a version, an architecture or a flavour."""
    return word in (*ARCHES, *FLAVOURS) or re.fullmatch(r"\d+\.\d+", word) is not None


def files(stem: str, suffix: str, selectors: tuple[str, ...]) -> list[Path]:
    """Those of a file's versions that are there and selected, the one for all kernels first."""
    for file in sorted(folder().glob(f"{stem}-*{suffix}")):
        word = file.name.removeprefix(f"{stem}-").removesuffix(suffix)
        if not is_selector(word):
            raise Fail(f"{file}: {word} selects no kernel; {SELECTORS}")
    names = [stem, *(f"{stem}-{selector}" for selector in selectors if selector)]
    found = [folder() / f"{name}{suffix}" for name in names]
    return [file for file in found if file.is_file()]


def fragments(selectors: tuple[str, ...]) -> str:
    """The settings that the modules want of a lean kernel beside what all such have."""
    return "".join(file.read_text() for file in files("kernel", ".config", selectors))


def script(selectors: tuple[str, ...]) -> str:
    """What the guest's shell runs around the suites; empty if it is nothing."""
    return "\n".join(file.read_text() for file in files("guest", ".sh", selectors))


def check_messages() -> None:
    """Fails if the file is not as it should be: a command can know that before time is spent."""
    tables()


def messages(command: str, selectors: tuple[str, ...]) -> Messages:
    """What the log of a command's guest must, may and must not say."""
    found: dict[str, list[str]] = {name: [] for name in LISTS}
    table = tables().get(command, {})
    for part in [table, *(table[name] for name in selectors if name in table)]:
        for name in LISTS:
            found[name] += part.get(name, [])
    return Messages(*(tuple(found[name]) for name in LISTS))


def tables() -> dict[str, dict[str, Any]]:
    """What messages.toml has, by command."""
    file = folder() / "messages.toml"
    if not file.is_file():
        return {}
    try:
        whole = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Fail(f"{file}: {error}") from error
    unknown = [name for name in whole if name not in TABLES]
    if unknown:
        raise Fail(f"{file}: no command has a table {unknown[0]}; there are {', '.join(TABLES)}")
    for name, table in whole.items():
        check_table(file, name, table)
    return whole


def check_table(file: Path, name: str, table: object, below: bool = True) -> None:
    """Fails if a command's table, or one for some kernels `below` it, is not as it should be."""
    if not isinstance(table, dict):
        raise Fail(f"{file}: {name} is not a table")
    for key, value in table.items():
        if isinstance(value, dict) and below:
            if not is_selector(key):
                raise Fail(
                    f"{file}: {name} has a table {key}, which selects no kernel; {SELECTORS}"
                )
            check_table(file, f"{name}.{key}", value, below=False)
        elif key not in LISTS:
            raise Fail(f"{file}: {name} has no list {key}; it has {', '.join(LISTS)}")
        elif not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Fail(f"{file}: {key} of {name} is not a list of texts")
        else:
            for expression in value:
                check(file, expression)


def check(file: Path, expression: str) -> None:
    """Fails if a text is no regular expression."""
    try:
        re.compile(expression)
    except re.error as error:
        raise Fail(f"{file}: `{expression}` is not a regular expression ({error})") from error
