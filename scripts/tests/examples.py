# SPDX-License-Identifier: GPL-2.0

"""The examples in Rust of the documentation, in pages and in comments, as sources of a module.

Each file's examples become a source of as many lines, with each line where the file has it, so that
a message of the compiler names the example's line.
"""

import re
from dataclasses import dataclass
from pathlib import Path

# What every example has in sight: what the pages tell a reader to have in the crate's root, and
# the names that they leave to the reader.
GIVEN = """\
#[allow(unused_imports)]
use crate::{
    allocator::{self, cache::kmem_cache, KernelAllocator, KernelAllocator as MyAllocator},
    conformance::{self, suite, suite::check, suite::kunit_suite},
    Line,
};
#[allow(unused_imports)]
use kernel::prelude::*;
"""

# A fence, which may be in a comment of documentation or in a list, and what it says of its text.
FENCE = re.compile(r"(?P<comment> *//[/!] ?)?(?P<indent> *)```(?P<info>.*)$")

# What is no Rust; and Rust that can't be compiled, with the reason.
OTHER = ("make", "sh", "text")
IGNORED = re.compile(r"rust,ignore \(.+\)")

# What the crate's root has already.
ROOT = re.compile(r"mod (?:allocator|conformance);$")

# By which an example is known for statements: those of a function, and no items.
STATEMENT = re.compile(r"^let |^[\w:]+\(\);$", re.MULTILINE)

# Rust in a block of a page that is no fence, where nobody would compile it.
INDENTED = re.compile(r"^    (?:let|use|mod|fn|struct|impl|static|const|#\[) ?[^|]*[;{\]]$")


class Unclear(Exception):
    """What is not said of an example, by file and line."""


@dataclass(frozen=True)
class Page:
    """A file's examples: the source, and the functions in it that are to be called."""

    name: str
    text: str
    functions: list[str]


def read(top: Path, name: str) -> Page | None:
    """The examples of a file, if it has any."""
    lines = (top / name).read_text().splitlines()
    made = [""] * len(lines)
    functions: list[str] = []
    start = 0
    fence: re.Match[str] | None = None
    for number, line in enumerate(lines):
        found = FENCE.match(line)
        if fence is None:
            if name.endswith(".md") and INDENTED.match(line):
                raise Unclear(
                    f"{name}:{number + 1}: Rust that no test compiles; fence it by ```rust"
                )
            fence, start = found, number
        elif found:
            if is_rust(f"{name}:{start + 1}", fence, name):
                body = [bare(one, fence) for one in lines[start + 1 : number]]
                is_body = bool(STATEMENT.search("\n".join(body)))
                made[start : number + 1] = source(body, start + 1, is_body)
                functions += [f"line_{start + 1}::example"] * is_body
            fence = None
    if fence is not None:
        raise Unclear(f"{name}:{start + 1}: a fence without an end")
    return (
        Page(re.sub(r"\W", "_", name.lower()), "\n".join(made) + "\n", functions)
        if any(made)
        else None
    )


def is_rust(where: str, fence: re.Match[str], name: str) -> bool:
    """Whether a fence is round Rust that is to be compiled."""
    info = fence["info"] or ("rust" if name.endswith(".rs") else "")
    if info == "rust":
        return True
    if info in OTHER or IGNORED.fullmatch(info):
        return False
    raise Unclear(
        f"{where}: `{info}` is none of rust, {', '.join(OTHER)} and `rust,ignore (the reason)`"
    )


def bare(line: str, fence: re.Match[str]) -> str:
    """A line of an example, without what is before it in the file; none of what the root has."""
    if fence["comment"]:
        line = re.sub(r"^ *//[/!] ?", "", line)
    line = line.removeprefix(fence["indent"])
    return "" if ROOT.match(line) else line


def source(body: list[str], line: int, is_body: bool) -> list[str]:
    """An example as a module of that line, in as many lines as it has with its fences."""
    given = " ".join(GIVEN.split())
    start, end = f"pub(crate) mod line_{line} {{ {given}", "}"
    if is_body:
        start += " pub(crate) fn example() -> Result {"
        end = "Ok(()) } }"
    return [start, *body, end]
