# SPDX-License-Identifier: GPL-2.0

"""`make bench`: what allocations cost, as a table, plots and a verdict on the goals.

A module of its own measures in a guest whose QEMU counts instructions; it runs twice, and both runs
must agree to the instruction. Under UML the same module measures time, which is shown as ratios and
not judged.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cost
import own
import plot
import report
from cost import Key
from harness import arch as arches
from harness import command
from harness import flavour as flavours
from harness import messages
from harness import places
from harness import process
from harness import selection
from harness import stages
from harness import variables
from harness import verdict
from harness.arch import Arch
from harness.guest import Content
from harness.kernel import Kernel
from harness.kernel import Needs
from harness.ko import Ko
from harness.messages import Fail
from harness.module import Modules

STEPS = 5
DEADLINE = 600
ARCHES = ("x86_64", "um")

# The modules: the one that measures, and that for users, whose size is told.
BENCH = "rust_alloc_demo_bench"
DEMO = "rust_alloc_demo"

# The sizes of the table on the screen; the kept one has all.
SHOWN = (8, 64, 1024, 8192, 16384, 65536, 1048576, 4194304)

# A line with an unsafe block that is no comment.
UNSAFE = re.compile(r"^(?!\s*//).*\bunsafe\s*\{", re.MULTILINE)

CHANGES_SHOWN = 12


def home(kernel: Kernel) -> Path:
    """Where the results of this checkout on this kernel are; it exists."""
    path = places.results("bench") / f"{kernel.release}-{kernel.arch.name}"
    path.mkdir(exist_ok=True)
    return path


def measure(kernel: Kernel, modules: Modules, log: Path) -> cost.Measured:
    """Runs the guest once."""
    console = stages.run(
        "bench",
        kernel,
        Content(load=[named(modules, BENCH)]),
        log,
        DEADLINE,
        counted=counts(kernel),
    )
    faults = verdict.guest_faults(console)
    verdict.report(faults)
    if faults:
        raise Fail(f"the bench failed; the guest's console log is {log}")
    return cost.parse(console)


def named(modules: Modules, name: str) -> Ko:
    """One of the modules."""
    [found] = [ko for ko in modules.all if ko.name == name]
    return found


def counts(kernel: Kernel) -> bool:
    """Whether the guest counts instructions; one that is a program of the host's has the time."""
    return bool(kernel.arch.qemu)


def measured(kernel: Kernel, modules: Modules) -> cost.Measured:
    """Runs the guest twice, and sees that it counted instructions, and both times the same."""
    log = places.logs() / f"bench-console-{kernel.release}-{kernel.arch.name}.log"
    messages.step(4, STEPS, "guest: measuring")
    first = measure(kernel, modules, log)
    if not counts(kernel):
        messages.step(5, STEPS, "no second run: this is time, not instructions")
        return first
    cost.check_calibration(first)
    messages.step(5, STEPS, "guest: the same again, to the instruction")
    cost.check_same(first, measure(kernel, modules, log))
    return first


def sizes(kernel: Kernel, modules: Modules) -> dict[str, int]:
    """Bytes of the users' module, and how many unsafe blocks its allocator has."""
    told: list[str] = []
    argv = kernel.toolchain.argv(["llvm-size", str(named(modules, DEMO).file)], ro=[modules.dir])
    process.run_logged(argv, places.logs() / "llvm-size.log", "llvm-size", told.append)
    names, numbers = (line.split()[:3] for line in told[:2])
    folder = places.checkout() / "allocator"
    blocks = sum(len(UNSAFE.findall(file.read_text())) for file in folder.rglob("*.rs"))
    return {
        **{name: int(number) for name, number in zip(names, numbers)},
        "unsafe blocks in allocator/": blocks,
    }


def unit_of(kernel: Kernel) -> str:
    """What the costs are in."""
    return "instructions" if counts(kernel) else "nanoseconds"


def compare(kernel: Kernel, found: Mapping[Key, float], size: Mapping[str, int]) -> None:
    """Says what changed since the kept result."""
    kept = result_in(home(kernel))
    if not kept or kept["kernel"] != kernel.key:
        messages.say("no earlier result of this kernel to compare with")
        return
    lines = cost.changes(cost.from_json(kept), found) + [
        f"{name}: {kept['size'].get(name)} to {value}"
        for name, value in size.items()
        if kept["size"].get(name) != value
    ]
    messages.say("since the last result:" + " nothing changed" * (not lines))
    for line in lines[:CHANGES_SHOWN]:
        messages.say(f"  {line}")
    if len(lines) > CHANGES_SHOWN:
        messages.say(f"  and {len(lines) - CHANGES_SHOWN} more")


def result_in(folder: Path) -> dict[str, Any] | None:
    """The result that is kept in a folder."""
    file = folder / "result.json"
    if not file.exists():
        return None
    kept: dict[str, Any] = json.loads(file.read_text())
    return kept


def conclude(kernel: Kernel, modules: Modules, run: cost.Measured) -> None:
    """Prints, keeps and judges a result."""
    where, unit = home(kernel), unit_of(kernel)
    found, size = cost.costs(run), sizes(kernel, modules)
    goals = cost.goals(found, run.memory, run.slabs) if counts(kernel) else []

    shown = {key: value for key, value in found.items() if key.size in SHOWN}
    pairs = cost.chosen(shown, "pair", align=report.ALIGN, cpus=1)
    text = report.by_path(pairs, "size") if counts(kernel) else report.over_kmalloc(pairs)
    over = "" if counts(kernel) else " over those of c-kmalloc"
    messages.say(f"\nallocate and free, {unit}{over}, by size in bytes\n\n{text}\n")
    messages.say(f"bytes taken for each byte of an object\n\n{report.slabs_table(run.slabs)}\n")
    messages.say(", ".join(f"{name}: {value}" for name, value in size.items()))
    for goal in goals:
        messages.say(str(goal))
    if counts(kernel):
        compare(kernel, found, size)

    timed = result_in(where.with_name(f"{kernel.release}-um")) if counts(kernel) else None
    title = f"Linux {kernel.release}, {kernel.arch.name}: {unit} for each operation"
    page = report.whole(
        title, found, (run.memory, run.slabs), goals, size, cost.from_json(timed) if timed else None
    )
    plot.draw(kernel.toolchain, found, where, unit)
    plot.draw_slabs(kernel.toolchain, run.slabs, where)
    (where / "bench.md").write_text(page)
    result = {
        "kernel": kernel.key,
        "unit": unit,
        "size": size,
        "goals": [asdict(goal) for goal in goals],
        **cost.to_json(found, run.memory, run.slabs),
    }
    (where / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    messages.say(f"tables, JSON and plots: {where}")
    bad = [goal for goal in goals if not goal.holds]
    if bad:
        raise Fail(f"{len(bad)} of {len(goals)} goals do not hold, see above")


def check(arch: Arch) -> None:
    """Fails if the bench can't run there."""
    if arch.name not in ARCHES:
        raise Fail(f"make bench is for ARCH={' or '.join(ARCHES)}, not {arch.name}")
    if flavours.selected(arch).name:
        raise Fail(f"make bench is for the lean kernel; leave {flavours.asking()} unset")
    if selection.is_shipped(os.environ.get("KERNEL", "")):
        raise Fail(
            "make bench is for lean kernels, on which each run counts the same instructions;"
            f" KERNEL={os.environ['KERNEL']} is none"
        )


def main() -> None:
    """Runs all stages and the bench."""
    variables.takes("bench", *variables.KERNEL, "V")
    check(arches.selected() or arches.ARCHES[arches.DEFAULT])
    kernel, modules = stages.build(STEPS, Needs(image=True), more=own.everything())
    check(kernel.arch)
    conclude(kernel, modules, measured(kernel, modules))


if __name__ == "__main__":
    command.main(main)
