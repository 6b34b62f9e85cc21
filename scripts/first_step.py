# SPDX-License-Identifier: GPL-2.0

"""`make first-step`: what it takes from nothing to the demo, beside what one would do without this.

Each way to it begins with an empty cache, which is removed when it has been measured, and ends with
`make demo`: those of others have their own kernel, built as their instructions say, in the same
toolchain's root. ARGS= names some of the ways.
"""

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness import command
from harness import messages
from harness import places
from harness import process
from harness import source as sources
from harness import toolchain as toolchains
from harness import variables
from harness.messages import Fail

# What the largest of the caches takes on the disk.
GIGABYTES = 10

# The process becomes the parent of orphans below it (prctl(2)).
PR_SET_CHILD_SUBREAPER = 36

# How long what a command has left running may take to end, in seconds.
LINGERING = 5

# The word by which a command of this file walks a way, in place of measuring it.
WALK = "walk"


@dataclass(frozen=True)
class Way:
    """A way from nothing to the demo."""

    name: str
    # What it is, for people.
    about: str
    # What `make demo` is told.
    words: tuple[str, ...] = ()
    # The commands that build a kernel in BUILD from the source in TREE, if there are some.
    kernel: str = ""


WAYS = {
    way.name: way
    for way in (
        Way("demo", "`make demo`: Debian's kernel, and metadata for it"),
        Way("lean", "`make demo KERNEL=7.3`: a lean kernel", ("KERNEL=7.3",)),
        # What kunit.py gives x86_64, and what a module in Rust and a guest that loads it take.
        Way(
            "kunit",
            "kunit.py's configuration for x86_64 with Rust, modules, an initrd and debugfs",
            kernel='"$TREE/tools/testing/kunit/kunit.py" build --arch=x86_64 --build_dir="$BUILD"'
            ' --make_options LLVM=1 --jobs="$(nproc)" --kconfig_add CONFIG_RUST=y'
            " --kconfig_add CONFIG_MODULES=y --kconfig_add CONFIG_BLK_DEV_INITRD=y"
            " --kconfig_add CONFIG_MODULE_UNLOAD=y --kconfig_add CONFIG_DEVTMPFS=y"
            " --kconfig_add CONFIG_DEBUG_FS=y",
        ),
        # It wants a kernel with CONFIG_RUST that was built; rust.config is the kernel's own way to
        # have that set.
        Way(
            "template",
            "the kernel that rust-out-of-tree-module's README asks for: defconfig and rust.config",
            kernel='make -C "$TREE" O="$BUILD" LLVM=1 defconfig rust.config\n'
            'make -C "$TREE" O="$BUILD" LLVM=1 -j"$(nproc)"',
        ),
    )
}


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds, CPU seconds, and megabytes that came and that are kept."""

    seconds: float
    cpu: float
    fetched: float
    kept: float


def walk(way: Way) -> NoReturn:
    """Goes a way, in the cache that there is, and ends as its demo does."""
    words = list(way.words)
    if way.kernel:
        toolchain = toolchains.provide()
        tree = sources.provide(None, None, toolchain) / "tree"
        build = places.stage("run") / "build"
        build.mkdir(parents=True)
        log, progress = places.logs() / f"{way.name}.log", messages.Progress()
        process.run_logged(
            toolchain.argv(
                ["bash", "-e", "-c", way.kernel],
                ro=[tree],
                rw=[build],
                env={"TREE": str(tree), "BUILD": str(build)},
            ),
            log,
            "building the kernel",
            progress.show,
        )
        progress.end("the kernel is built")
        words.append(f"KDIR={build}")
    demo = ["make", "-C", str(places.checkout()), "demo", *words]
    raise SystemExit(subprocess.run(demo, check=False).returncode)


def measured(argv: Sequence[str], cache: Path) -> Cost:
    """What a command takes that is to end with 0; `cache` is its cache.

    bubblewrap doesn't wait for what it starts in a process namespace, so the CPU time of that comes
    to whoever adopts it.
    """
    foreign = variables.OF_A_COMMAND
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    env["RUST_ALLOC_DEMO_CACHE"] = str(cache)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    came, cpu, began = received(), cpu_seconds(), time.monotonic()
    code = subprocess.run(argv, stdin=subprocess.DEVNULL, env=env, check=False).returncode
    seconds = time.monotonic() - began
    reap(time.monotonic() + LINGERING)
    if code:
        raise Fail(f"{argv[-1]} failed, see above")
    return Cost(seconds, cpu_seconds() - cpu, (received() - came) / 1e6, size(cache) / 1e6)


def reap(until: float) -> None:
    """Waits for all children, adopted ones too, that end before a moment of the clock."""
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.1)
        except ChildProcessError:
            return


def cpu_seconds() -> float:
    """The CPU time of the children that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def received() -> int:
    """How many bytes have come over this machine's network so far."""
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    counts = {
        name.strip(): int(rest.split()[0]) for name, rest in (one.split(":") for one in lines)
    }
    return sum(count for name, count in counts.items() if name != "lo")


def size(directory: Path) -> int:
    """What a directory takes on the disk, in bytes; a file of several names counts once."""
    files = {}
    for path in [directory, *directory.rglob("*")]:
        stat = path.lstat()
        files[stat.st_dev, stat.st_ino] = 512 * stat.st_blocks
    return sum(files.values())


def table(costs: dict[Way, Cost]) -> str:
    """The ways and what they took, the first of them as the measure."""
    head = ["", "time", "CPU", "fetched", "kept on the disk", "time and CPU, relative"]
    rows = [head]
    first = next(iter(costs.values()))
    for way, cost in costs.items():
        relative = f"{cost.seconds / first.seconds:.2f} and {cost.cpu / first.cpu:.2f}"
        rows.append(
            [
                way.about,
                messages.minutes(cost.seconds),
                f"{cost.cpu:.0f} s",
                f"{cost.fetched:.0f} MB",
                f"{cost.kept / 1000:.1f} GB",
                relative,
            ]
        )
    return messages.markdown(rows)


def chosen() -> list[Way]:
    """The ways that ARGS= names; all of them if it names none."""
    names = variables.args() or list(WAYS)
    for name in names:
        if name not in WAYS:
            raise Fail(f"ARGS: {name} is no way to the demo; there are {', '.join(WAYS)}")
    return [way for way in WAYS.values() if way.name in names]


def main() -> None:
    """Measures the ways one after the other, and prints a table."""
    if sys.argv[1:2] == [WALK]:
        walk(WAYS[sys.argv[2]])
    variables.takes("first-step", "ARGS")
    ways = chosen()
    places.need_space(GIGABYTES, "a cache for each of the ways, one after the other,")
    costs: dict[Way, Cost] = {}
    for number, way in enumerate(ways, 1):
        messages.step(number, len(ways), way.about)
        cache = places.stage("run") / "first-step"
        places.remove(cache)
        cache.mkdir(parents=True)
        try:
            costs[way] = measured([sys.executable, "-B", __file__, WALK, way.name], cache)
        finally:
            places.remove(cache)
        # All so far: the next one takes long, and can fail.
        messages.say(table(costs))


if __name__ == "__main__":
    command.main(main)
