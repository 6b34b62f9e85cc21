# SPDX-License-Identifier: GPL-2.0

"""The bench's plots, by gnuplot: cost against size, live blocks and CPUs, and against C's cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import places
from harness import process
from harness.toolchain import Toolchain
from cost import BUCKET_MAX, Key, Slabs, chosen, ratios
from report import ALIGN, PATHS

TERMINALS = {
    "svg": "svg size 900,500 background '#ffffff'",
    "png": "pngcairo size 900,500",
}


@dataclass(frozen=True)
class Plot:
    """A plot: its file's name, the field and the text of the x axis, the y axis, the figures."""

    name: str
    by: str
    xaxis: str
    yaxis: str
    figures: Mapping[Key, float]
    logarithmic: bool = True


def over_kmalloc(pairs: Mapping[Key, float]) -> dict[Key, float]:
    """The costs over C's kmalloc() of run-time size, as far as there are buckets."""
    small = {key: cost for key, cost in pairs.items() if key.size <= BUCKET_MAX}
    paths = dict.fromkeys(key.path for key in small)
    return {
        key: ratio for path in paths for ratio, key in ratios(small, path, "c-kmalloc", ("pair",))
    }


def draw(toolchain: Toolchain, found: Mapping[Key, float], where: Path, unit: str) -> None:
    """Draws each plot that there are figures for, as SVG and PNG, and keeps its data beside it."""
    pairs, cost = chosen(found, "pair", align=ALIGN, cpus=1), f"{unit} to allocate and free"
    batches = chosen(found, "batch", size=64, cpus=1)
    at_once = chosen(found, "batch", size=64, n=64)
    over = "times C's kmalloc of run-time size"
    for plot in (
        Plot("size", "size", "bytes", cost, pairs),
        Plot("ratio", "size", "bytes", over, over_kmalloc(pairs), logarithmic=False),
        Plot("live", "n", "blocks of 64 bytes live", cost, batches),
        Plot("cpus", "cpus", "CPUs at once", cost, at_once),
    ):
        values = sorted({getattr(key, plot.by) for key in plot.figures})
        if len(values) < 2:
            continue
        data = where / f"{plot.name}.dat"
        data.write_text(table(plot.figures, plot.by))
        settings = f'xaxis="{plot.xaxis}"; yaxis="{plot.yaxis}"; xmax={values[-1]}'
        settings += f"; logarithmic={int(plot.logarithmic)}"
        run_gnuplot(toolchain, "plot.gp", data, settings)


def draw_slabs(toolchain: Toolchain, slabs: Sequence[Slabs], where: Path) -> None:
    """Draws what an object takes in a cache and in a bucket, against its size, likewise."""
    data = where / "slabs.dat"
    lines = ["layout cache bucket"]
    lines += [f"{one.size}/{one.align} {one.granted:.4f} {one.bucket:.4f}" for one in slabs]
    data.write_text("\n".join(lines) + "\n")
    run_gnuplot(toolchain, "slabs.gp", data)


def run_gnuplot(toolchain: Toolchain, script: str, data: Path, settings: str = "") -> None:
    """Draws data by a script of bench/, in each format, beside the data and called as it is."""
    program = places.checkout() / "bench" / script
    for suffix, terminal in TERMINALS.items():
        out = data.with_suffix(f".{suffix}")
        words = f'data="{data}"; out="{out}"; terminal="{terminal}"; {settings}'
        process.run_logged(
            toolchain.argv(["gnuplot", "-e", words, str(program)], ro=[program], rw=[data.parent]),
            places.logs() / "gnuplot.log",
            "drawing the plots",
        )


def table(found: Mapping[Key, float], by: str) -> str:
    """A table as gnuplot reads it, a column for each path that has a line; `?` is no value."""
    own: dict[str, dict[int, float]] = {}
    for key, cost in found.items():
        own.setdefault(key.path, {})[getattr(key, by)] = cost
    names = [name for name in PATHS if len(own.get(name, {})) > 1]
    lines = [" ".join([by, *names])]
    for value in sorted({getattr(key, by) for key in found}):
        cells = [f"{own[name][value]:.3f}" if value in own[name] else "?" for name in names]
        lines.append(" ".join([str(value), *cells]))
    return "\n".join(lines) + "\n"
