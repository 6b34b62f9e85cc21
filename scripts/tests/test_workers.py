# SPDX-License-Identifier: GPL-2.0

"""Functions beside each other: at the same time, under their names, and ended with their parent."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest
import unittest.mock
from collections.abc import Callable
from pathlib import Path

from copies import CHECKOUT

from harness import places
from harness.workers import Workers

# How long anything here may take at most, in seconds; all of it is much shorter.
SOON = 60

# What the scripts below have.
HEAD = """
import os, signal, sys, time
from collections.abc import Callable
from pathlib import Path
from harness import command, messages, process
from harness.workers import Workers

here = Path(sys.argv[1])
# These tests may be run by a shell's job in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)

def waits():
    def begun(pid):
        (here / "pid.part").write_text(pid)
        (here / "pid.part").rename(here / "pid")

    # Its output is read once this can be interrupted.
    process.run_logged(["sh", "-c", "echo $$; exec sleep 1000"], here / "log", "the sleep", begun)

def other():
    while not (here / "pid").exists():
        time.sleep(0.01)
    return 1
"""


def within(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true soon."""
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False


def runs(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class WorkersTest(unittest.TestCase):
    """The functions."""

    def setUp(self) -> None:
        """Each test has a folder, and as many places as it wants on one CPU too."""
        self.folder = self.enterContext(places.scratch("workers"))
        cpus = unittest.mock.patch.object(os, "cpu_count", return_value=2)
        self.enterContext(cpus)

    def meets(self, mine: str, other: str) -> bool:
        """Whether another comes while this one is there."""
        (self.folder / mine).touch()
        return within((self.folder / other).exists)

    def test_at_the_same_time(self) -> None:
        """Two run beside each other; what both return comes by their names."""
        with Workers[bool]() as workers:
            workers.start("one", lambda: self.meets("1", "2"))
            workers.start("two", lambda: self.meets("2", "1"))
            self.assertEqual(workers.results(), {"one": True, "two": True})

    def test_limit(self) -> None:
        """With a limit, the next begins when one has ended."""
        with Workers[float](1) as workers:
            for name in ("one", "two", "three"):
                workers.start(name, self.alone)
            self.assertEqual(workers.results(), {"one": True, "two": True, "three": True})

    def alone(self) -> bool:
        """Whether no other comes while this one is there for a moment."""
        file = self.folder / "here"
        if file.exists():
            return False
        file.touch()
        time.sleep(0.1)
        file.unlink()
        return True


class ProcessTest(unittest.TestCase):
    """What is said, and how it ends, of a program with such functions."""

    def setUp(self) -> None:
        self.folder = self.enterContext(places.scratch("workers"))

    def begin(self, script: str) -> "subprocess.Popen[str]":
        """Starts a program."""
        process = subprocess.Popen(
            [sys.executable, "-B", "-c", HEAD + textwrap.dedent(script), str(self.folder)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "scripts")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(self.kill, process)
        return process

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """Ends a program and what it may have left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def sleeping(self) -> int:
        """The process that `waits` has started."""
        file = self.folder / "pid"
        self.assertTrue(within(file.exists))
        return int(file.read_text())

    def test_lines(self) -> None:
        """Each line says whose it is, also one of parts, one of errors, and one without an end."""
        process = self.begin("""
            def says():
                print("a", "b\\n  | c")
                print("d", file=sys.stderr)
                print("e", end="")

            with Workers() as workers:
                workers.start("name", says)
                workers.results()
            print("end")
            """)
        lines = ["a b", "| c", "d", "e"]
        said = "".join(f"      name: {line}\n" for line in lines) + "end\n"
        self.assertEqual(process.communicate(timeout=SOON)[0], said)
        self.assertEqual(process.returncode, 0)

    def test_failure(self) -> None:
        """One that fails says why, and those beside it are ended."""
        process = self.begin("""
            def fails():
                other()
                raise messages.Fail("the reason")

            def main():
                with Workers(2) as workers:
                    workers.limit = 2
                    workers.start("waits", waits)
                    workers.start("fails", fails)
                    workers.results()

            command.main(main)
            """)
        out = process.communicate(timeout=SOON)[0]
        self.assertEqual(out, "      fails: error: the reason\nerror: fails failed, see above\n")
        self.assertEqual(process.returncode, 1)
        self.assertFalse(runs(self.sleeping()))

    def test_interrupted(self) -> None:
        """A terminal's interrupt, which all get, ends all, and is said once."""
        process = self.waiting()
        pid = self.sleeping()
        os.killpg(process.pid, signal.SIGINT)
        out = process.communicate(timeout=SOON)[0]
        self.assertEqual(out, "\ninterrupted; run the same command again to go on\n")
        self.assertEqual(process.returncode, 130)
        self.assertFalse(runs(pid))

    def test_in_the_background(self) -> None:
        """A program that ignores interrupts goes on."""
        process = self.waiting("signal.signal(signal.SIGINT, signal.SIG_IGN)")
        pid = self.sleeping()
        os.killpg(process.pid, signal.SIGINT)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        self.assertTrue(runs(pid))

    def test_killed(self) -> None:
        """What ends the parent alone, without its knowing, ends all."""
        process = self.waiting()
        pid = self.sleeping()
        process.kill()
        self.assertTrue(within(lambda: not runs(pid)))

    def waiting(self, first: str = "") -> "subprocess.Popen[str]":
        """A program that does this first, and then waits for a function that waits."""
        return self.begin(f"""
            {first}

            def main():
                with Workers() as workers:
                    workers.start("waits", waits)
                    workers.results()

            command.main(main)
            """)


if __name__ == "__main__":
    unittest.main()
