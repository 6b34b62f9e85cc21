# SPDX-License-Identifier: GPL-2.0

"""The bench's reading and judging of records, for figures that can't be had at will.

The records are in the form that the module prints; no guest is run.
"""

import json
import unittest
from collections.abc import Sequence

import copies  # noqa: F401
import cost
import report
from cost import Key, Memory, Slabs
from harness.messages import Fail

SAID = "[    2.382540] rust_alloc_demo_bench: "
OPS = 128


def record(path: str, each: float, op: str = "pair", size: int = 64, n: int = 1) -> str:
    """A line of the module's, of a path that takes `each` with its loop."""
    count = round(each * OPS)
    return f"path={path} op={op} size={size} align=8 n={n} cpus=1 ops={OPS} count={count}"


# A run in which all goals hold, though hardly: Box as dear as kmalloc's 180 of a constant, and with
# several blocks at 1.03 times that; KernelAllocator at 1.03 times kmalloc's 200 of run-time size,
# Kmalloc at 1.50 times that, the account at 12 instructions, what is zeroed and reallocated as dear
# as in C, and growth at 1.01 times that.
GOOD = (
    record("calibration", 2, size=0),
    record("c-nothing", 6, size=8),
    record("nothing", 7, size=8),
    record("c-nothing", 4, "realloc-in-place", size=8, n=7),
    record("nothing", 3, "realloc-in-place", size=8, n=7),
    record("c-nothing", 12, "batch", n=16),
    record("nothing", 10, "batch", n=16),
    record("c-nothing", 20, "grow", size=8, n=4),
    record("nothing", 30, "grow", size=8, n=4),
    record("c-kmalloc-constant", 186),
    record("c-kmalloc", 206),
    record("Kmalloc", 316),
    record("KBox", 277),
    record("GlobalAlloc", 213),
    record("GlobalAlloc-constant", 187),
    record("Allocator", 213),
    record("Accounted", 225),
    record("Box", 187),
    record("c-kmalloc-constant", 112, "batch", n=16),
    record("Box", 113, "batch", n=16),
    record("c-kmalloc", 306, "zeroed"),
    record("Allocator", 307, "zeroed"),
    record("GlobalAlloc", 307, "zeroed"),
    record("c-krealloc", 84, "realloc-in-place", n=63),
    record("Allocator", 83, "realloc-in-place", n=63),
    record("GlobalAlloc", 83, "realloc-in-place", n=63),
    record("c-krealloc", 406, "realloc-move", n=128),
    record("Allocator", 407, "realloc-move", n=128),
    record("GlobalAlloc", 407, "realloc-move", n=128),
    record("c-krealloc", 820, "grow", size=8, n=4),
    record("Allocator", 838, "grow", size=8, n=4),
    record("GlobalAlloc", 838, "grow", size=8, n=4),
    record("c-kmem_cache", 146),
    record("Cache", 149),
    record("Cache-held", 147),
)
SLABS = (
    "slabs size=72 align=8 cache=4096/56 KernelAllocator=4096/42",
    "slabs size=8200 align=8 cache=32768/3 KernelAllocator=16384/1",
)
GRANTED = ("memory size=72 older=[96, 128] Kmalloc=[96, 96] KernelAllocator=[96, 96]",)


def console(
    records: Sequence[str] = GOOD,
    memory: Sequence[str] = GRANTED,
    slabs: Sequence[str] = SLABS,
) -> str:
    """A guest's log with these records, and the lines that say how many there are."""
    lines = [
        *records,
        f"records={len(records)}",
        "memory aligns=[8, 32]",
        *memory,
        f"memory lines={len(memory)}",
        *slabs,
        f"slabs lines={len(slabs)}",
    ]
    return "guest: started\r\n" + "".join(f"{SAID}{line}\r\n" for line in lines)


def verdicts(
    records: Sequence[str] = GOOD,
    memory: Sequence[str] = GRANTED,
    slabs: Sequence[str] = SLABS,
) -> list[str]:
    """The goals that don't hold."""
    run = cost.parse(console(records, memory, slabs))
    goals = cost.goals(cost.costs(run), run.memory, run.slabs)
    return [str(goal) for goal in goals if not goal.holds]


def instead(old: str, new: str) -> list[str]:
    """The good records with one of them replaced."""
    assert old in GOOD
    return [new if line == old else line for line in GOOD]


class Reading(unittest.TestCase):
    """What makes a log unfit to be judged."""

    def test_all(self) -> None:
        run = cost.parse(console())
        self.assertEqual(len(run.counts), len(GOOD))
        self.assertEqual(run.memory, [Memory(72, 8, 96, 96, 96), Memory(72, 32, 128, 96, 96)])

    def test_lost(self) -> None:
        for line in (*GOOD, *GRANTED, *SLABS):
            with self.assertRaisesRegex(Fail, "some were lost"):
                cost.parse(console().replace(f"{SAID}{line}\r\n", ""))

    def test_torn(self) -> None:
        with self.assertRaisesRegex(Fail, "some were lost"):
            cost.parse(console().replace("count=", "co[    2.4] other: message\r\nunt=", 1))

    def test_no_end(self) -> None:
        for what in ("records", "memory lines", "slabs lines"):
            with self.assertRaisesRegex(Fail, f"did not get as far as its line `{what}=`"):
                cost.parse(console().replace(f"{SAID}{what}=", "x"))

    def test_twice(self) -> None:
        with self.assertRaisesRegex(Fail, "two records of Box pair of size 64, align 8"):
            cost.parse(console([*GOOD, record("Box", 180)]))

    def test_not_instructions(self) -> None:
        run = cost.parse(console(instead(GOOD[0], record("calibration", 2.5, size=0))))
        with self.assertRaisesRegex(Fail, "does not count instructions"):
            cost.check_calibration(run)
        with self.assertRaisesRegex(Fail, "does not count instructions"):
            cost.check_calibration(cost.parse(console(GOOD[1:])))
        cost.check_calibration(cost.parse(console()))

    def test_runs_that_differ(self) -> None:
        first = cost.parse(console())
        cost.check_same(first, cost.parse(console()))
        line = record("Box", 187)
        one_more = line.replace(f"count={187 * OPS}", f"count={187 * OPS + 1}")
        with self.assertRaisesRegex(Fail, "differ in 1 of 35 records, as Box pair of size 64"):
            cost.check_same(first, cost.parse(console(instead(line, one_more))))
        with self.assertRaisesRegex(Fail, "differ in 1 of 35 records, as Box pair of size 64"):
            cost.check_same(first, cost.parse(console([x for x in GOOD if x != line])))
        granted = [GRANTED[0].replace("older=[96, 128]", "older=[96, 192]")]
        with self.assertRaisesRegex(Fail, "the bytes granted"):
            cost.check_same(first, cost.parse(console(memory=granted)))


class Judging(unittest.TestCase):
    """The goals, each a little on the wrong side of its bound."""

    def test_costs(self) -> None:
        """A C path is less C's empty loop, a Rust path less that of Rust, of the same op."""
        found = cost.costs(cost.parse(console()))
        self.assertEqual(found[Key("c-kmalloc", "pair", 64, 8, 1, 1)], 200)
        self.assertEqual(found[Key("Allocator", "pair", 64, 8, 1, 1)], 206)
        self.assertEqual(found[Key("c-krealloc", "realloc-in-place", 64, 8, 63, 1)], 80)
        self.assertFalse([key for key in found if "nothing" in key.path])

    def test_good(self) -> None:
        self.assertEqual(verdicts(), [])

    def test_dearer_than_kmalloc(self) -> None:
        for path in ("Allocator", "GlobalAlloc"):
            bad = verdicts(instead(record(path, 213), record(path, 214)))
            self.assertIn(
                f"{path} at most 1.03 times C's kmalloc of run-time size: DOES NOT HOLD; worst"
                f" 1.035 ({path} pair of size 64, align 8)",
                bad[0],
            )

    def test_dearer_than_a_constant(self) -> None:
        for path in ("Box", "GlobalAlloc-constant"):
            bad = verdicts(instead(record(path, 187), record(path, 188)))
            self.assertIn(f"{path} no dearer than C's kmalloc of constant size", bad[0])
            self.assertIn(f"worst 1.006 ({path} pair of size 64, align 8)", bad[0])
        (bad_batch,) = verdicts(
            instead(record("Box", 113, "batch", n=16), record("Box", 114, "batch", n=16))
        )
        self.assertRegex(bad_batch, "Box at most 1.03 times that .* worst 1.040 .Box batch")

    def test_at_another_size(self) -> None:
        """One size among many is enough, also one that only a batch has."""
        more = [
            record("c-kmalloc", 172, "batch", 32, 16),
            record("Allocator", 190, "batch", 32, 16),
        ]
        bad = verdicts([*GOOD, *more])
        self.assertEqual(len(bad), 1)
        self.assertIn("worst 1.125 (Allocator batch of size 32, align 8, n 16), of 2", bad[0])

    def test_too_near_to_the_kernels(self) -> None:
        for kernels, path, cost_of in (("Kmalloc", "Allocator", 316), ("KBox", "Box", 277)):
            bad = verdicts(instead(record(kernels, cost_of), record(kernels, cost_of - 1)))
            self.assertRegex(bad[0], f"{kernels} at least 1.50 times {path}.*DOES NOT.*1.49")

    def test_page_allocator(self) -> None:
        """Above the buckets the kernel's need not be dearer by half."""
        more = [record("c-kmalloc", 1106, size=16384), record("Kmalloc", 1167, size=16384)]
        self.assertEqual(verdicts([*GOOD, *more, record("Allocator", 1107, size=16384)]), [])

    def test_realloc(self) -> None:
        for path in ("Allocator", "GlobalAlloc"):
            for each, op, size, n, worst in (
                (307, "zeroed", 64, 1, "1.003"),
                (83, "realloc-in-place", 64, 63, "1.012"),
                (407, "realloc-move", 64, 128, "1.002"),
                (838, "grow", 8, 4, "1.011"),
            ):
                (bad,) = verdicts(
                    instead(record(path, each, op, size, n), record(path, each + 1, op, size, n))
                )
                self.assertRegex(bad, f"{path}: .* DOES NOT HOLD; worst {worst} .{path} {op}")

    def test_account(self) -> None:
        bad = verdicts(instead(record("Accounted", 225), record("Accounted", 226)))
        self.assertRegex(bad[0], "Accounted at most 12 .* DOES NOT HOLD; worst 13.000")

    def test_caches(self) -> None:
        bad = verdicts(instead(record("Cache-held", 147), record("Cache-held", 148)))
        self.assertRegex(bad[0], "Cache-held at most 1.00 .* DOES NOT HOLD; worst 1.007")
        bad = verdicts(instead(record("Cache", 149), record("Cache", 150)))
        self.assertRegex(bad[0], "Cache at most 1.02 .* DOES NOT HOLD; worst 1.021")

    def test_slabs(self) -> None:
        """A slab must be full, also where its order allows no more than a poor share."""
        self.assertAlmostEqual(Slabs(8200, 8, 32768, 3, 16384, 1).granted, 1.332, 3)
        for old, new in (("4096/56", "4096/55"), ("32768/3", "32768/2")):
            slabs = [line.replace(f"cache={old}", f"cache={new}") for line in SLABS]
            bad = verdicts(slabs=slabs)
            self.assertEqual(len(bad), 1)
            self.assertIn("a cache's objects at most 1.03 times", bad[0])
        self.assertEqual(len(verdicts(slabs=[])), 1)

    def test_memory(self) -> None:
        bad = verdicts(memory=[GRANTED[0].replace("Allocator=[96, 96]", "Allocator=[96, 128]")])
        self.assertRegex(bad[0], "never more memory .* DOES NOT HOLD; worst 1.333 .*align 32")

    def test_nothing_measured(self) -> None:
        """A goal without a figure does not hold."""
        bad = verdicts([line for line in GOOD if "path=Box" not in line])
        self.assertEqual(len(bad), 3)
        self.assertTrue(all("nothing was measured" in goal for goal in bad))
        self.assertEqual(len(verdicts(memory=[])), 1)


class Telling(unittest.TestCase):
    """Memory tables, and what changed."""

    def test_least(self) -> None:
        memory = [
            Memory(40, 32, 64, 64, 96),
            Memory(90, 32, 128, 96, 96),
            Memory(40, 8, 64, 64, 64),
        ]
        lowest = report.least(memory)
        self.assertEqual(lowest, {(40, 32): 64, (90, 32): 96, (40, 8): 64})
        self.assertIn("for 1 of 3 layouts, the first of size 40", report.could_be_better(memory))
        self.assertIn("No bucket", report.could_be_better(memory[1:]))

    def test_least_has_the_alignment(self) -> None:
        """kmalloc-96 is large enough for 80 bytes and has blocks aligned to 32, not to 64."""
        memory = [Memory(80, 64, 128, 128, 128), Memory(90, 8, 96, 96, 96)]
        self.assertEqual(report.least(memory)[80, 64], 128)

    def test_changes(self) -> None:
        old = cost.costs(cost.parse(console()))
        old |= {Key("Vec", "push", 8, 8, 3, 1): 1000 / 3}
        kept = cost.from_json(json.loads(json.dumps(cost.to_json(old, [], []))))
        self.assertEqual(cost.changes(kept, old), [])
        key = Key("Box", "pair", 64, 8, 1, 1)
        self.assertEqual(
            cost.changes(kept, {**old, key: old[key] / 2}),
            [f"Box pair: 1 of 1 changed, most of all 180 to 90 ({key})"],
        )
        gone = {other: value for other, value in old.items() if other != key}
        self.assertEqual(cost.changes(kept, gone), ["Box pair: 0 records are new, 1 have gone"])
        self.assertEqual(cost.changes(gone, old), ["Box pair: 1 records are new, 0 have gone"])


if __name__ == "__main__":
    unittest.main()
