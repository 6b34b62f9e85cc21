# SPDX-License-Identifier: GPL-2.0

"""What the bench's records say: costs, the goals that they are held to, and what changed.

A record is a line of the module's in the guest's log (bench/record.rs, bench/memory.rs,
bench/caches.rs). A cost is what one operation takes, without the loop around it, in instructions
where the guest counts those.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from harness.messages import Fail

RECORD = re.compile(
    r"rust_alloc_demo_bench: path=(\S+) op=(\S+) size=(\d+) align=(\d+) n=(\d+) cpus=(\d+)"
    r" ops=(\d+) count=(\d+)$",
    re.MULTILINE,
)
MEMORY = re.compile(
    r"rust_alloc_demo_bench: memory size=(\d+) older=(\[.*?\]) Kmalloc=(\[.*?\])"
    r" KernelAllocator=(\[.*?\])$",
    re.MULTILINE,
)

SLABS = re.compile(
    r"rust_alloc_demo_bench: slabs size=(\d+) align=(\d+) cache=(\d+)/(\d+)"
    r" KernelAllocator=(\d+)/(\d+)$",
    re.MULTILINE,
)

# What kmalloc() takes from its own caches; above that it asks the page allocator.
BUCKET_MAX = 8192

# What keeping the account may add to an allocation and its free, in instructions.
ACCOUNT_MAX = 12

# C's kmalloc() where the compiler knows the size.
C_CONSTANT = "c-kmalloc-constant"

# What KernelAllocator may take over C's kmalloc() of run-time size, and over that of constant size
# where the counts depend on what ran before: with many blocks live whole slabs come and go, and on
# several CPUs all count, also while one waits for another to begin or to end.
RUN_TIME = 1.03

# What growth may take over C's krealloc(): a size is checked at each step that C's callers check or
# know themselves.
GROWTH = 1.01

# What an object of a cache may cost beside C's: by the value that shows that the cache is there no
# more, through the trait the two instructions that see whether it is, of 110 and more.
HELD_MAX = 1.0
CACHE_MAX = 1.02

# What the objects of a cache may take beside their own size, where a slab has room for so many.
SLAB_MAX = 1.03

# A loop of two instructions a round.
CALIBRATED = 2


class Key(NamedTuple):
    """What a record is of. `n` is what else the op has: live blocks, elements, the new size."""

    path: str
    op: str
    size: int
    align: int
    n: int
    cpus: int

    def __str__(self) -> str:
        more = f", n {self.n}" * (self.op != "pair") + f", {self.cpus} CPUs" * (self.cpus > 1)
        return f"{self.path} {self.op} of size {self.size}, align {self.align}{more}"


@dataclass(frozen=True)
class Memory:
    """Bytes granted for a layout: with the older rounding, by Kmalloc, by KernelAllocator."""

    size: int
    align: int
    older: int
    kmalloc: int
    ours: int


@dataclass(frozen=True)
class Slabs:
    """A layout in a cache of its own and in a bucket: the bytes of a slab, the objects in one."""

    size: int
    align: int
    slab: int
    objects: int
    bucket_slab: int
    bucket_objects: int

    @property
    def granted(self) -> float:
        """Bytes that an object takes for each of its own, the slab's waste included."""
        return self.slab / self.objects / self.size

    @property
    def bucket(self) -> float:
        """The same in a bucket."""
        return self.bucket_slab / self.bucket_objects / self.size

    @property
    def least(self) -> float:
        """The least that a slab of this order allows."""
        return self.slab / (self.slab // self.size) / self.size


@dataclass(frozen=True)
class Measured:
    """What one run of the module printed: the count and the ops of each record, and the memory."""

    counts: Mapping[Key, tuple[int, int]]
    memory: Sequence[Memory]
    slabs: Sequence[Slabs]


@dataclass(frozen=True)
class Goal:
    """What is promised of a figure at every point, and the point where it is worst."""

    text: str
    holds: bool
    worst: str
    points: int

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.text}: {verdict}; worst {self.worst}, of {self.points}"


def closing(console: str, what: str) -> int:
    """The number in the line by which the module says how many lines there were."""
    found = re.search(rf"rust_alloc_demo_bench: {what}=(\d+)$", console, re.MULTILINE)
    if not found:
        raise Fail(f"the module did not get as far as its line `{what}=`; see the guest's log")
    return int(found[1])


def parse(console: str) -> Measured:
    """Reads a guest's log. Fails if a record is missing, or there twice."""
    console = console.replace("\r", "")
    counts: dict[Key, tuple[int, int]] = {}
    for path, op, *numbers in RECORD.findall(console):
        size, align, n, cpus, ops, count = map(int, numbers)
        key = Key(path, op, size, align, n, cpus)
        if key in counts:
            raise Fail(f"the guest's log has two records of {key}")
        counts[key] = (count, ops)
    aligns = re.search(r"rust_alloc_demo_bench: memory aligns=(\[.*\])$", console, re.MULTILINE)
    lines = MEMORY.findall(console)
    slabs = [Slabs(*map(int, numbers)) for numbers in SLABS.findall(console)]
    for what, found in (
        ("records", len(counts)),
        ("memory lines", len(lines)),
        ("slabs lines", len(slabs)),
    ):
        if found != closing(console, what):
            raise Fail(
                f"the guest's log has {found} of {closing(console, what)} {what}; some were lost"
            )
    if not aligns:
        raise Fail("the guest's log does not say which alignments were measured")
    memory = [
        Memory(int(size), align, *granted)
        for size, *rows in lines
        for align, *granted in zip(json.loads(aligns[1]), *map(json.loads, rows))
    ]
    return Measured(counts, memory, slabs)


def check_calibration(measured: Measured) -> None:
    """Fails if what the guest counted is not instructions."""
    for key, (count, ops) in measured.counts.items():
        if key.path == "calibration" and count == CALIBRATED * ops:
            return
    raise Fail(
        "the guest does not count instructions: a loop of two for each round took another number"
    )


def check_same(first: Measured, second: Measured) -> None:
    """Fails if two runs differ, and names where."""
    different = [
        f"{key}: {first.counts.get(key)} and {second.counts.get(key)}"
        for key in {**first.counts, **second.counts}
        if first.counts.get(key) != second.counts.get(key)
    ]
    if (first.memory, first.slabs) != (second.memory, second.slabs):
        different.append("the bytes granted")
    if different:
        raise Fail(
            f"two runs differ in {len(different)} of {len(first.counts)} records, as"
            f" {different[0]}; they should agree to the instruction"
        )


def costs(measured: Measured) -> dict[Key, float]:
    """What one operation takes: its share of the count, less that of the empty loop."""
    empty: dict[tuple[str, str, int, int], float] = {}
    for key, (count, ops) in measured.counts.items():
        if key.path.endswith("nothing"):
            n = key.n if key.op in ("batch", "grow") else 0
            empty.setdefault((key.path, key.op, n, key.cpus), count / ops)
    found = {}
    for key, (count, ops) in measured.counts.items():
        if key.path.endswith("nothing") or key.path == "calibration":
            continue
        nothing = "c-nothing" if key.path.startswith("c-") else "nothing"
        # A vector's loop is its own, and what is moved is allocated and freed as in a pair.
        op = key.op if key.op in ("batch", "realloc-in-place", "grow") else "pair"
        less = 0.0
        if not key.op.startswith("push"):
            less = empty[nothing, op, key.n if op in ("batch", "grow") else 0, key.cpus]
        found[key] = count / ops - less
    return found


def judge(
    text: str, points: Iterable[tuple[float, Key]], bound: float, at_least: bool = False
) -> Goal:
    """Judges a goal by its points: a figure each, and where it is."""
    points = list(points)
    if not points:
        return Goal(text, False, "unknown, nothing was measured", 0)
    pick: Callable[..., tuple[float, Key]] = min if at_least else max
    figure, key = pick(points)
    holds = figure >= bound if at_least else figure <= bound
    return Goal(text, holds, f"{figure:.3f} ({key})", len(points))


def ratios(
    found: Mapping[Key, float], path: str, to: str, ops: Sequence[str]
) -> list[tuple[float, Key]]:
    """The costs of a path over those of another, wherever both were measured."""
    return [
        (cost / found[key._replace(path=to)], key)
        for key, cost in found.items()
        if key.path == path and key.op in ops and key._replace(path=to) in found
    ]


def in_buckets(found: Mapping[Key, float]) -> dict[Key, float]:
    """The costs on one CPU, as far as there are buckets."""
    return {k: cost for k, cost in found.items() if k.size <= BUCKET_MAX and k.cpus == 1}


def of_constants(found: Mapping[Key, float]) -> list[Goal]:
    """What a layout that the compiler knows is held to: C's kmalloc() of constant size."""
    one = in_buckets(found)
    several = {k: cost for k, cost in found.items() if k.size <= BUCKET_MAX and k.cpus > 1}
    return [
        *(
            judge(
                f"{path} no dearer than C's kmalloc of constant size, up to {BUCKET_MAX} bytes",
                ratios(one, path, C_CONSTANT, ("pair",)),
                1.0,
            )
            for path in ("Box", "GlobalAlloc-constant")
        ),
        judge(
            f"Box at most {RUN_TIME} times that with several blocks live, and on several CPUs",
            [
                *ratios(one, "Box", C_CONSTANT, ("batch",)),
                *ratios(several, "Box", C_CONSTANT, ("pair", "batch")),
            ],
            RUN_TIME,
        ),
    ]


def of_run_time(found: Mapping[Key, float]) -> list[Goal]:
    """What sizes known at run time are held to: the same calls in C.

    C asks for the same multiple of the alignment.
    """
    paths = ("Allocator", "GlobalAlloc")
    same = (
        ("zeroed", "c-kmalloc", 1.0, "allocation zeroed no dearer than kzalloc"),
        ("realloc-in-place", "c-krealloc", 1.0, "realloc in place no dearer than krealloc"),
        ("realloc-move", "c-krealloc", 1.0, "realloc that moves no dearer than krealloc"),
        ("grow", "c-krealloc", GROWTH, f"growth from nothing at most {GROWTH} times krealloc"),
    )
    return [
        *(
            judge(
                f"{path} at most {RUN_TIME} times C's kmalloc of run-time size",
                ratios(found, path, "c-kmalloc", ("pair", "batch")),
                RUN_TIME,
            )
            for path in paths
        ),
        *(
            judge(f"{path}: {text}", ratios(found, path, to, (op,)), bound)
            for op, to, bound, text in same
            for path in paths
        ),
    ]


def weigh(text: str, slabs: Sequence[Slabs]) -> Goal:
    """Judges whether objects take no more than `SLAB_MAX`, or than the slab's order allows."""
    return judge(
        text,
        (
            (
                entry.granted / max(1.0, entry.least / SLAB_MAX),
                Key("slabs", "pair", entry.size, entry.align, 1, 1),
            )
            for entry in slabs
        ),
        SLAB_MAX + 1e-9,
    )


def of_caches(found: Mapping[Key, float], slabs: Sequence[Slabs]) -> list[Goal]:
    """What caches of one's own are held to: C's, and the size of an object."""
    text = f"a cache's objects at most {SLAB_MAX} times their size, where slabs allow it"
    small = in_buckets(found)
    return [
        *(
            judge(
                f"{path} at most {bound:.2f} times C's kmem_cache",
                ratios(small, path, "c-kmem_cache", ("pair", "batch")),
                bound,
            )
            for path, bound in (("Cache-held", HELD_MAX), ("Cache", CACHE_MAX))
        ),
        weigh(text, slabs),
    ]


def of_the_kernels(found: Mapping[Key, float]) -> list[Goal]:
    """How much dearer the kernel's own paths are.

    Their surplus is the same at all sizes, so it is judged where it counts: above the buckets all
    paths take what the page allocator takes.
    """
    small = in_buckets(found)
    return [
        judge(
            f"{kernels} at least 1.50 times {path}, up to {BUCKET_MAX} bytes",
            [
                (1 / ratio, key._replace(path=path))
                for ratio, key in ratios(small, path, kernels, ("pair",))
            ],
            1.50,
            at_least=True,
        )
        for path, kernels in (
            ("Allocator", "Kmalloc"),
            ("GlobalAlloc", "Kmalloc"),
            ("Box", "KBox"),
        )
    ]


def goals(
    found: Mapping[Key, float], memory: Sequence[Memory], slabs: Sequence[Slabs]
) -> list[Goal]:
    """What the costs are held to."""
    return [
        *of_constants(found),
        *of_run_time(found),
        *of_the_kernels(found),
        judge(
            f"Accounted at most {ACCOUNT_MAX} instructions above Allocator",
            (
                (cost - found[key._replace(path="Allocator")], key)
                for key, cost in found.items()
                if key.path == "Accounted"
            ),
            ACCOUNT_MAX,
        ),
        *of_caches(found, slabs),
        judge(
            "never more memory than the kernel's Kmalloc",
            (
                (entry.ours / entry.kmalloc, Key("memory", "pair", entry.size, entry.align, 1, 1))
                for entry in memory
                if entry.kmalloc
            ),
            1.0,
        ),
    ]


def chosen(found: Mapping[Key, float], op: str, **where: int) -> dict[Key, float]:
    """The costs of an op whose keys have these values."""
    return {
        key: value
        for key, value in found.items()
        if key.op == op and all(getattr(key, name) == wanted for name, wanted in where.items())
    }


def figure(cost: float) -> str:
    """A cost for people."""
    return f"{cost:.0f}" if abs(cost - round(cost)) < 0.05 else f"{cost:.1f}"


def changes(old: Mapping[Key, float], new: Mapping[Key, float]) -> list[str]:
    """What changed since another result: a line for each path and op, the largest change first."""
    groups: dict[tuple[str, str], list[Key]] = {}
    for key in {**old, **new}:
        groups.setdefault((key.path, key.op), []).append(key)
    lines = []
    for (path, op), keys in groups.items():
        both = [key for key in keys if key in old and key in new]
        moved = [key for key in both if abs(old[key] - new[key]) > 1e-9]
        gone, come = sum(key not in new for key in keys), sum(key not in old for key in keys)
        if moved:
            most = max(moved, key=lambda key: abs(new[key] / old[key] - 1) if old[key] else 1.0)
            share = abs(new[most] / old[most] - 1) if old[most] else 1.0
            text = (
                f"{path} {op}: {len(moved)} of {len(both)} changed, most of all"
                f" {figure(old[most])} to {figure(new[most])} ({most})"
            )
            lines.append((share, text))
        if gone or come:
            lines.append((0.0, f"{path} {op}: {come} records are new, {gone} have gone"))
    return [text for _, text in sorted(lines, key=lambda line: -line[0])]


def to_json(
    found: Mapping[Key, float], memory: Sequence[Memory], slabs: Sequence[Slabs]
) -> dict[str, object]:
    """Costs and memory as JSON has them."""
    return {
        "costs": [{**key._asdict(), "cost": cost} for key, cost in found.items()],
        "memory": [asdict(entry) for entry in memory],
        "slabs": [asdict(entry) for entry in slabs],
    }


def from_json(kept: Mapping[str, object]) -> dict[Key, float]:
    """The costs of a kept result."""
    entries = kept["costs"]
    assert isinstance(entries, list)
    return {Key(*(entry[name] for name in Key._fields)): entry["cost"] for entry in entries}
