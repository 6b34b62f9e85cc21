# SPDX-License-Identifier: GPL-2.0

"""What is run on a mutant, and whether that turned red for the right reason.

In user land that is cargo's tests, for one interface of the slab after the other until one notices.
Where only a kernel can tell it is a command of the checkout's copy that the mutant is in.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cargo
import host_test
from harness import process
from harness import variables
from harness.messages import Fail
from harness.toolchain import Toolchain
from mutant import Mutant

# What user land is compiled for, in turn.
HOST_RUNS: Sequence[tuple[str, Sequence[str]]] = (
    (cargo.APIS[1], ()),
    (cargo.APIS[0], ()),
    (cargo.APIS[1], host_test.NO_SHORT_CUTS),
    (cargo.APIS[0], host_test.NO_SHORT_CUTS),
)

# How long one of these may take, in seconds: a mutant may loop.
DEADLINE = 300

TEST = re.compile(r"test (\S+) \.\.\.(.*)")

# What kunit.py says of suites and cases that did not pass.
RED = re.compile(r"\[(?:FAILED|CRASHED|TIMED OUT)\] (\w+)")

# What the commands say of sources that don't compile.
NOT_BUILT = "error: the modules' build failed"
NOT_COMPILED = re.compile(r"^error: could not compile", re.MULTILINE)
TESTS_FAILED = re.compile(r"^error: test failed", re.MULTILINE)

CASES_SHOWN = 2

# What is said of a mutant that everything passes with.
NOTHING = "nothing noticed"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: caught, missed, or not compiled; and by what, or why."""

    status: str
    by: str = ""


@dataclass(frozen=True)
class Lane:
    """A command, with its variables; none in user land.

    `inputs` are the files and directories that its outcome depends on. It takes at most so many
    `minutes` on two cores, where kernels are built.
    """

    minutes: int
    inputs: tuple[str, ...]
    script: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


HOST = ("allocator", "host", "tests-kunit", "scripts/cargo.py", "scripts/lanes.py")
KERNEL = (
    *("allocator", "demo", "tests-kunit", "guest", "Kbuild", "rust_alloc_demo.rs"),
    *("scripts/harness", "scripts/kunit.py", "scripts/lanes.py"),
)
BENCH = ("bench", "scripts/bench.py", "scripts/cost.py")

LANES = {
    "host": Lane(1, HOST),
    "um": Lane(1, KERNEL, "kunit.py", {"ARCH": "um"}),
    "x86_64": Lane(1, KERNEL, "kunit.py", {"ARCH": "x86_64"}),
    "6.12": Lane(1, KERNEL, "kunit.py", {"KERNEL": "6.12"}),
    "debug": Lane(3, KERNEL, "kunit.py", {"DEBUG": "1"}),
    "bench": Lane(3, (*KERNEL, *BENCH), "bench.py"),
}


class Caught(Exception):
    """A test has failed; the rest need not be run."""


def run(lane: Lane, mutant: Mutant | None, copy: Path, toolchain: Toolchain, log: Path) -> Outcome:
    """Runs a lane on a copy of the checkout that has a mutant in it, or is unchanged."""
    if not lane.script:
        return in_user_land(copy, toolchain, log)
    suite = mutant.suite if mutant else ""
    whole = ["test"] * (lane.script == "kunit.py" and not suite)
    code, said = ran(lane, copy, whole, suite)
    log.write_text(said)
    if not code:
        return Outcome("missed", NOTHING)
    if NOT_BUILT in said:
        return Outcome("missed", f"it does not compile; see {log}")
    red = list(dict.fromkeys(RED.findall(said)))
    if mutant and suite in red:
        cases = [name for name in red if name != suite]
        more = f" and {len(cases) - CASES_SHOWN} more" * (len(cases) > CASES_SHOWN)
        return Outcome("caught", f"{suite}: {', '.join(cases[:CASES_SHOWN])}{more}")
    if mutant and mutant.says and mutant.says in said:
        return Outcome("caught", mutant.says)
    why = re.search(r"^error: (.*)", said, re.MULTILINE)
    what = ", ".join(red[: CASES_SHOWN + 1]) or (why[1] if why else f"status {code}")
    return Outcome("missed", f"red for another reason: {what}; see {log}")


def ran(lane: Lane, copy: Path, words: Sequence[str], suite: str) -> tuple[int, str]:
    """The exit code of a command of the copy, and all that it says."""
    foreign = {*variables.SOME, "GIVEN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"} - {"TOOLCHAIN"}
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    done = subprocess.run(
        [sys.executable, "-B", str(copy / "scripts" / lane.script), *words],
        cwd=copy,
        env={**env, **lane.env, **({"ARGS": suite} if suite else {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def in_user_land(copy: Path, toolchain: Toolchain, log: Path) -> Outcome:
    """Runs cargo's tests until one fails."""
    for api, flags in HOST_RUNS:
        test = ""

        def read(line: str) -> None:
            nonlocal test
            if found := TEST.match(line):
                test = found[1]
                if found[2].endswith("FAILED"):
                    raise Caught

        words = ["test", "--locked", "--offline", "--package=host", "--lib"]
        env = {"RUST_TEST_THREADS": "1"}
        argv = cargo.argv(toolchain, words, api, flags=flags, env=env, top=copy)
        try:
            process.run_logged(argv, log, "cargo", read, timeout=DEADLINE, quoting=False)
        except Caught:
            return Outcome("caught", test)
        except Fail:
            said = log.read_text(errors="replace")
            if NOT_COMPILED.search(said):
                return Outcome("not compiled")
            # The stand-in ends the program where the kernel would be damaged.
            if TESTS_FAILED.search(said):
                return Outcome("caught", test)
            if test and "test result:" not in said:
                return Outcome("caught", f"{test}, which did not end")
            raise
    return Outcome("missed", NOTHING)
