# SPDX-License-Identifier: GPL-2.0

"""The kernel's own detectors of faults, and whether they were at work.

A guest whose kernel has some loads a module of the harness's own (detectors/) when all else has
been run, which does wrong what each is there to find. The silence of one that doesn't find it is
no proof of anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The module.
SOURCES = Path(__file__).with_name("detectors")
SAYS = r"kernel_detectors: "

# The lines between which the kernel says what was done wrong on purpose.
PROVOKED = re.compile(rf"{SAYS}(provoking|provoked) (\w+)$")


@dataclass(frozen=True)
class Detector:
    """One of the kernel's detectors: the symbol that it is there by, and what it must say."""

    name: str
    symbol: str
    says: str


# The report of each, by the file of the kernel that has it (7.3).
KMEMLEAK = Detector("kmemleak", "DEBUG_KMEMLEAK", rf"{SAYS}kmemleak found [1-9]\d* blocks$")
DETECTORS = (
    # What the module itself says, and mm/failslab.c does.
    Detector("failslab", "FAILSLAB", rf"{SAYS}an allocation was refused$"),
    # kernel/locking/lockdep.c, print_circular_bug_header()
    Detector("lockdep", "PROVE_LOCKING", r"WARNING: possible circular locking dependency detected"),
    # mm/kfence/report.c, kfence_report_error()
    Detector("KFENCE", "KFENCE", r"BUG: KFENCE: out-of-bounds read in "),
    # mm/kasan/report.c, print_error_description()
    Detector("KASAN", "KASAN", r"BUG: KASAN: .*(?:use-after-free|invalid-access) in "),
)


def of(config: Mapping[str, str]) -> list[Detector]:
    """The detectors that a kernel of this configuration has at work.

    KFENCE can be built in to be switched on later, as distributions do.
    """
    return [
        one
        for one in (KMEMLEAK, *DETECTORS)
        if one.symbol in config
        and (one.name != "KFENCE" or config.get("KFENCE_SAMPLE_INTERVAL") != "0")
    ]


def split(lines: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """A log without what was provoked, and that for each detector."""
    rest: list[str] = []
    provoked: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if found := PROVOKED.search(line):
            name = found[2] if found[1] == "provoking" else ""
        elif name:
            provoked.setdefault(name, []).append(line)
        else:
            rest.append(line)
    return rest, provoked


def faults(lines: Sequence[str], config: Mapping[str, str]) -> list[str]:
    """Which detectors a kernel has that did not find what was done wrong on purpose."""
    rest, provoked = split(lines)
    return [
        f"{one.name} was not at work (CONFIG_{one.symbol}): it did not find what was done wrong on"
        " purpose, so that it found nothing else proves nothing"
        for one in of(config)
        if not any(
            re.match(one.says, line)
            for line in (rest if one is KMEMLEAK else provoked.get(one.name, []))
        )
    ]
