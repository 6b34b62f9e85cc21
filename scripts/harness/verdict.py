# SPDX-License-Identifier: GPL-2.0

"""Judges a run by what the guest's console shows.

kunit.py alone passes a run in which the kernel warned, or in which the guest died after the last
case. Here the console must be clean, and the guest must have come to its end. Which cases must have
run is another matter (cases.py).
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import detectors
from harness.settings import Messages


@dataclass(frozen=True)
class Outcome:
    """What became of a case: "passed", "failed" or "skipped", and why it was skipped."""

    status: str
    why: str = ""


# Suite to its cases to what became of them.
Results = dict[str, dict[str, Outcome]]

# What printk puts before a line: the time, and the task or CPU.
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")

# How the run went, as /init, the modules' script, and the modules themselves say.
NOTE = re.compile(r"(\w+): note: (.*)$")

# The lines of KTAP that begin a suite and end a case. Subtests of cases don't count.
SUITE = re.compile(r" {4}# Subtest: (.+)$")
CASE = re.compile(r" {4}(not )?ok \d+ (?:- )?(.+?)(?: # (.*))?$")

# That a module could not be loaded or unloaded, as /init says.
ERRNO = re.compile(r"guest: (\w+ \S+ failed): errno (\d+)$")

# A parameter that the kernel had for a module which has none of that name.
UNKNOWN_PARAMETER = re.compile(r"\w+: unknown parameter '.*?' ignored$")

# What a guest must say of memory, by the symbol of the kernel that has it do so.
LEAKS = {
    "SLUB_DEBUG": r"slab: [1-9]\d* blocks before, [1-9]\d* after$",
    "DEBUG_KMEMLEAK": r"kmemleak found 0 blocks$",
}

# How many blocks of the slab more may be in use after a run than before. Loading and unloading a
# module and what else the kernel did left up to 160; suites ask for some 600000.
MORE_BLOCKS = 1000

# Lines by which the kernel says that something is wrong, by the name of a log that has one
# (scripts/tests/consoles/). Results and comments of tests are not looked at: a case may have any
# name.
KTAP = re.compile(r"^ *(?:#|(?:not )?ok \d|KTAP version|\d+\.\.\d)")
SPLATS = {
    # KASAN, KCSAN, KFENCE, the slab, lists, soft lockups, sleeping while atomic, faults.
    "bug": r"\bBUG\b",
    # WARN_ON() and lockdep.
    "warning": r"\bWARNING: ",
    "oops": r"\bOops\b",
    # RCU stalls, hung tasks, and lockdep's about keys.
    "info": r"\bINFO: ",
    "panic": r"Kernel panic",
    # Rust, just before its BUG().
    "rust-panic": r"panicked at",
    # What KASAN says of an oops.
    "kasan": r"KASAN:",
    "ubsan": r"UBSAN:",
    "kmemleak": r"kmemleak:.*unreferenced",
    # Also of a program in the guest.
    "general-protection": r"general protection",
    "double-fault": r"double fault",
    # arm64 and riscv.
    "unable-to-handle": r"Unable to handle kernel",
    "internal-error": r"Internal error:",
    "call-trace": r"Call [Tt]race:",
    "cut-here": r"cut here \]",
    "allocation-failure": r"page allocation failure",
    "out-of-memory": r"Out of memory",
    "oom-kill": r"oom-kill",
    "gfp": r"Unexpected gfp",
    "corruption": r"corruption",
    "refcount": r"refcount_t:",
    "hard-lockup": r"hard LOCKUP",
}
SPLATS_SHOWN = 5

# What a module provokes on purpose lies between two lines of its own.
MEANT = re.compile(r"\w+: (done )?looking for warnings$")
WARNED = re.compile(r"\bWARNING: |Call [Tt]race:|cut here \]")


def lines(console: str) -> list[str]:
    """The console's lines as the kernel's messages have them, without what printk puts before."""
    return [STAMP.sub("", line.rstrip()) for line in console.splitlines()]


def results(console: str) -> Results:
    """What became of each case, as the console's KTAP lines say."""
    found: Results = {}
    suite = ""
    for line in lines(console):
        if match := SUITE.match(line):
            suite = match[1]
            found.setdefault(suite, {})
        elif match := CASE.match(line):
            failed, case, rest = match.groups()
            skipped = re.match(r"SKIP\b ?(.*)", rest or "", re.IGNORECASE)
            status = "failed" if failed else "skipped" if skipped else "passed"
            found.setdefault(suite, {})[case] = Outcome(status, skipped[1] if skipped else "")
    return found


def notes(console: str, whose: str = "") -> list[str]:
    """What the guests and the modules say of a run beside the cases, once each; or one of them."""
    said = (NOTE.match(line) for line in lines(console))
    return list(dict.fromkeys(one[2] for one in said if one and whose in ("", one[1])))


def count(found: Results) -> Counter[str]:
    """How many cases passed, failed, were skipped."""
    return Counter(case.status for cases in found.values() for case in cases.values())


def summary(found: Results) -> str:
    """The line that ends a test run."""
    number = count(found)
    skipped = f", {number['skipped']} skipped" if number["skipped"] else ""
    return f"kunit: {number['passed']} passed, {number['failed']} failed{skipped}"


def guest_faults(console: str, rules: Messages = Messages()) -> list[str]:
    """What is wrong with the guests themselves, whatever the cases say."""
    text = lines(console)
    started, finished = text.count("guest: started"), text.count("guest: finished")
    said = [
        line for line in text if re.match(r"guest: (?!started$|finished$|note: |status \d)", line)
    ]
    faults = [in_words(line) for line in said]
    faults += [line for line in text if UNKNOWN_PARAMETER.match(line)]

    if not started:
        faults.append("no guest got as far as its /init")
    elif finished < started and not said:
        faults.append(
            "the guest did not get to its end: it crashed, hung or was ended at the deadline"
        )
    return faults + splat_faults(detectors.split(text)[0], rules.allowed)


def in_words(line: str) -> str:
    """What /init says, with an error's number in words."""
    found = ERRNO.match(line)
    return f"{found[1]}: {os.strerror(int(found[2]))}" if found else line


def splat_faults(
    text: Sequence[str],
    allowed: Sequence[str] = (),
    splats: Mapping[str, str] = SPLATS,
) -> list[str]:
    """Quotes the first lines in which the kernel complains."""
    splat = re.compile("|".join(splats.values()))
    bad, meant = [], False
    for line in text:
        if found := MEANT.search(line):
            meant = not found[1]
        elif not KTAP.match(line) and splat.search(line) and not (meant and WARNED.search(line)):
            if not any(re.search(expression, line) for expression in allowed):
                bad.append(line)
    faults = [f"the kernel complained: {line.strip()}" for line in bad[:SPLATS_SHOWN]]
    if len(bad) > SPLATS_SHOWN:
        faults.append(f"and {len(bad) - SPLATS_SHOWN} more such lines")
    return faults


def memory_faults(console: str, config: Mapping[str, str]) -> list[str]:
    """What was not given back, as far as a kernel of this configuration tells."""
    said = notes(console)
    faults = [
        f"the guest did not say `{pattern}`, as one with CONFIG_{symbol} must"
        for symbol, pattern in LEAKS.items()
        if symbol in config and not any(re.match(pattern, note) for note in said)
    ]
    counts = (re.fullmatch(r"slab: (\d+) blocks before, (\d+) after", note) for note in said)
    more = [int(found[2]) - int(found[1]) for found in counts if found]
    return faults + [
        f"{number} blocks more of the slab are in use after the run"
        for number in more
        if number > MORE_BLOCKS
    ]


def detector_faults(console: str, config: Mapping[str, str]) -> list[str]:
    """Whether the kernel's silence means something: which of its detectors were not at work.

    What has reported something may be off since, and what it reported is a fault by itself.
    """
    text = lines(console)
    return [] if splat_faults(detectors.split(text)[0]) else detectors.faults(text, config)


def message_faults(console: str, rules: Messages, whole: bool = True) -> list[str]:
    """What the log must have said, unless not all was run, and what it must not have."""
    text = lines(console)
    faults = [
        f"no line of the log matches `{expression}`, as guest/messages.toml requires"
        for expression in rules.required
        if whole and not any(re.search(expression, line) for line in text)
    ]
    for expression in rules.forbidden:
        said = next((line for line in text if re.search(expression, line)), None)
        if said is not None:
            faults.append(f"the log says what guest/messages.toml forbids: {said}")
    return faults


def plan_faults(console: str) -> list[str]:
    """Whether kunit.py can have read the right test plan."""
    text = lines(console)
    if text.count("KTAP version 1") > text.count("guest: started"):
        return [
            "the console had more than one test plan; kunit.py reads only the first, which"
            " may not be the module's"
        ]
    return []


def report(faults: Sequence[str]) -> None:
    """Prints what is wrong, a line each."""
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
