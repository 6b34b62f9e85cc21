# SPDX-License-Identifier: GPL-2.0

"""Files that are made of templates."""

import string
from pathlib import Path
from typing import Any, ClassVar


class Template(string.Template):
    """Text with `@{name}` in it: the files have other uses for the dollar, and for `@` alone."""

    delimiter = "@"
    # Compiled by the base class, whose annotation is of the outcome.
    pattern: ClassVar[Any] = (
        r"@(?:\{(?P<braced>\w+)\}|(?P<named>(?!))|(?P<escaped>(?!))|(?P<invalid>(?!)))"
    )


def fill(folder: str, template: str, /, **words: str) -> str:
    """A template of a folder beside this file, with its words."""
    file = Path(__file__).parent / folder / f"{template}.in"
    return Template(file.read_text()).substitute(words)
