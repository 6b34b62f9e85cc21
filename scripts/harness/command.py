# SPDX-License-Identifier: GPL-2.0

"""The frame of every command: what its failure comes to."""

import errno
import sys
from collections.abc import Callable

from harness import places
from harness.messages import Fail

INTERRUPTED = 130


def main(command: Callable[[], None]) -> None:
    """Runs a command. What it fails with becomes one line and an exit code, never a traceback."""
    try:
        command()
    except Fail as fail:
        die(str(fail))
    except KeyboardInterrupt:
        sys.stdout.flush()
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        raise SystemExit(INTERRUPTED)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            die(places.full())
        die(f"{error.strerror}: {error.filename}" if error.filename else str(error))


def die(message: str) -> None:
    """Ends the command with a message."""
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(1)
