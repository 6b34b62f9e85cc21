# SPDX-License-Identifier: GPL-2.0

"""What of a mutant the tests in user land notice: cargo's, for one interface of the slab after the
other, until one fails."""

import re
from collections.abc import Sequence
from pathlib import Path

import cargo
import host_test
from harness import process
from harness.messages import Fail
from harness.toolchain import Toolchain
from mutant import NOTHING, Outcome

# What they are compiled for, in turn.
RUNS: Sequence[tuple[str, Sequence[str]]] = (
    (cargo.APIS[1], ()),
    (cargo.APIS[0], ()),
    (cargo.APIS[1], host_test.NO_SHORT_CUTS),
    (cargo.APIS[0], host_test.NO_SHORT_CUTS),
)

# What is left out: tests about faulty allocators, which have nothing of ours in them; of all memory
# being given back, to which each case is held here anyway; and of layouts that are others in each
# run, by which a mutant would be caught now and then.
SKIPPED = ("zoo::", "all_is_given_back", "properties::")

WORDS = (
    *("test", "--locked", "--offline", "--package=host", "--lib", "--"),
    *(f"--skip={name}" for name in SKIPPED),
)

# Many mutants are compiled, and few run to the end. One test at a time, so that it is known which
# it was that ended the program.
ENVIRONMENT = {
    "CARGO_PROFILE_DEV_DEBUG": "0",
    "CARGO_PROFILE_DEV_OPT_LEVEL": "0",
    "RUST_TEST_THREADS": "1",
}

# How long one run may take, in seconds: a mutant may loop.
DEADLINE = 300

TEST = re.compile(r"test (\S+) \.\.\.(.*)")

# What the compiler says of a constant that is wrong, by an assertion in the sources or of its own.
CONSTANT = re.compile(r"^error\[E0080\]: (.*)", re.MULTILINE)
NOT_COMPILED = re.compile(r"^error: could not compile", re.MULTILINE)
TESTS_FAILED = re.compile(r"error: test failed, to rerun")


class Caught(Exception):
    """A test has failed; the rest need not be run."""


def run(copy: Path, toolchain: Toolchain, log: Path) -> Outcome:
    """Runs cargo's tests until one fails."""
    for api, flags in RUNS:
        test = ""

        def read(line: str) -> None:
            nonlocal test
            if found := TEST.match(line):
                test = found[1]
                if found[2].endswith("FAILED"):
                    raise Caught

        argv = cargo.argv(toolchain, WORDS, api, flags=flags, env=ENVIRONMENT, top=copy)
        try:
            process.run_logged(argv, log, "cargo", read, timeout=DEADLINE, quoting=False)
        except Caught:
            return Outcome("caught", test)
        except Fail:
            said = log.read_text(errors="replace")
            if found := CONSTANT.search(said):
                return Outcome("caught", f"the compiler: {found[1]}")
            if NOT_COMPILED.search(said):
                return Outcome("not compiled")
            # The stand-in ends the program where the kernel would be damaged.
            if TESTS_FAILED.search(said):
                return Outcome("caught", test)
            if test and "test result:" not in said:
                return Outcome("caught", f"{test}, which did not end")
            raise
    return Outcome("missed", NOTHING)
