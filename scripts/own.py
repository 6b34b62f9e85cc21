# SPDX-License-Identifier: GPL-2.0

"""What this project's own modules take that others don't."""

from collections.abc import Sequence
from pathlib import Path

from harness import places
from harness import source as sources
from harness.kernel import Kernel


def are_selected() -> bool:
    """Whether it is these modules that are selected."""
    return places.module_dir() == places.checkout()


def everything() -> Sequence[str]:
    """Words for make by which all is built that the selected directory has: here the bench too."""
    return ("RUST_ALLOC_DEMO_BENCH=m",) if are_selected() else ()


def apart(kernel: Kernel) -> Sequence[Path]:
    """The directories below the selected one with modules that are built by themselves: here those
    of reports/. Some take what only the newest kernel has, and all take KUnit."""
    newest = kernel.release.startswith(f"{sources.DEFAULT}.") and kernel.has_kunit
    found = places.checkout().glob("reports/*/Kbuild") if are_selected() and newest else ()
    return [file.parent for file in sorted(found)]
