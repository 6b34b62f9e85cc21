# SPDX-License-Identifier: GPL-2.0

"""The pages of the documentation: their commands of make, links, headings, and names of files."""

import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

PAGES = (
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
    CHECKOUT / "tests-kunit/conformance/README.md",
    CHECKOUT / "reports/README.md",
    *sorted((CHECKOUT / "reports").glob("*/README.md")),
)

# The program of each goal that the Makefile has, with its words.
GOALS = {
    goal: program + words
    for goal, program, words in re.findall(
        r"^([a-z_-]+): ##.*\n\t\$\(call run,([\w./]+)\)(.*)",
        (CHECKOUT / "Makefile").read_text(),
        re.MULTILINE,
    )
}

# Blocks of code, and code in a line, which may go on in the next one.
BLOCK = re.compile(r"^( *)```.*\n((?:.*\n)*?)\1```$|((?:^ {4}.*\n|^\n(?= {4}))+)", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"(?:^|[(&] *)(make(?: .*)?)$")

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)

# A name of a file in one of the checkout's own directories.
NAME = re.compile(r"[\w.-]+(?:/[\w.*-]+)+/?")
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b(?!\.md)")


@dataclass(frozen=True)
class Command:
    """A command of make that a page shows, its goals, and its variables with their values."""

    page: str
    text: str
    goals: Sequence[str]
    variables: Mapping[str, str]


def code(text: str) -> Iterator[str]:
    """What a page has as code, by the line."""
    for block in BLOCK.finditer(text):
        yield from block[0].splitlines()
    for inline in INLINE.finditer(BLOCK.sub("", text)):
        yield " ".join(inline[1].split())


def documented(what: str) -> str:
    """The one block of code with this text that the documents show to users."""
    files = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    found = [one[2] or one[3] for file in files for one in BLOCK.finditer(file.read_text())]
    texts = [text for text in found if what in text]
    assert len(texts) == 1, f"{len(texts)} blocks have {what}"
    return textwrap.dedent(texts[0]).strip("\n") + "\n"


def commands() -> Iterator[Command]:
    """The commands that start with make, on all pages. What is in other directories is not ours."""
    for page in PAGES:
        for line in code(page.read_text()):
            found = COMMAND.search(line.strip())
            if not found:
                continue
            try:
                words = shlex.split(found[1].partition(" #")[0].strip())[1:]
            except ValueError:
                # The end of a shell's substitution, in which it is.
                words = found[1].split()[1:]
            if "-C" in words:
                continue
            values = dict(word.split("=", 1) for word in words if "=" in word)
            goals = [word for word in words if "=" not in word and not word.startswith("-")]
            yield Command(str(page.relative_to(CHECKOUT)), found[1], goals, values)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    plain = (re.sub(r"[^\w\s-]", "", one).lower() for one in HEADING.findall(page.read_text()))
    return {one.strip().replace(" ", "-") for one in plain}


def dead_links(page: Path) -> Iterator[str]:
    """The links of a page to what isn't here."""
    for target in LINK.findall(BLOCK.sub("", page.read_text())):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        to = page.parent / file if file else page
        if not to.exists() or anchor and anchor not in anchors(to):
            yield target


def missing_files(page: Path) -> Iterator[str]:
    """The names of files in our directories, by their paths, that aren't here. What is in guest/
    may be meant of any module's."""
    top = {path.name for path in CHECKOUT.iterdir() if path.is_dir()} - {"guest"}
    for inline in INLINE.findall(BLOCK.sub("", page.read_text())):
        for name in NAME.findall(inline):
            known = name.partition("/")[0] in top and not PLACEHOLDER.search(name)
            if known and not any(CHECKOUT.glob(name)):
                yield name
