# SPDX-License-Identifier: GPL-2.0

"""What must run: the list of suites and cases that a module keeps in guest/cases.

A line without a blank at its beginning is a suite, an indented one a case of it. What is said of a
case behind its name holds on some of the kernels that the list was written on: that it is `skipped`
there, or `absent`. They are named as the cells of the matrix are, or `all`, or `all but` some.

    kernels: 6.12-x86_64 7.3-um 7.3-x86_64

    my_suite
        runs_everywhere
        asks_for_a_node    absent: 6.12-x86_64    skipped: 7.3-um

On a kernel that the list was not written on, a case may be skipped, or be absent, that is so on one
of these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import settings
from harness.messages import Fail
from harness.verdict import Outcome, Results

HEAD = """\
# The suites and cases that must run. `make test ACCEPT=1` writes this list anew for the kernel that
# it runs on, but for these lines; whatever is not as it says here is an error.
"""

# What may be said of a case on a kernel, beside that it passes.
STATES = ("skipped", "absent")


@dataclass(frozen=True)
class Listed:
    """The list: the kernels that it was written on, and for each suite and case what it is on those
    where it is not simply passed. `head` are the comments at its beginning."""

    kernels: tuple[str, ...]
    suites: Mapping[str, Mapping[str, Mapping[str, str]]]
    head: str = HEAD


def file() -> Path:
    """Where the list is, if there is one."""
    return settings.folder() / "cases"


def load() -> Listed | None:
    """The modules' list, if they have one."""
    return parse(file().read_text()) if file().is_file() else None


def parse(text: str) -> Listed:
    """Reads a list."""
    kernels: tuple[str, ...] = ()
    suites: dict[str, dict[str, dict[str, str]]] = {}
    suite = ""
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{file()}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("kernels:"):
            kernels = tuple(line.split()[1:])
        elif not line[0].isspace():
            suite = line.strip()
            if suite in suites:
                raise Fail(f"{where}: suite {suite} is listed twice")
            suites[suite] = {}
        elif not suite:
            raise Fail(f"{where}: a case before any suite")
        else:
            case, *said = re.split(r" {2,}", line.strip())
            if case in suites[suite]:
                raise Fail(f"{where}: case {case} is listed twice")
            suites[suite][case] = states(where, said, kernels)
    head = re.match(r"(?:#.*\n)*", text)
    return Listed(kernels, suites, head[0] if head else "")


def states(where: str, said: Sequence[str], kernels: Sequence[str]) -> dict[str, str]:
    """What is said behind a case, by kernel."""
    found: dict[str, str] = {}
    for part in said:
        state, colon, names = part.partition(": ")
        if state not in STATES or not colon:
            raise Fail(f"{where}: `{part}` is neither `skipped: ...` nor `absent: ...`")
        words = names.split()
        if words[:2] == ["all", "but"]:
            own = [name for name in kernels if name not in words[2:]]
        else:
            own = list(kernels) if words == ["all"] else words
        found |= {name: state for name in own}
    return found


def render(listed: Listed) -> str:
    """A list as it is written."""
    lines = [f"{listed.head}kernels: {' '.join(listed.kernels)}"]
    for suite, cases in listed.suites.items():
        lines += ["", suite]
        for case, own in cases.items():
            parts = [f"    {case}"]
            for state in STATES:
                names = [name for name in listed.kernels if own.get(name) == state]
                if names:
                    parts.append(f"{state}: {in_short(names, listed.kernels)}")
            lines.append("  ".join(parts))
    return "\n".join(lines) + "\n"


def in_short(names: Sequence[str], kernels: Sequence[str]) -> str:
    """Names of kernels: all, all but some, or each."""
    others = [name for name in kernels if name not in names]
    if not others:
        return "all"
    short = ["all", "but", *others]
    return " ".join(short if len(short) < len(names) else names)


def faults(listed: Listed, found: Results, kernel: str) -> list[str]:
    """How the cases that ran differ from those that must."""
    said = []
    for suite, cases in listed.suites.items():
        ran = found.get(suite, {})
        needed = [
            case for case, own in cases.items() if "absent" not in may_be(own, listed, kernel)
        ]
        missing = [case for case in needed if case not in ran]
        if missing and not ran:
            said.append(f"suite {suite} did not run; guest/cases lists it")
        elif missing:
            said.append(
                f"suite {suite}: {len(missing)} of {len(cases)} cases did not run:"
                f" {', '.join(missing)}"
            )
        for case, own in cases.items():
            outcome = ran.get(case, Outcome("absent"))
            if outcome.status == "skipped" and "skipped" not in may_be(own, listed, kernel):
                said.append(
                    f"case {suite}.{case} was skipped ({outcome.why or 'no reason given'}), and by"
                    f" guest/cases it passes on {kernel}"
                )
    for suite, results in found.items():
        new = [case for case in results if case not in listed.suites.get(suite, {})]
        if new or suite not in listed.suites:
            what = f"suite {suite}" + f": {', '.join(new)}" * (suite in listed.suites)
            said.append(f"{what} ran, but guest/cases doesn't list it; make test ACCEPT=1 adds it")
    return said


def may_be(own: Mapping[str, str], listed: Listed, kernel: str) -> set[str]:
    """What a case may be on a kernel instead of passed: what is listed, or what it is anywhere on
    one that the list was not written on."""
    if kernel in listed.kernels:
        return {own[kernel]} if kernel in own else set()
    return set(own.values())


def accept(found: Results, kernel: str) -> Path:
    """Writes the list anew: what it says of this kernel is what was found, the rest stays."""
    old = load() or Listed((), {})
    kernels = tuple(sorted({*old.kernels, kernel}, key=order))
    suites: dict[str, dict[str, dict[str, str]]] = {}
    for suite in sorted({*old.suites, *found}):
        suites[suite] = {}
        before, now = old.suites.get(suite, {}), found.get(suite, {})
        for case in [*now, *(case for case in before if case not in now)]:
            own = dict(before.get(case, {}))
            own.pop(kernel, None)
            status = now[case].status if case in now else "absent"
            if status != "passed":
                own[kernel] = status
            if any(own.get(name) != "absent" for name in kernels):
                suites[suite][case] = own
        if not suites[suite]:
            del suites[suite]
    file().parent.mkdir(exist_ok=True)
    file().write_text(render(Listed(kernels, suites, old.head)))
    return file()


def order(kernel: str) -> tuple[list[int], str]:
    """Kernels by their versions."""
    version, _, rest = kernel.partition("-")
    return [int(number) for number in re.findall(r"\d+", version)], rest
