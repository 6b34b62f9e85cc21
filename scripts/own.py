# SPDX-License-Identifier: GPL-2.0

"""What this project's own modules take that others don't."""

from collections.abc import Sequence

from harness import places


def everything() -> Sequence[str]:
    """Words for make by which all is built that the selected directory has: here the bench too."""
    own = places.module_dir() == places.checkout()
    return ("RUST_ALLOC_DEMO_BENCH=m",) if own else ()
