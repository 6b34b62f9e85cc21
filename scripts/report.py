# SPDX-License-Identifier: GPL-2.0

"""The bench's tables, in Markdown."""

from collections.abc import Mapping, Sequence

from harness import messages
from cost import Goal, Key, Memory, Slabs, chosen, figure

# The paths, in the order of the columns.
PATHS = (
    "c-kmalloc-constant",
    "c-kmalloc",
    "c-kmem_cache",
    "Cache",
    "Cache-held",
    "c-krealloc",
    "Kmalloc",
    "KBox",
    "KVec",
    "GlobalAlloc",
    "GlobalAlloc-constant",
    "Allocator",
    "Accounted",
    "Box",
    "Vec",
)

# The alignment where none in particular is asked for (bench/costs.rs).
ALIGN = 8

# The tables of the whole: a title, what is measured, what the rows are, and which records.
TABLES: Sequence[tuple[str, str, str, dict[str, int]]] = (
    (f"Allocate and free, alignment {ALIGN}", "pair", "size", {"align": ALIGN, "cpus": 1}),
    *(
        (
            f"Allocate and free {size} bytes; C asks for the multiple of the alignment",
            "pair",
            "align",
            {"size": size, "cpus": 1},
        )
        for size in (24, 200, 1000, 5000)
    ),
    ("Allocate zeroed and free", "zeroed", "size", {}),
    ("Reallocate in place", "realloc-in-place", "size", {}),
    ("Allocate, reallocate to twice the size, free", "realloc-move", "size", {}),
    ("64 blocks live", "batch", "size", {"n": 64, "cpus": 1}),
    *(
        (f"Blocks of {size} bytes, n live", "batch", "n", {"size": size, "cpus": 1})
        for size in (64, 1024, 4096)
    ),
    ("CPUs at once, 64 bytes", "pair", "cpus", {"size": 64, "align": ALIGN}),
    ("CPUs at once, 1024 bytes", "pair", "cpus", {"size": 1024, "align": ALIGN}),
    ("CPUs at once, 64 blocks of 64 bytes live", "batch", "cpus", {"size": 64, "n": 64}),
    ("CPUs at once, 64 blocks of 1024 bytes live", "batch", "cpus", {"size": 1024, "n": 64}),
    ("Grow from nothing to n words and free", "grow", "n", {}),
    ("Push n words to a vector, for each word", "push", "n", {}),
    ("The same with capacity from the beginning", "push-with-capacity", "n", {}),
)


def by_path(found: Mapping[Key, float], by: str, form: str = "") -> str:
    """A table with a row for each value of the field `by`, and a column for each path."""
    names = sorted({key.path for key in found}, key=PATHS.index)
    rows = [[by, *names]]
    for value in sorted({getattr(key, by) for key in found}):
        own = {key.path: cost for key, cost in found.items() if getattr(key, by) == value}
        texts = {name: format(cost, form) if form else figure(cost) for name, cost in own.items()}
        rows.append([str(value), *[texts.get(name, "") for name in names]])
    return messages.markdown(rows, right=True)


def over_kmalloc(found: Mapping[Key, float]) -> str:
    """A table of pairs, each path's cost over that of C's kmalloc of run-time size."""
    pairs = chosen(found, "pair", align=ALIGN, cpus=1)
    kmalloc = {key.size: cost for key, cost in pairs.items() if key.path == "c-kmalloc"}
    ratios = {key: cost / kmalloc[key.size] for key, cost in pairs.items() if kmalloc[key.size]}
    return by_path(ratios, "size", ".2f")


def least(memory: Sequence[Memory]) -> dict[tuple[int, int], int]:
    """The least bytes that the buckets allow for each layout; 0 if none does.

    The buckets are the sizes of block that were seen. A bucket will do if it is large enough and
    its blocks have the alignment, which is the largest power of two in its size.
    """
    seen = sorted({block for entry in memory for block in (entry.older, entry.kmalloc, entry.ours)})
    return {
        (entry.size, entry.align): next(
            (block for block in seen if block >= entry.size and block & -block >= entry.align), 0
        )
        for entry in memory
    }


def memory_table(memory: Sequence[Memory]) -> str:
    """Bytes granted over bytes asked, in sum over the sizes, for each alignment."""
    lowest = least(memory)
    rows = [["sizes", "align", "older rounding", "Kmalloc", "KernelAllocator", "least"]]
    for title, sizes in (("1 to 256", range(1, 257)), ("257 and more", range(257, 1 << 62))):
        for align in sorted({entry.align for entry in memory}):
            own = [
                (entry.older, entry.kmalloc, entry.ours, lowest[entry.size, align], entry.size)
                for entry in memory
                if entry.align == align and entry.size in sizes
            ]
            # A layout that somebody was refused is left out for all of them.
            *sums, asked = map(sum, zip(*(row for row in own if all(row))))
            rows.append([title, str(align), *[f"{granted / asked:.3f}" for granted in sums]])
    return messages.markdown(rows, right=True)


def slabs_table(slabs: Sequence[Slabs]) -> str:
    """Bytes that an object takes for each of its own, in a cache and in a bucket of kmalloc."""
    rows = [["size", "align", "slab", "objects", "cache", "least of that slab", "bucket"]]
    for entry in slabs:
        shares = [f"{share:.3f}" for share in (entry.granted, entry.least, entry.bucket)]
        rows.append([*map(str, (entry.size, entry.align, entry.slab, entry.objects)), *shares])
    if slabs:
        means = [
            f"{sum(shares) / len(slabs):.3f}"
            for shares in zip(*((entry.granted, entry.least, entry.bucket) for entry in slabs))
        ]
        rows.append(["mean", "", "", "", *means])
    return messages.markdown(rows, right=True)


def could_be_better(memory: Sequence[Memory]) -> str:
    """Says for how many layouts a smaller bucket would have done."""
    lowest = least(memory)
    worse = [
        (entry, lowest[entry.size, entry.align])
        for entry in memory
        if 0 < lowest[entry.size, entry.align] < entry.ours
    ]
    if not worse:
        return f"No bucket of kmalloc would be smaller for any of the {len(memory)} layouts."
    first, enough = worse[0]
    return (
        f"A smaller bucket would do for {len(worse)} of {len(memory)} layouts, the first of size"
        f" {first.size} and align {first.align}: {first.ours} bytes, where {enough} would do."
    )


def whole(
    title: str,
    found: Mapping[Key, float],
    granted: tuple[Sequence[Memory], Sequence[Slabs]],
    goals: Sequence[Goal],
    size: Mapping[str, int],
    timed: Mapping[Key, float] | None,
) -> str:
    """All of a result; `timed` are the same costs in time, where they are known."""
    memory, slabs = granted
    parts = [f"# {title}", "\n".join(f"- {goal}" for goal in goals)]
    for heading, op, by, where in TABLES:
        if costs := chosen(found, op, **where):
            parts += [f"## {heading}", by_path(costs, by)]
    parts += ["## Allocate and free, over C's kmalloc of run-time size", over_kmalloc(found)]
    if timed:
        parts += ["## The same in time, under UML", over_kmalloc(timed)]
    parts += [
        "## Bytes granted for each byte asked",
        memory_table(memory),
        could_be_better(memory),
        "## Bytes taken for each byte of an object, the slab's waste included",
        slabs_table(slabs),
        "## The module",
        messages.markdown([list(size), [str(number) for number in size.values()]], right=True),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
