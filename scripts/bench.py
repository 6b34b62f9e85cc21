# SPDX-License-Identifier: GPL-2.0

"""`make bench`: what allocations cost, in instructions, as a table, plots and a verdict on the goals.

A module of its own measures in a guest whose QEMU counts instructions; that runs twice, and both
runs must agree. Under UML the same module measures time, which is shown as ratios and not judged.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import common
import cost
import guest
import kernel as kernels
import module
import verdict
from common import Fail
from cost import Key
from kernel import Kernel
from module import Modules

STEPS = 5
DEADLINE = 600
ARCHES = ("x86_64", "um")

# The sizes of the table on the screen; the kept one has all.
SHOWN = (8, 64, 1024, 8192, 16384, 65536, 1048576, 4194304)

UNSAFE = re.compile(r"^(?!\s*//).*\bunsafe\s*\{", re.MULTILINE)

TERMINALS = {
    "svg": "svg size 900,500 background '#ffffff'",
    "png": "pngcairo size 900,500",
}


def home(kernel: Kernel) -> Path:
    """Where the results of this checkout on this kernel are; it exists."""
    top = common.cache() / "bench" / common.key(str(common.checkout()))
    path = top / f"{kernel.release}-{kernel.arch.name}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def measure(kernel: Kernel, initrd: Path, log: Path) -> cost.Measured:
    """Runs the guest once."""
    console = guest.boot(kernel, initrd, "bench", log, DEADLINE, counted=counts(kernel))
    faults = verdict.guest_faults(console)
    verdict.report(faults)
    if faults:
        raise Fail(f"the bench failed; the guest's console log is {log}")
    return cost.parse(console)


def counts(kernel: Kernel) -> bool:
    """Whether the guest counts instructions; one that is a program of the host's has the time."""
    return bool(kernel.arch.qemu)


def measured(kernel: Kernel, modules: Modules) -> cost.Measured:
    """Runs the guest twice, and sees that it counted instructions, and both times the same."""
    log = common.logs() / f"bench-console-{kernel.release}-{kernel.arch.name}.log"
    with guest.run_directory("bench") as run:
        initrd = guest.initramfs(kernel, modules, run / "initramfs.cpio")
        common.step(4, STEPS, "guest: measuring")
        first = measure(kernel, initrd, log)
        if not counts(kernel):
            common.step(5, STEPS, "no second run: this is time, not instructions")
            return first
        cost.check_calibration(first)
        common.step(5, STEPS, "guest: the same again, to the instruction")
        cost.check_same(first, measure(kernel, initrd, log))
    return first


def sizes(kernel: Kernel, modules: Modules) -> dict[str, int]:
    """Bytes of the users' module, and how often its allocator says `unsafe`."""
    argv = ["llvm-size", str(modules.demo)]
    told = kernel.toolchain.argv(argv, ro=[modules.dir])
    lines: list[str] = []
    common.run_logged(told, common.logs() / "llvm-size.log", "llvm-size", lines.append)
    text, data, bss = map(int, lines[1].split()[:3])
    folder = common.checkout() / "allocator"
    blocks = sum(len(UNSAFE.findall(file.read_text())) for file in folder.glob("*.rs"))
    return {"text": text, "data": data, "bss": bss, "unsafe blocks in allocator/": blocks}


def plot(kernel: Kernel, found: Mapping[Key, float], where: Path, unit: str) -> None:
    """Draws cost against size, against live blocks, and against CPUs."""
    pairs = {key: value for key, value in found.items() if key.op == "pair" and key.align == 8}
    batches = {key: value for key, value in found.items() if key.op == "batch"}
    several = {
        key: value
        for key, value in found.items()
        if key.op == "batch" and (key.size, key.n) == (64, 64)
    }
    drawings = {
        "size": (pairs, "size", "bytes", lambda key: key.cpus == 1),
        "live": (batches, "n", "blocks of 64 bytes that are live", lambda key: key.size == 64),
        "cpus": (several, "cpus", "CPUs at work", lambda key: True),
    }
    for name, (costs, by, xaxis, wanted) in drawings.items():
        one = {key: value for key, value in costs.items() if wanted(key)}
        if by == "n":
            one = {key: value for key, value in one.items() if key.cpus == 1}
        if len({getattr(key, by) for key in one}) < 2:
            continue
        write_data(one, by, where / f"{name}.dat")
        xmax = max(getattr(key, by) for key in one)
        for suffix, term in TERMINALS.items():
            draw(kernel, where, name, suffix, term, xaxis, unit, xmax)


def write_data(found: Mapping[Key, float], by: str, to: Path) -> None:
    """Writes a table as gnuplot reads it; `?` where there is no value."""
    values = sorted({getattr(key, by) for key in found})
    points = {name: {getattr(key, by) for key in found if key.path == name} for name in cost.PATHS}
    names = [name for name in cost.PATHS if len(points[name]) > 1]
    lines = [" ".join([by, *names])]
    for value in values:
        own = {key.path: number for key, number in found.items() if getattr(key, by) == value}
        lines.append(" ".join([str(value), *[f"{own[n]:.2f}" if n in own else "?" for n in names]]))
    to.write_text("\n".join(lines) + "\n")


def draw(
    kernel: Kernel, where: Path, name: str, suffix: str, term: str, xaxis: str, unit: str, xmax: int
) -> None:
    """Has gnuplot draw one plot."""
    script = common.checkout() / "bench/plot.gp"
    settings = {
        "data": where / f"{name}.dat",
        "out": where / f"{name}.{suffix}",
        "term": term,
        "xaxis": xaxis,
        "yaxis": f"{unit}, allocate and free",
    }
    words = "; ".join(f'{key}="{value}"' for key, value in settings.items())
    argv = ["gnuplot", "-e", f"{words}; xmax={xmax}", str(script)]
    common.run_logged(
        kernel.toolchain.argv(argv, ro=[script], rw=[where]),
        common.logs() / "gnuplot.log",
        "drawing the plots",
    )


def over_kmalloc(found: Mapping[Key, float]) -> str:
    """A table of pairs in ratios: each path's cost over that of C's kmalloc of run-time size."""
    pairs = {key: value for key, value in found.items() if key.op == "pair" and key.cpus == 1}
    ratios = {
        key: value / pairs[key._replace(path="c-kmalloc")]
        for key, value in pairs.items()
        if key.align == 8 and pairs.get(key._replace(path="c-kmalloc"), 0) > 0
    }
    rows = [["size", *cost.PATHS]]
    for size in sorted({key.size for key in ratios}):
        own = {key.path: value for key, value in ratios.items() if key.size == size}
        rows.append([str(size), *[f"{own[n]:.2f}" if n in own else "" for n in cost.PATHS]])
    return cost.markdown(rows)


def page(
    kernel: Kernel,
    found: Mapping[Key, float],
    run: cost.Measured,
    goals: list[cost.Goal],
    size: Mapping[str, int],
) -> str:
    """The whole of the result in Markdown."""
    unit = unit_of(kernel)
    parts = [
        f"# Linux {kernel.release}, {kernel.arch.name}: {unit} for each operation",
        *([f"- {goal}" for goal in goals]),
        f"## Allocate and free, alignment {cost.ALIGN}",
        cost.cost_table(found, "pair", "size", align=cost.ALIGN, cpus=1),
        "## The same, over C's kmalloc of run-time size",
        over_kmalloc(found),
    ]
    for bytes_ in (24, 200, 1000, 5000):
        parts += [
            f"## Allocate and free {bytes_} bytes; C asks for the multiple of the alignment",
            cost.cost_table(found, "pair", "align", size=bytes_, cpus=1),
        ]
    for title, op, by, where in (
        ("Allocate zeroed and free", "zeroed", "size", {}),
        ("Reallocate in place", "realloc-in-place", "size", {}),
        ("Allocate, reallocate to twice the size, free", "realloc-move", "size", {}),
        ("64 blocks live", "batch", "size", {"n": 64, "cpus": 1}),
        ("Blocks of 64 bytes, n live", "batch", "n", {"size": 64, "cpus": 1}),
        ("Blocks of 1024 bytes, n live", "batch", "n", {"size": 1024, "cpus": 1}),
        ("Blocks of 4096 bytes, n live", "batch", "n", {"size": 4096, "cpus": 1}),
        ("CPUs at once, 64 bytes", "pair", "cpus", {"size": 64, "align": 8}),
        ("CPUs at once, 64 blocks of 64 bytes live", "batch", "cpus", {"size": 64, "n": 64}),
        ("CPUs at once, 64 blocks of 1024 bytes live", "batch", "cpus", {"size": 1024, "n": 64}),
        ("Push n words to a vector, for each word", "push", "n", {}),
        ("The same with capacity from the beginning", "push-with-capacity", "n", {}),
    ):
        parts += [f"## {title}", cost.cost_table(found, op, by, **where)]
    beside = common.cache() / "bench" / home(kernel).parent.name / f"{kernel.release}-um/result.json"
    if counts(kernel) and beside.exists():
        timed = cost.from_json(json.loads(beside.read_text()))
        parts += ["## Time under UML, over C's kmalloc of run-time size", over_kmalloc(timed)]
    parts += [
        "## Bytes granted for each byte asked",
        cost.memory_table(run.memory),
        cost.could_be_better(run.memory),
        "## The module",
        cost.markdown([list(size), [str(number) for number in size.values()]]),
    ]
    return "\n\n".join(parts) + "\n"


def unit_of(kernel: Kernel) -> str:
    """What the costs are in."""
    return "instructions" if counts(kernel) else "nanoseconds"


def compare(where: Path, found: Mapping[Key, float], size: Mapping[str, int]) -> None:
    """Says what changed since the kept result."""
    file = where / "result.json"
    if not file.exists():
        common.say("no earlier result to compare with; this one is kept")
        return
    kept = json.loads(file.read_text())
    lines = cost.changes(cost.from_json(kept), found)
    old = kept["size"]
    lines += [
        f"{name}: {old.get(name)} to {value}" for name, value in size.items() if old.get(name) != value
    ]
    common.say("since the last result:" + " nothing changed" * (not lines))
    for line in lines[: cost.CHANGES_SHOWN]:
        common.say(f"  {line}")
    if len(lines) > cost.CHANGES_SHOWN:
        common.say(f"  and {len(lines) - cost.CHANGES_SHOWN} more")


def conclude(kernel: Kernel, modules: Modules, run: cost.Measured) -> None:
    """Prints, keeps and judges a result."""
    where = home(kernel)
    found, size = cost.costs(run), sizes(kernel, modules)
    goals = cost.goals(found, run.memory) if counts(kernel) else []
    shown = {key: value for key, value in found.items() if key.size in SHOWN}

    common.say(f"\nallocate and free, {unit_of(kernel)}, by size in bytes\n")
    if counts(kernel):
        common.say(cost.cost_table(shown, "pair", "size", align=cost.ALIGN, cpus=1) + "\n")
    else:
        common.say(over_kmalloc(shown) + "\n")
    common.say(", ".join(f"{name}: {value}" for name, value in size.items()))
    for goal in goals:
        common.say(str(goal))
    if counts(kernel):
        compare(where, found, size)

    plot(kernel, found, where, unit_of(kernel))
    (where / "bench.md").write_text(page(kernel, found, run, goals, size))
    result = {
        "release": kernel.release,
        "arch": kernel.arch.name,
        "unit": unit_of(kernel),
        "size": size,
        "goals": [{"goal": goal.text, "holds": goal.holds, "worst": goal.worst} for goal in goals],
        **cost.to_json(found, run.memory),
    }
    (where / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    common.say(f"table, JSON and plots: {where}")
    bad = [goal for goal in goals if not goal.holds]
    if bad:
        raise Fail(f"{len(bad)} of {len(goals)} goals do not hold, see above")


def main() -> None:
    """Runs all stages and the bench."""
    kernel = kernels.select(1, STEPS, need_kunit=False, need_image=True)
    if kernel.arch.name not in ARCHES:
        raise Fail(f"make bench is for ARCH={' or '.join(ARCHES)}, not {kernel.arch.name}")
    common.step(3, STEPS, "modules")
    modules = module.build(kernel, bench=True)
    conclude(kernel, modules, measured(kernel, modules))


if __name__ == "__main__":
    common.main(main)
