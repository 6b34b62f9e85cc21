# SPDX-License-Identifier: GPL-2.0

"""Functions that run beside each other, each in a process of its own, and say what they do by name.

A guest is one CPU's work, and so is most of the build of a module or of a test.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from multiprocessing.connection import Connection, wait
from typing import Generic, NoReturn, TextIO, TypeVar

from harness import command
from harness import messages
from harness.messages import Fail

# At most so many at a time: a guest and a compiler take up to a gigabyte each.
LIMIT = 4

# The process gets a signal when its parent ends, however that does (prctl(2)).
PR_SET_PDEATHSIG = 1

# A copy of this process has all that the function needs; a new interpreter would have to be told.
CONTEXT = multiprocessing.get_context("fork")

T = TypeVar("T")


class Labelled(StringIO):
    """A stream whose lines say whose they are; each goes out whole, as others write there too."""

    def __init__(self, label: str, to: TextIO) -> None:
        super().__init__()
        self.label, self.to, self.part = label, to, ""

    def write(self, text: str) -> int:
        """Takes a part of a line, or some lines."""
        *lines, self.part = (self.part + text).split("\n")
        for line in lines:
            self.to.write(f"{messages.anew(self.to)}      {self.label}: {line.strip()}\n")
            self.to.flush()
        return len(text)

    def close(self) -> None:
        """Ends the last line."""
        if self.part:
            self.write("\n")
        super().close()


class Workers(Generic[T]):
    """Some functions at a time. Those that still run when the block ends are ended with it."""

    def __init__(self, limit: int = LIMIT) -> None:
        """`limit` is how many at most, if there are as many CPUs."""
        self.limit = min(limit, os.cpu_count() or 1)
        self.running: dict[Connection, tuple[str, multiprocessing.context.ForkProcess]] = {}
        self.came: dict[str, T] = {}

    def __enter__(self) -> "Workers[T]":
        return self

    def __exit__(self, *_: object) -> None:
        processes = [process for _, process in self.running.values()]
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()

    def start(self, label: str, function: Callable[[], T]) -> None:
        """Starts a function as soon as there is room for one more."""
        while len(self.running) >= self.limit:
            self.take()
        receive, send = CONTEXT.Pipe(duplex=False)
        sys.stdout.flush()
        process = CONTEXT.Process(target=work, args=(label, function, send, os.getpid()))
        process.start()
        send.close()
        self.running[receive] = label, process

    def results(self) -> dict[str, T]:
        """What all have returned, by their labels. Fails if one did, which has said why."""
        while self.running:
            self.take()
        return self.came

    def take(self) -> None:
        """Waits for one at least to end."""
        for receive in wait(list(self.running)):
            assert isinstance(receive, Connection)
            label, process = self.running[receive]
            try:
                self.came[label] = receive.recv()
            except EOFError:
                raise Fail(f"{label} failed, see above") from None
            finally:
                process.join()
                del self.running[receive]


def work(label: str, function: Callable[[], T], send: Connection, parent: int) -> None:
    """Runs a function in a process of its own, and sends what it returns."""

    def end(*_: object) -> NoReturn:
        raise SystemExit(command.INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell's job in the background ignores interrupts, and so do its processes.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # It may have ended just before.
    if os.getppid() != parent:
        end()
    with Labelled(label, sys.stdout) as out, Labelled(label, sys.stderr) as err:
        with redirect_stdout(out), redirect_stderr(err):
            command.main(lambda: send.send(function()))
