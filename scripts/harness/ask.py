# SPDX-License-Identifier: GPL-2.0

"""Run where the tools are: starts the commands of its standard input, all at once, and prints as
JSON how each ended: whether it was started, its exit code, what it said, and what it complained of.

What can't be started ends as it would in a shell: with 127 if it is not there, else 126.
"""

import json
import subprocess
import sys
from typing import Any

MISSING, BROKEN = 127, 126

# More than any of them takes, in seconds.
LIMIT = 60


def start(command: Any) -> Any:
    """Starts a command; what it fails of if it can't be."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command["argv"], stdin=pipe, stdout=pipe, stderr=pipe, cwd="/")
    except OSError as error:
        return error


def end(started: Any, command: Any) -> tuple[bool, int, str, str]:
    """How it ended."""
    if isinstance(started, OSError):
        code = MISSING if isinstance(started, FileNotFoundError) else BROKEN
        return False, code, "", str(started.strerror)
    try:
        out, err = started.communicate(command["given"].encode(), LIMIT)
    except subprocess.TimeoutExpired:
        started.kill()
        return False, BROKEN, "", f"it has not ended after {LIMIT} s"
    said, complained = (text.decode(errors="replace") for text in (out, err))
    return True, started.returncode, said, complained


def main() -> None:
    """Reads the commands by their names, and prints the answers by them."""
    commands = json.load(sys.stdin)
    started = {name: start(command) for name, command in commands.items()}
    print(json.dumps({name: end(started[name], commands[name]) for name in commands}))


if __name__ == "__main__":
    main()
