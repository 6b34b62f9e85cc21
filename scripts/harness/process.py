# SPDX-License-Identifier: GPL-2.0

"""Running commands: their output in a log, and what they failed of in one line."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import places
from harness.messages import Fail

# How much of a failed command's output is quoted.
QUOTED_LINES = 15

NO_SPACE = "No space left on device"

# What else a command may fail of that has nothing to do with what it was for, and what mends it.
CAUSES = {
    r"(?:Temporary failure|Could not) resol.*|(?:Could not|Unable to) connect.*": (
        "see that there is a network, or name a mirror of the package archive by DEBIAN_MIRROR="
    ),
    r"Unable to locate package .*": "the archive does not have it any more",
}


def end_group(process: subprocess.Popen[str]) -> None:
    """Ends a process and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def run_logged(
    argv: Sequence[str],
    log: Path,
    what: str,
    on_line: Callable[[str], None] | None = None,
    timeout: float | None = None,
    quoting: bool = True,
) -> None:
    """Runs a command with its output in `log`, and each line of it handed to `on_line`.

    Fails if it does; the end of its output is shown then, unless the caller shows what there is to
    see.
    """
    late, full = threading.Event(), ""

    def end() -> None:
        late.set()
        end_group(process)

    timer = threading.Timer(timeout or 0, end)
    with log.open("w", errors="replace") as file, subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        # Nothing comes before this: who is interrupted there would wait for the command.
        try:
            if timeout:
                timer.start()
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                # What is full then may not be when the command has ended.
                if NO_SPACE in line and not full:
                    full = places.full()
                if on_line:
                    on_line(line.rstrip())
            process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                end_group(process)
    if late.is_set():
        raise Fail(f"{what} had not ended after {timeout:.0f} s; see {log}")
    if process.returncode:
        text = log.read_text(errors="replace")
        for cause, remedy in {NO_SPACE: full, **CAUSES}.items():
            if found := re.search(cause, text):
                raise Fail(
                    f"{what} failed: {found[0].strip()}; {remedy}; the complete log is {log}"
                )
        if quoting:
            quote(text)
        raise Fail(f"{what} failed; the complete log is {log}")


def quote(text: str) -> None:
    """Shows the end of a log."""
    sys.stdout.flush()
    for line in text.splitlines()[-QUOTED_LINES:]:
        print(f"  | {line}", file=sys.stderr)
