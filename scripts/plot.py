# SPDX-License-Identifier: GPL-2.0

"""The bench's plots: cost against size, against live blocks and against CPUs, by gnuplot."""

from collections.abc import Mapping
from pathlib import Path

from harness import places
from harness import process
from harness.toolchain import Toolchain
from cost import Key, chosen
from report import ALIGN, PATHS

TERMINALS = {
    "svg": "svg size 900,500 background '#ffffff'",
    "png": "pngcairo size 900,500",
}


def draw(toolchain: Toolchain, found: Mapping[Key, float], where: Path, unit: str) -> None:
    """Draws each plot that there are figures for, as SVG and PNG, and keeps its data beside it."""
    for name, by, axis, costs in (
        ("size", "size", "bytes", chosen(found, "pair", align=ALIGN, cpus=1)),
        ("live", "n", "blocks of 64 bytes live", chosen(found, "batch", size=64, cpus=1)),
        ("cpus", "cpus", "CPUs at once", chosen(found, "batch", size=64, n=64)),
    ):
        values = sorted({getattr(key, by) for key in costs})
        if len(values) < 2:
            continue
        data = where / f"{name}.dat"
        data.write_text(table(costs, by))
        for suffix, terminal in TERMINALS.items():
            settings = {
                "data": data,
                "out": where / f"{name}.{suffix}",
                "terminal": terminal,
                "xaxis": axis,
                "yaxis": f"{unit} to allocate and free",
            }
            words = "; ".join(f'{key}="{value}"' for key, value in settings.items())
            script = places.checkout() / "bench/plot.gp"
            argv = ["gnuplot", "-e", f"{words}; xmax={values[-1]}", str(script)]
            process.run_logged(
                toolchain.argv(argv, ro=[script], rw=[where]),
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
