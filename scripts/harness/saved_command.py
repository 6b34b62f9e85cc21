# SPDX-License-Identifier: GPL-2.0

"""The command by which the kernel's build compiled an object, as it keeps it beside that."""

import shlex
from collections.abc import Sequence
from pathlib import Path


def words_of(made: Path) -> list[str]:
    """The command by which the build compiled a crate, as it has kept it."""
    line = made.read_text().splitlines()[0]
    return shlex.split(line.replace("$(pound)", "#").replace("\\#", "#"))


def values(words: Sequence[str], option: str) -> list[str]:
    """What a command gives an option, as its next word or behind a `=`."""
    after = [word for flag, word in zip(words, words[1:]) if flag == option]
    return after + [
        word.removeprefix(f"{option}=") for word in words if word.startswith(f"{option}=")
    ]
