# SPDX-License-Identifier: GPL-2.0

"""Runs the test files, or those that are named, on all CPUs; says how long each took.

A guest is one CPU's work, and much of a build is: two files at a time take little more than the
half of the time. What a file that failed has said is shown. After MINUTES= no other file is begun,
and those that were left out are named. Where all were run, a command that the documentation shows
and none of them ran is an error.
"""

import math
import os
import queue
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import pages  # noqa: E402
import ran  # noqa: E402
from harness import command  # noqa: E402
from harness import messages  # noqa: E402
from harness import places  # noqa: E402
from harness import variables  # noqa: E402
from harness.messages import Fail  # noqa: E402

# The longest first; the others follow.
FIRST = (
    *("test_debug", "test_reports", "test_kernel_code", "test_ci", "test_dkms_debian"),
    *("test_module_dir", "test_host", "test_page"),
    *("test_rust_analyzer", "test_debugfs", "test_dkms", "test_commands", "test_kunit"),
)

# At most so many at a time: each has copies of the checkout, and what is built of them.
SLOTS = 4


@dataclass(frozen=True)
class Ended:
    """What a test file came to."""

    name: str
    good: bool
    said: str
    seconds: float

    @property
    def count(self) -> str:
        """How many tests it was, in unittest's words."""
        ran = [line for line in self.said.splitlines() if line.startswith("Ran ")]
        return ran[-1].partition(" in ")[0].removeprefix("Ran ") if ran else "no tests"


def chosen(words: list[str]) -> list[str]:
    """The test files to run, by their names without the suffix."""
    names = sorted(file.stem for file in HERE.glob("test_*.py"))
    wrong = [word for word in words if word not in names]
    if wrong:
        raise Fail(f"ARGS: there is no test file {wrong[0]}; there are {', '.join(names)}")
    order = [*(name for name in FIRST if name in names), *names]
    return [name for name in dict.fromkeys(order) if not words or name in words]


def run(name: str, slots: "queue.Queue[int]", until: float, notes: Path) -> Ended | None:
    """Runs a test file, unless it is too late for that; its commands go to `notes`."""
    slot, began = slots.get(), time.monotonic()
    if began > until:
        slots.put(slot)
        return None
    done = subprocess.run(
        [sys.executable, "-B", "-m", "unittest", "-v", name],
        cwd=HERE,
        env={**os.environ, "TEST_SLOT": str(slot), "TEST_RAN": str(notes)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    slots.put(slot)
    ended = Ended(name, done.returncode == 0, done.stdout, time.monotonic() - began)
    verdict = "ok" if ended.good and ended.count != "no tests" else "FAILED"
    messages.say(f"{name}: {ended.count}, {messages.minutes(ended.seconds)}: {verdict}")
    if verdict != "ok":
        messages.say(ended.said)
    return ended


def main() -> None:
    """Runs them."""
    variables.takes("check-harness", "ARGS", "MINUTES")
    names, allowed = chosen(variables.args()), variables.minutes()
    began = time.monotonic()
    until = math.inf if allowed is None else began + 60 * allowed
    slots: queue.Queue[int] = queue.Queue()
    number = min(os.cpu_count() or 1, SLOTS)
    for slot in range(number):
        slots.put(slot)
    with ThreadPoolExecutor(number) as pool, places.scratch("tests") as folder:
        notes = folder / "ran"
        notes.touch()
        came = dict(zip(names, pool.map(lambda name: run(name, slots, until, notes), names)))
        unrun = ran.unrun(pages.commands(), ran.noted(notes))
    ended = [one for one in came.values() if one]
    if late := [name for name, one in came.items() if not one]:
        messages.say(f"left out: {', '.join(late)}")
    bad = [one.name for one in ended if not one.good or one.count == "no tests"]
    if bad:
        raise Fail(f"{len(bad)} of {len(ended)} test files failed: {', '.join(bad)}")
    if unrun and not late and not variables.args():
        raise Fail(f"shown in the documentation, and run by no test: {'; '.join(unrun)}")
    what = "all that was run" if late else "all of it"
    messages.say(
        f"{sum(int(one.count.split()[0]) for one in ended)} tests in {len(ended)} files,"
        f" {messages.minutes(time.monotonic() - began)}: {what} went as it should"
    )


if __name__ == "__main__":
    command.main(main)
