# SPDX-License-Identifier: GPL-2.0

"""What is run on a mutant, and whether that turned red for the right reason.

In user land that is cargo's tests (user_land.py). Where only a kernel can tell it is a command of
the checkout's copy that the mutant is in.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import user_land
from harness import variables
from harness.toolchain import Toolchain
from mutant import NOTHING, Mutant, Outcome

# What kunit.py says of suites and cases that did not pass.
RED = re.compile(r"\[(?:FAILED|CRASHED|TIMED OUT)\] (\w+)")

# What the commands say of sources that don't compile.
NOT_BUILT = "error: the modules' build failed"

# So many names of cases, or errors, are shown.
SHOWN = 2


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


HOST = ("allocator", "host", "tests-kunit", "scripts/cargo.py", "scripts/user_land.py")
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
    # It has memory control groups.
    "debian": Lane(1, KERNEL, "kunit.py", {"KERNEL": "debian"}),
    "debug": Lane(3, KERNEL, "kunit.py", {"DEBUG": "1"}),
    "bench": Lane(3, (*KERNEL, *BENCH), "bench.py"),
}


def run(lane: Lane, mutant: Mutant | None, copy: Path, toolchain: Toolchain, log: Path) -> Outcome:
    """Runs a lane on a copy of the checkout that has a mutant in it, or is unchanged."""
    if not lane.script:
        outcome = user_land.run(copy, toolchain, log)
        if outcome.status == "caught" and mutant and mutant.suite not in outcome.by:
            return Outcome("missed", f"red for another reason: {outcome.by}; see {log}")
        return outcome
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
        more = f" and {len(cases) - SHOWN} more" * (len(cases) > SHOWN)
        return Outcome("caught", f"{suite}: {', '.join(cases[:SHOWN]) or 'it crashed'}{more}")
    if mutant and mutant.says:
        for line in said.splitlines():
            if mutant.says in line:
                return Outcome("caught", line.removeprefix("error: "))
    errors = re.findall(r"^error: (.*)", said, re.MULTILINE)
    what = ", ".join([*red, *errors][:SHOWN]) or f"status {code}"
    return Outcome("missed", f"red for another reason: {what}; see {log}")


def ran(lane: Lane, copy: Path, words: Sequence[str], suite: str) -> tuple[int, str]:
    """The exit code of a command of the copy, and all that it says."""
    foreign = {*variables.OF_A_COMMAND} - {"TOOLCHAIN"}
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
