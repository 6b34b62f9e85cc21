# SPDX-License-Identifier: GPL-2.0

"""`make host-test`: the allocator in user land (host/), for both interfaces of the slab.

The suites, the properties and the stand-in's own tests; a std program on the allocator, whose
report is shown; and a fuzzer, for a number of runs.
"""

import functools
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cargo
import foreign_target
from foreign_target import TARGETS, Target
from harness import command
from harness import messages
from harness import places
from harness import process
from harness import toolchain as toolchains
from harness import variables
from harness.archive import Unavailable
from harness.messages import Fail
from harness.toolchain import Toolchain
from harness.workers import Workers

STEPS = 5

# How a fuzzer sees which code an input reaches, as cargo-fuzz has it, without the sanitizers, which
# take a nightly compiler.
COVERAGE = (
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
)

# Where every request goes through krealloc(): the allocator leaves KASAN the end of each block to
# watch, and allocation profiling its call sites. The slab doesn't count its slabs there, so a cache
# counts its objects.
NO_SHORT_CUTS = (
    *cargo.ANY_CONFIG,
    *("--cfg=CONFIG_KASAN", "--cfg=CONFIG_MEM_ALLOC_PROFILING"),
)

# Some 40 operations a run; the seed makes it the same every time.
RUNS = 4000
FUZZ = (f"-runs={RUNS}", "-seed=1", "-max_len=500", "-len_control=0")

RESULT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
IGNORED = re.compile(r"test \S+ \.\.\. ignored, (.*)")
COVERED = re.compile(r"#\d+\s+DONE\s+cov: (\d+)")

# What cargo and the tests say of what went well.
CHATTER = re.compile(
    r"\s*(?:Compiling|Finished|Running|Blocking) |test .* (?:ok|ignored.*)$|running \d+ tests?$|$"
)


@dataclass
class Tested:
    """What cargo's tests came to."""

    passed: int = 0
    failed: int = 0
    ignored: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def read(self, line: str) -> None:
        """Takes a line of their output."""
        if result := RESULT.match(line):
            self.passed += int(result[1])
            self.failed += int(result[2])
            self.ignored += int(result[3])
        elif ignored := IGNORED.match(line):
            self.reasons[ignored[1]] += 1


def run(argv: Sequence[str], log: Path, what: str, on_line: Callable[[str], None]) -> None:
    """Runs a command that may compile first. Of one that fails all is shown but the chatter."""
    progress = messages.Progress()
    said: list[str] = []

    def read(line: str) -> None:
        if not CHATTER.match(line):
            said.append(line)
        if crate := re.match(r"\s*Compiling (\S+)", line):
            progress.show(f"compiling {crate[1]}")
        on_line(line)

    try:
        process.run_logged(argv, log, what, read, quoting=False)
    except Fail:
        sys.stdout.flush()
        for line in said:
            print(f"  | {line}", file=sys.stderr)
        raise
    finally:
        if progress.terminal:
            print(messages.ANEW, end="", flush=True)


def test(
    toolchain: Toolchain,
    name: str,
    api: str,
    words: Sequence[str] = (),
    flags: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    ro: Sequence[Path] = (),
) -> None:
    """Runs all tests and says how many; the log has this name, and `words` are more for cargo."""
    seed = {"SEED": given} if (given := variables.seed()) else {}
    argv = cargo.argv(
        toolchain,
        ["test", "--locked", "--offline", "--no-fail-fast", *words],
        api,
        flags=flags,
        env={**seed, **(env or {})},
        ro=ro,
    )
    tested = Tested()
    log = places.logs() / f"host-{name.replace(', ', '-').replace(' ', '-')}.log"
    run(argv, log, f"the tests of {name}", tested.read)
    if not tested.passed:
        raise Fail(f"no test of {name} ran; see {log}")
    messages.say(f"      {tested.passed} passed, {tested.failed} failed, {tested.ignored} skipped")
    for reason, count in tested.reasons.items():
        messages.say(f"      {count} skipped: {reason}")


def test_foreign(root: Toolchain, target: Target, name: str) -> None:
    """Runs the suites and the properties on another machine, if the archive has what that takes."""
    api = cargo.APIS[-1]
    try:
        toolchain, std = foreign_target.provide(target, root)
    except Unavailable as fail:
        messages.say(f"      left out, {fail}")
        return
    # Those of the stand-in start themselves, for which the emulator would have to be the machine's.
    words = [f"--target={target.name}", *["--package=host"] * bool(target.runner)]
    flags = (*cargo.CONFIG, f"-L{std}")
    test(toolchain, f"{api}, {name}", api, words, flags, target.environment(), [std])


def report(toolchain: Toolchain, api: str) -> None:
    """Runs the program that shows what it allocates."""
    words = ["run", "--locked", "--offline", "--quiet", "--example=report"]
    log = places.logs() / "host-report.log"
    run(cargo.argv(toolchain, words, api), log, "the report", messages.say)


def fuzz(toolchain: Toolchain, api: str) -> None:
    """Runs the fuzzer."""
    log = places.logs() / f"host-fuzz-{api}.log"
    kept = places.stage("cargo") / "found"
    kept.mkdir(parents=True, exist_ok=True)
    covered = ""

    def read(line: str) -> None:
        nonlocal covered
        if done := COVERED.match(line):
            covered = done[1]

    words = ["run", "--locked", "--offline", "--package=fuzz", f"--target={cargo.TARGET}"]
    words += ["--", *FUZZ, f"-artifact_prefix={kept}/"]
    argv = cargo.argv(toolchain, words, api, flags=COVERAGE, env={"CXX": "clang++"}, rw=[kept])
    run(argv, log, f"fuzzing {api}", read)
    if not covered:
        raise Fail(f"the fuzzer did not come to its end; see {log}")
    messages.say(f"      {api}: {RUNS} runs, {covered} places in the code reached, nothing found")


def main() -> None:
    """Runs all of it."""
    variables.takes("host-test", "SEED", "TOOLCHAIN")
    variables.seed()
    messages.step(1, STEPS, "toolchain")
    toolchain = toolchains.provide()
    cargo.fetch(toolchain)
    messages.step(2, STEPS, "tests: the suites, the properties, std programs, the stand-in's own")
    with Workers[None]() as workers:
        for api in cargo.APIS:
            for flags in ((), NO_SHORT_CUTS):
                name = api + ", no short cuts" * bool(flags)
                workers.start(name, functools.partial(test, toolchain, name, api, flags=flags))
        messages.step(3, STEPS, "the same tests on other machines")
        for target in TARGETS if toolchain.root else ():
            name = f"{target.about}, {target.name}"
            workers.start(name, functools.partial(test_foreign, toolchain, target, name))
        workers.results()
    messages.step(4, STEPS, "a std program on the allocator; sizes and alignments in bytes")
    report(toolchain, cargo.APIS[-1])
    messages.step(
        5, STEPS, "fuzzer: arbitrary operations, against a model of what is in each block"
    )
    for api in cargo.APIS:
        fuzz(toolchain, api)
    messages.say("host-test: all of it went as it should")


if __name__ == "__main__":
    command.main(main)
