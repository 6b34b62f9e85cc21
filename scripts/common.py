# SPDX-License-Identifier: GPL-2.0

"""What all stages share: messages, places, locks, and running commands."""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# How much of a failed command's output is quoted, and how often progress is told to a file.
QUOTED_LINES = 15
QUIET_SECONDS = 15.0

INTERRUPTED = 130

# What a command may fail of that has nothing to do with what it was for, and what mends it.
CAUSES = {
    r"No space left on device": (
        "make room for the cache, or set RUST_ALLOC_DEMO_CACHE to a directory elsewhere"
    ),
    r"(?:Temporary failure|Could not) resol.*|(?:Could not|Unable to) connect.*": (
        "see that there is a network, or name a mirror of the package archive by DEBIAN_MIRROR="
    ),
    r"Unable to locate package .*": "the archive does not have it any more",
}


class Fail(Exception):
    """What went wrong and what to do about it, in one line for the user."""


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
            die(
                f"the disk is full; make room for {cache()}, or set RUST_ALLOC_DEMO_CACHE to a"
                " directory elsewhere"
            )
        die(f"{error.strerror}: {error.filename}" if error.filename else str(error))


def die(message: str) -> None:
    """Ends the command with a message."""
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(1)


def say(text: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(text, flush=True)


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
            print(f"\r\033[K{line[:shutil.get_terminal_size().columns - 1]}", end="", flush=True)
        elif now - self.told >= QUIET_SECONDS:
            self.told = now
            say(line)

    def end(self, text: str) -> None:
        """Says that the step is done."""
        if self.terminal:
            print("\r\033[K", end="")
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


def args() -> list[str]:
    """The words of ARGS, quoted as for a shell."""
    try:
        return shlex.split(os.environ.get("ARGS", ""))
    except ValueError as error:
        raise Fail(f"ARGS can't be read ({error})")


def seed() -> str:
    """The number that SEED gives the random cases; empty if there is none."""
    given = os.environ.get("SEED", "")
    if given and (not given.isdecimal() or not 0 < int(given) < 1 << 64):
        raise Fail(f"SEED={given} is not a seed; it is the number that a random case has logged")
    return given


def checkout() -> Path:
    """The project's top directory."""
    return Path(__file__).resolve().parent.parent


def cache() -> Path:
    """Where everything goes that is downloaded or built; it exists."""
    named = os.environ.get("RUST_ALLOC_DEMO_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    path = Path(named) if named else Path(base).expanduser() / "rust_alloc_demo"
    if any(char in str(path.absolute()) for char in " :"):
        raise Fail(
            f"the cache directory {path} has a blank or a colon in its name, which the"
            " kernel's build can't take; set RUST_ALLOC_DEMO_CACHE to another"
        )
    path = path.absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def results(stage: str) -> Path:
    """Where a stage keeps what it made for this checkout; it exists."""
    path = cache() / stage / key(str(checkout()))
    path.mkdir(parents=True, exist_ok=True)
    return path


def logs() -> Path:
    """The directory of this checkout's complete logs; it exists."""
    return results("logs")


def key(*parts: str) -> str:
    """A short digest of what something is made from, to keep it under."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Keeps other runs out of what is made under this name; waits for one that is at it."""
    folder = cache() / "lock"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"      waiting for process {file.read().strip() or '?'}, also at {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def publish(final: Path) -> Iterator[Path]:
    """Gives an empty directory that becomes `final` if all goes well. The caller holds a lock.

    What an interrupted run left is removed, so nothing half made is ever taken for finished.
    """
    part = final.with_name(f".{final.name}.part")
    remove(part)
    part.mkdir(parents=True)
    try:
        yield part
        remove(final)
        part.rename(final)
    finally:
        remove(part)


def remove(path: Path) -> None:
    """Removes a directory of ours, also where a package made parts of it read-only."""
    if not path.is_dir():
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)
        shutil.rmtree(path)


def need_space(gigabytes: int, what: str) -> None:
    """Fails if there is less free space in the cache than `what` takes."""
    free = shutil.disk_usage(cache()).free
    if free < gigabytes << 30:
        raise Fail(
            f"{what} needs about {gigabytes} GB in {cache()}, which has {free >> 30} GB free;"
            " make room, or set RUST_ALLOC_DEMO_CACHE to a directory elsewhere"
        )


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
    late = threading.Event()
    with log.open("w", errors="replace") as file, subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:

        def end() -> None:
            late.set()
            end_group(process)

        timer = threading.Timer(timeout or 0, end)
        if timeout:
            timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
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
        for cause, remedy in CAUSES.items():
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
