# SPDX-License-Identifier: GPL-2.0

"""Tests of what `make first-step` measures a way by; the ways themselves take too long here."""

import sys
import tempfile
import unittest
from pathlib import Path

from copies import Harness

import first_step
from first_step import WAYS, Cost
from harness import toolchain as toolchains

# Counts for about a second, on each of two CPUs.
BUSY = "n=0; while [ $n -lt 300000 ]; do n=$((n + 1)); done"


class MeasureTest(unittest.TestCase):
    """What a command took."""

    def test_cpu_seconds_of_a_namespace(self) -> None:
        """What runs in the root counts, though bubblewrap doesn't wait for it."""
        argv = toolchains.provide().argv(["bash", "-c", f"({BUSY}) & {BUSY}; wait; times"])
        with tempfile.TemporaryDirectory() as cache:
            cost = first_step.measured(argv, Path(cache))
        self.assertGreater(cost.cpu, 0.5)
        self.assertGreater(2.5 * cost.seconds, cost.cpu)

    def test_what_is_kept(self) -> None:
        """A file of two names counts once; the variables of this command are not the way's."""
        write = (
            "import os, pathlib as p; c = p.Path(os.environ['RUST_ALLOC_DEMO_CACHE']);"
            "(c / 'a').write_bytes(bytes(3000000)); (c / 'b').hardlink_to(c / 'a');"
            "assert 'ARGS' not in os.environ"
        )
        with tempfile.TemporaryDirectory() as cache:
            cost = first_step.measured([sys.executable, "-c", write], Path(cache))
        self.assertAlmostEqual(cost.kept, 3, delta=0.1)

    def test_table(self) -> None:
        """The first way is the measure."""
        costs = {WAYS["demo"]: Cost(150, 100, 700, 4000), WAYS["lean"]: Cost(300, 450, 700, 5000)}
        last = first_step.table(costs).splitlines()[-1]
        self.assertIn("| 5 min 00 s | 450 s | 700 MB  | 5.0 GB           | 2.00 and 4.50 ", last)


class CommandTest(Harness):
    """The command."""

    def test_no_such_way(self) -> None:
        """The ways are named, before anything is measured."""
        out = self.run_script("first_step.py", code=1, ARGS="stock")
        self.assertIn("error: ARGS: stock is no way to the demo; there are demo, lean, kunit", out)

    def test_a_way_that_fails(self) -> None:
        """It is said which, and its cache is removed."""
        self.change("scripts/first_step.py", '"KERNEL=7.3",', '"KERNEL=6.6",')
        out = self.run_script("first_step.py", code=1, ARGS="lean")
        self.assertIn("error: KERNEL=6.6 is too old", out)
        self.assertIn("\nerror: lean failed, see above", out)
