# SPDX-License-Identifier: GPL-2.0

"""What programs say of themselves where a build would run them, each asked once.

All are asked in one start of the sandbox (ask.py), which takes as long as the slowest of them.
"""

import json
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import ask as asking
from harness.messages import Fail
from harness.toolchain import Toolchain

# What the dynamic loader says of a program that it can't start (glibc, elf/dl-version.c and
# elf/dl-load.c).
LOADER = re.compile(r"version `\S+' not found|error while loading shared libraries: .*")


@dataclass(frozen=True)
class Command:
    """A command, and what it is given on its standard input."""

    argv: Sequence[str]
    given: str = ""


@dataclass(frozen=True)
class Answer:
    """How a command ended: whether it was started, its exit code, what it said, and what it
    complained of."""

    started: bool
    code: int
    out: str
    err: str

    @property
    def missing(self) -> bool:
        """Whether there is no such program."""
        return not self.started and self.code == asking.MISSING

    @property
    def unstartable(self) -> str:
        """Why it could not be started; empty if it could, whatever it ended with."""
        if not self.started or self.code < 0 or LOADER.search(self.err):
            return self.complaint
        return ""

    @property
    def version(self) -> str:
        """The first line of what it said, which is a tool's version; empty if it failed."""
        return "" if self.code else self.out.partition("\n")[0].strip()

    @property
    def complaint(self) -> str:
        """The line that says best why it failed."""
        if found := LOADER.search(self.err):
            return found[0]
        if self.code < 0:
            return f"it was ended by {signal.Signals(-self.code).name}"
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        return (errors or lines or [f"status {self.code}"])[0]


def whose(toolchain: Toolchain) -> str:
    """The words by which a message names where a toolchain is."""
    return "this machine" if toolchain.root is None else "the toolchain's root"


def ask(
    toolchain: Toolchain, commands: Mapping[str, Command], ro: Sequence[Path] = ()
) -> dict[str, Answer]:
    """The answers to commands of a toolchain's, by the names that they have here."""
    script = Path(asking.__file__)
    done = subprocess.run(
        toolchain.argv(["python3", str(script)], ro=[script, *ro]),
        input=json.dumps({name: asdict(command) for name, command in commands.items()}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise Fail(f"nothing can be started in {whose(toolchain)}: {why}")
    return {name: Answer(*answer) for name, answer in json.loads(done.stdout).items()}
