# SPDX-License-Identifier: GPL-2.0

"""What a command says: steps, progress, tables, and what it fails with."""

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

# How often progress is told to a file, in seconds.
QUIET_SECONDS = 15.0

# What goes back to the beginning of a terminal's line, and clears that.
ANEW = "\r\033[K"


class Fail(Exception):
    """What went wrong and what to do about it, in one line for the user."""


def say(text: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(f"{anew(sys.stdout)}{text}", flush=True)


def anew(to: TextIO) -> str:
    """What has to come before a line, as another process may be telling its progress there."""
    return ANEW if to.isatty() else ""


def step(number: int, of: int, text: str) -> None:
    """Says which step of how many begins."""
    say(f"[{number}/{of}] {text}")


def minutes(seconds: float) -> str:
    """A duration for people."""
    whole = int(seconds)
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


class Progress:
    """How far a long step is: on a terminal one line, rewritten; else a line now and then."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()
        self.terminal = sys.stdout.isatty()

    def show(self, text: str) -> None:
        """Says where the step is; may be called as often as one likes."""
        now = time.monotonic()
        line = f"      {text}, {minutes(now - self.began)}"
        if self.terminal:
            print(f"{ANEW}{line[:shutil.get_terminal_size().columns - 1]}", end="", flush=True)
        elif now - self.told >= QUIET_SECONDS:
            self.told = now
            say(line)

    def end(self, text: str) -> None:
        """Says that the step is done."""
        say(f"      {text}, {minutes(time.monotonic() - self.began)}")


def markdown(rows: Sequence[Sequence[str]], right: bool = False) -> str:
    """Rows as a table in Markdown, the first as its head; `right` puts the text to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    rule = ["-" * (width - right) + ":" * right for width in widths]
    lines = [
        [text.rjust(width) if right else text.ljust(width) for text, width in zip(row, widths)]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [lines[0], rule, *lines[1:]])
