# SPDX-License-Identifier: GPL-2.0

"""Reads the JUnit that the newest kunit.py writes: each case, what became of it, and why."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

# What a case has in it that did not pass (kunit_junit.py).
STATUS = {"failure": "failed", "error": "crashed", "skipped": "skipped"}

# What a kernel may print and XML can't have.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class Case:
    """A case, and the reason that it gave for being skipped, or what it said when it failed."""

    suite: str
    name: str
    status: str
    text: str = ""


def read(file: Path) -> list[Case]:
    """The cases of a run; none if it left no such file, or the half of one."""
    if not file.exists():
        return []
    text = CONTROL.sub("", file.read_text(errors="replace"))
    try:
        return list(below(ElementTree.fromstring(text), ()))
    except ElementTree.ParseError:
        return []


def below(element: Element, suites: tuple[str, ...]) -> Iterator[Case]:
    """The cases in a suite; a case that has cases of its own is a suite in it."""
    for case in element.findall("testcase"):
        status = next((STATUS[child.tag] for child in case if child.tag in STATUS), "passed")
        said = case.findtext("skipped") if status == "skipped" else case.findtext("system-out")
        text = "" if status == "passed" else textwrap.dedent(said or "").strip()
        yield Case(".".join(suites), case.get("name", ""), status, text)
    for suite in element.findall("testsuite"):
        yield from below(suite, (*suites, suite.get("name", "")))
