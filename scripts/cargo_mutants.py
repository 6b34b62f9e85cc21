# SPDX-License-Identifier: GPL-2.0

"""The mutants that cargo-mutants makes of the allocator, as it compiles in user land (host/).

It only lists them; they are run as those made by hand are.
"""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import cargo
from harness import messages
from harness import module
from harness import places
from harness.messages import Fail
from harness.toolchain import Toolchain
from mutant import Mutant

# The newest that the toolchain's rustc compiles.
VERSION = "26.0.0"

LANE = "host"

# cargo-mutants looks at what lies below the workspace's manifest, so that is moved to the top. The
# fuzzer, which is no test of cargo's, stays behind.
MOVED = {
    'members = [".", "kernel", "fuzz"]': 'members = [".", "host/kernel"]',
    'default-members = [".", "kernel"]': 'default-members = [".", "host/kernel"]',
    'kernel = { path = "kernel" }': 'kernel = { path = "host/kernel" }',
    "[lib]\n": '[lib]\npath = "host/src/lib.rs"\n',
}

# What of the checkout it is to see.
NEEDED = ("allocator/", "host/", "tests-kunit/")

# How the library in host/ names what it has from elsewhere.
UP = "host/src/../../"

# What is left out: files for the `alloc` crate, which are not compiled there, and guesses at how a
# value is made that never compile.
LEFT_OUT = ("--exclude=fallible.rs", "--exclude=global.rs", "--exclude-re=with (Ok\\()?NonNull::")

# Where a mutant is in its file, which changes with every line before it.
PLACE = re.compile(r":\d+:\d+: ")


def provide(toolchain: Toolchain) -> Path:
    """The program; it is compiled the first time."""

    def fill(part: Path) -> None:
        messages.say(f"      cargo-mutants {VERSION}: compiling it takes some minutes, once")
        words = ["install", "--locked", f"--version={VERSION}", "cargo-mutants"]
        cargo.download(toolchain, [*words, f"--root={part}"], part, rw=[part])

    where = places.stage("cargo") / f"cargo-mutants-{places.key(VERSION, toolchain.key)}"
    return places.kept(where, "cargo-mutants", fill) / "bin/cargo-mutants"


def mutants(toolchain: Toolchain) -> list[Mutant]:
    """All that it makes, with names that stay when lines are added elsewhere."""
    program = provide(toolchain)
    checkout = places.checkout()
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    with places.scratch("cargo-mutants") as tree:
        files = module.sources(checkout)
        module.stage({name: files[name] for name in files if name.startswith(NEEDED)}, tree)
        manifest = (tree / "host/Cargo.toml").read_text()
        for old, new in MOVED.items():
            if manifest.count(f"\n{old}") != 1:
                raise Fail(f"host/Cargo.toml does not have this line once: {old.strip()}")
            manifest = manifest.replace(f"\n{old}", f"\n{new}")
        (tree / "Cargo.toml").write_text(manifest)
        (tree / "host/Cargo.toml").unlink()
        names = listed(toolchain, program, tree).splitlines()
        entries = json.loads(listed(toolchain, program, tree, "--json"))
        for line, entry in zip(names, entries, strict=True):
            file = entry["file"].removeprefix(UP)
            name = PLACE.sub(": ", line.removeprefix(UP), count=1)
            seen[name] += 1
            name += f" (number {seen[name]})" * (seen[name] > 1)
            text = (checkout / file).read_text()
            found.append(Mutant(name, file, changed(text, entry), LANE))
    return found


def listed(toolchain: Toolchain, program: Path, tree: Path, *more: str) -> str:
    """What it says of the crate in a directory."""
    argv = toolchain.argv(
        [str(program), "mutants", "--list", f"--file={UP}allocator/**", *LEFT_OUT, *more],
        ro=[program],
        rw=[cargo.home(), tree],
        cwd=tree,
        env={"CARGO_HOME": str(cargo.home()), "CARGO_NET_OFFLINE": "true"},
    )
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fail(f"cargo-mutants failed: {done.stderr.strip() or 'it did not say why'}")
    return done.stdout


def changed(text: str, entry: dict[str, Any]) -> str:
    """A file's text with a mutant in it: what it replaces is from one line and column to others,
    both counted from 1."""
    span = entry["span"]
    lines = text.splitlines(keepends=True)
    start, end = (
        sum(map(len, lines[: span[edge]["line"] - 1])) + span[edge]["column"] - 1
        for edge in ("start", "end")
    )
    return f"{text[:start]}{entry['replacement']}{text[end:]}"
