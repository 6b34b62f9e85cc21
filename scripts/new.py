# SPDX-License-Identifier: GPL-2.0

"""`make new DIR=../hello`: a small module to begin with, whose commands are the harness's."""

import os
import re
import string
from pathlib import Path
from typing import Any, ClassVar

from harness import command
from harness import messages
from harness import places
from harness import selection
from harness import source as sources
from harness import variables
from harness.messages import Fail

TEMPLATES = Path(__file__).with_name("new")

# The suite macro, which works on every kernel, and the first that has #[kunit_tests] in a form that
# a module can use.
SUITE = "tests-kunit/conformance/suite.rs"
KUNIT_TESTS = (6, 18)

WORKFLOW = ".github/workflows/test.yml"


class Template(string.Template):
    """Text with `@{name}` in it: the files have other uses for the dollar, and for `@` alone."""

    delimiter = "@"
    # Compiled by the base class, whose annotation is of the outcome.
    pattern: ClassVar[Any] = (
        r"@(?:\{(?P<braced>\w+)\}|(?P<named>(?!))|(?P<escaped>(?!))|(?P<invalid>(?!)))"
    )


def fill(template: str, /, **words: str) -> str:
    """A template with its words."""
    return Template((TEMPLATES / f"{template}.in").read_text()).substitute(words)


def files(name: str, version: str, harness: str) -> dict[str, str]:
    """The new module's files."""
    has_macro = tuple(sources.numbers(version)) >= KUNIT_TESTS
    kind = "".join(part.capitalize() for part in name.split("_"))
    # What is appended has a licence line of its own in the template.
    _, tests = fill("kunit_tests.rs" if has_macro else "kunit_suite.rs", name=name).split("\n", 1)
    kernels = dict.fromkeys(f"{one}-x86_64" for one in (version, sources.DEFAULT))
    found = {
        f"{name}.rs": fill("module.rs", name=name, type=kind) + tests,
        "Kbuild": fill("Kbuild", name=name),
        "Makefile": fill("Makefile", harness=harness),
        ".gitignore": fill("gitignore"),
        WORKFLOW: fill("workflow.yml"),
        "guest/cases": fill("cases", name=name, kernels=" ".join(kernels)),
    }
    if not has_macro:
        found["suite.rs"] = (places.checkout() / SUITE).read_text()
    return found


def main() -> None:
    """Writes the directory, whole or not at all."""
    variables.takes("new", "DIR", "KERNEL")
    given = os.environ.get("DIR")
    if not given:
        raise Fail("DIR= is the directory to make, as in make new DIR=../hello")
    to = Path(os.path.abspath(given))
    name = to.name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Fail(
            f"DIR={given}: the module is called like its directory, {to.name}, which must begin"
            " with a small letter and have only those, digits and _"
        )
    if to.exists():
        raise Fail(f"DIR={given} is there already; nothing was written")
    if not to.parent.is_dir():
        raise Fail(f"DIR={given}: there is no directory {to.parent} to make it in")
    version = os.environ.get("KERNEL") or sources.DEFAULT
    selection.check_version(version)
    made = files(name, version, os.path.relpath(places.checkout(), to))
    with places.publish(to) as part:
        for file, text in made.items():
            (part / file).parent.mkdir(parents=True, exist_ok=True)
            (part / file).write_text(text)
    messages.say(f"wrote {to}: {', '.join(made)}")
    messages.say(f"next: cd {given}, then make demo and make test; make help lists the rest")


if __name__ == "__main__":
    command.main(main)
