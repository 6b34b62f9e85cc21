# SPDX-License-Identifier: GPL-2.0

"""Judges a run by what the sources promise and what the guest's console shows.

kunit.py alone passes a run in which suites are missing, in which the kernel warned, or in which the
guest died after the last case. Here every expected case must have run, and the console must be
clean.
"""

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import Fail

# Suite to its cases; and suite to its cases to "passed", "failed" or "skipped".
Plan = dict[str, list[str]]
Results = dict[str, dict[str, str]]

# A suite in the sources: the form in which the macro must be used.
SUITE = re.compile(
    r"^kunit_suite! \{\n(?:    ///.*\n)+    name: (\w+),\n"
    r"    cases: \[\n((?: {8}\w+,\n)+)    \],?\n\}$",
    re.MULTILINE,
)
# One whose name is a macro's parameter is not meant.
SUITE_START = re.compile(r"^\s*kunit_suite!(?! \{\n.*\$)", re.MULTILINE)

# An allocator's suite, which has a case for each property; and the list of those.
CONFORMANCE = re.compile(
    r"^conformance_suite! \{\n(?:    ///.*\n)+    name: (\w+),\n", re.MULTILINE
)
CONFORMANCE_START = re.compile(r"^conformance_suite!", re.MULTILINE)
PROPERTIES = re.compile(r"^macro_rules! with_properties \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)

# What printk puts before a line: the time, and the task or CPU.
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")

# What a suite says that it found in an allocator of the kernel (tests-kunit/conforming.rs).
DEFECT = re.compile(r"rust_alloc_demo_kunit: ((?:not a )?defect of this kernel's \w+: .*)$")

# How the run went, as /init and the test module say.
NOTE = re.compile(r"(?:guest: note: |rust_alloc_demo_kunit: (?=soak|exit: ))(.*)$")

# What a guest must say of the run, by the symbol of the kernel that has it do so; of the demo when
# all is run.
LEAKS = {
    "SLUB_DEBUG": r"slab: [1-9]\d* blocks before, [1-9]\d* after$",
    "DEBUG_KMEMLEAK": r"kmemleak found 0 blocks$",
}
DEMO = {"FAILSLAB": r"demo: allocations failed: [1-9]\d*, insmod refused: [1-9]\d*$"}

# What the demo says of its memory when it ends: blocks and bytes.
ACCOUNT = re.compile(r"rust_alloc_demo: exit: live=(\d+) bytes=(\d+)\s*$", re.MULTILINE)

# How many blocks of the slab more may be in use after a run than before. Loading and unloading a
# module and what else the kernel did left up to 160; the suites ask for some 600000.
MORE_BLOCKS = 1000

# Lines by which the kernel says that something is wrong. Results and comments of tests are not
# looked at: a case may have any name.
KTAP = re.compile(r"^ *(?:#|(?:not )?ok \d|KTAP version|\d+\.\.\d)")
SPLAT = re.compile(
    r"\bBUG\b"  # also KASAN, KFENCE, slab, soft lockup, scheduling
    r"|\bWARNING: "
    r"|\bOops\b"
    r"|Kernel panic"
    r"|panicked at"  # Rust, just before its BUG()
    r"|KASAN:|KCSAN:|KMSAN:|KFENCE:|UBSAN:"
    r"|kmemleak:.*(?:unreferenced|suspected)"
    r"|\bINFO: "  # lockdep, RCU stalls, hung tasks
    r"|possible (?:circular|recursive|irq) lock"
    r"|inconsistent lock state"
    r"|general protection|invalid opcode|double fault|stack guard page"
    r"|Unable to handle kernel|Internal error:"
    r"|Call [Tt]race:|cut here \]"
    r"|page allocation failure|Out of memory|oom-kill"
    r"|Unexpected gfp"
    r"|corruption"
    r"|refcount_t:"
    r"|rcu.*\bstall"
    r"|soft lockup|hard LOCKUP"
    r"|blocked for more than"
)
SPLATS_SHOWN = 5

# What the suites provoke on purpose lies between two lines (tests-kunit/probe.c).
MEANT = re.compile(r"rust_alloc_demo_kunit: (done )?looking for warnings$")
WARNED = re.compile(r"\bWARNING: |Call [Tt]race:|cut here \]")


def lines(console: str) -> list[str]:
    """The console's lines as the kernel's messages have them, without what printk puts before."""
    return [STAMP.sub("", line.rstrip()) for line in console.splitlines()]


def expected(tests: Path) -> Plan:
    """The suites and cases that the sources in `tests` register."""
    plan: Plan = {}
    listed = tests / "conformance/mod.rs"
    block = PROPERTIES.search(listed.read_text()) if listed.exists() else None
    properties = re.findall(r"^ +\w+: (\w+),$", block[1] if block else "", re.MULTILINE)
    for file in sorted(tests.glob("*.rs")):
        text = file.read_text()
        suites = [match[1] for match in CONFORMANCE.finditer(text)]
        if len(suites) != len(CONFORMANCE_START.findall(text)) or suites and not properties:
            raise Fail(
                f"{file.name}: can't read its conformance_suite!; it needs a doc comment and"
                " `name: suite,` each on a line of its own, and a list of properties"
            )
        for name in suites:
            if name in plan:
                raise Fail(f"{file.name}: registered twice: {name}; names must differ")
            plan[name] = properties
        found = list(SUITE.finditer(text))
        begun = [match.end() for match in SUITE_START.finditer(text)]
        for start in begun:
            if not any(match.start() < start < match.end() for match in found):
                line = text.count("\n", 0, start) + 1
                raise Fail(
                    f"{file.name}:{line}: can't read this kunit_suite!; it needs a doc comment,"
                    " `name: suite,` and `cases: [` with each case on a line of its own"
                )
        for match in found:
            name, cases = match[1], match[2].replace(",", "").split()
            twice = [case for case, times in Counter(cases).items() if times > 1]
            if name in plan or twice:
                raise Fail(
                    f"{file.name}: registered twice: {(twice or [name])[0]}; names must differ"
                )
            plan[name] = cases
    if not plan:
        raise Fail(f"no kunit_suite! in {tests}; there is nothing to test")
    return plan


def results(console: str) -> Results:
    """What became of each case, as the console's KTAP lines say. Subtests of cases don't count."""
    found: Results = {}
    suite = ""
    for line in lines(console):
        if match := re.match(r" {4}# Subtest: (\S+)$", line):
            suite = match[1]
            found.setdefault(suite, {})
        elif match := re.match(r" {4}(not )?ok \d+ (?:- )?(\S+)(.*)$", line):
            failed, case, rest = match.groups()
            skipped = re.match(r" # SKIP\b", rest, re.IGNORECASE)
            status = "failed" if failed else "skipped" if skipped else "passed"
            found.setdefault(suite, {})[case] = status
    return found


def defects(console: str) -> list[str]:
    """What the suites found wrong in the kernel's own allocators, and what of it they did not."""
    found = (DEFECT.search(line) for line in lines(console))
    return list(dict.fromkeys(match[1] for match in found if match))


def notes(console: str) -> list[str]:
    """What the guests and the test module say of a run beside the cases."""
    return [match[1] for line in lines(console) if (match := NOTE.match(line))]


def count(found: Results) -> Counter[str]:
    """How many cases passed, failed, were skipped."""
    return Counter(status for cases in found.values() for status in cases.values())


def summary(found: Results) -> str:
    """The line that ends a test run."""
    number = count(found)
    skipped = f", {number['skipped']} skipped" if number["skipped"] else ""
    return f"kunit: {number['passed']} passed, {number['failed']} failed{skipped}"


def plan_faults(plan: Plan, found: Results) -> list[str]:
    """How the cases that ran differ from those that should have."""
    faults = []
    for suite, cases in plan.items():
        if suite not in found:
            faults.append(f"suite {suite} did not run; the sources register it")
            continue
        missing = [case for case in cases if case not in found[suite]]
        if missing:
            faults.append(
                f"suite {suite}: {len(missing)} of {len(cases)} cases did not run:"
                f" {', '.join(missing)}"
            )
    for suite, ran in found.items():
        unknown = [case for case in ran if case not in plan.get(suite, [])]
        if suite not in plan or unknown:
            what = f"suite {suite}: {', '.join(unknown)}" if suite in plan else f"suite {suite}"
            faults.append(f"{what} ran, but the sources don't register it")
    return faults


def guest_faults(console: str) -> list[str]:
    """What is wrong with the guests themselves, whatever the cases say."""
    text = lines(console)
    started, finished = text.count("guest: started"), text.count("guest: finished")
    said = [line for line in text if re.match(r"guest: (?!started$|finished$|note: )", line)]
    faults = list(said)

    if not started:
        faults.append("no guest got as far as its /init")
    elif finished < started and not said:
        faults.append(
            "the guest did not get to its end: it crashed, hung or was ended at the deadline"
        )
    if text.count("KTAP version 1") > started:
        faults.append(
            "the console had more than one test plan; kunit.py reads only the first, which"
            " may not be the module's"
        )
    return faults + splat_faults(text)


def splat_faults(text: list[str]) -> list[str]:
    """Quotes the first lines in which the kernel complains."""
    bad, meant = [], False
    for line in text:
        if found := MEANT.search(line):
            meant = not found[1]
        elif not KTAP.match(line) and SPLAT.search(line) and not (meant and WARNED.search(line)):
            bad.append(line)
    faults = [f"the kernel complained: {line.strip()}" for line in bad[:SPLATS_SHOWN]]
    if len(bad) > SPLATS_SHOWN:
        faults.append(f"and {len(bad) - SPLATS_SHOWN} more such lines")
    return faults


def note_faults(said: Sequence[str], config: Mapping[str, str], whole: bool) -> list[str]:
    """What the guest had to say of a run on a kernel of this configuration, and did not."""
    wanted = {**LEAKS, **(DEMO if whole else {})}
    return [
        f"the guest did not say `{pattern}`, as one with CONFIG_{symbol} must"
        for symbol, pattern in wanted.items()
        if symbol in config and not any(re.match(pattern, note) for note in said)
    ]


def slab_faults(said: Sequence[str]) -> list[str]:
    """How many blocks a guest was left with, if that can't be the kernel's own doing."""
    counts = (re.fullmatch(r"slab: (\d+) blocks before, (\d+) after", note) for note in said)
    more = [int(found[2]) - int(found[1]) for found in counts if found]
    return [
        f"{number} blocks more of the slab are in use after the run"
        for number in more
        if number > MORE_BLOCKS
    ]


def account_faults(console: str) -> list[str]:
    """What the demo left behind, if it was loaded."""
    return [
        f"the module left memory behind: live={live} bytes={size}"
        for live, size in ACCOUNT.findall(console)
        if (live, size) != ("0", "0")
    ]


def kunit_faults(
    console: str, plan: Plan | None, config: Mapping[str, str], listing: bool = False
) -> list[str]:
    """What is wrong with a run of kunit.py other than that cases failed.

    Without a plan, some of the cases are enough: the run was filtered. A listing runs none. The
    kernel has this `config`.
    """
    found, said = results(console), notes(console)
    faults = guest_faults(console) + account_faults(console)
    faults += note_faults(said, config, plan is not None) + slab_faults(said)
    if plan is not None:
        faults += plan_faults(plan, found)
    elif not listing and not count(found):
        faults.append("no case ran; does the filter match any? --list_tests lists them")
    return faults


def demo_faults(console: str) -> list[str]:
    """What is wrong with a run of the demo module."""
    faults = guest_faults(console)
    walk = re.search(
        r"rust_alloc_demo: walk: layouts=(\d+) misaligned=(\d+) refused=\d+\s*$",
        console,
        re.MULTILINE,
    )

    for line in re.findall(r"unknown parameter '.*?'", console):
        faults.append(f"the module has no such parameter: {line}")
    if not walk:
        faults.append("the walk's closing line is missing")
    elif walk[1] == "0" or walk[2] != "0":
        faults.append(f"the walk tried {walk[1]} layouts and found {walk[2]} misaligned blocks")
    if not ACCOUNT.search(console):
        faults.append("the account at exit is missing")
    return faults + account_faults(console)


def report(faults: list[str]) -> None:
    """Prints what is wrong, a line each."""
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
