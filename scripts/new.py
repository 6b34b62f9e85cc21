# SPDX-License-Identifier: GPL-2.0

"""`make new DIR=../hello`: a small module to begin with, whose commands are the harness's."""

import os
import re
from pathlib import Path

import ci
from harness import cells as table
from harness import command
from harness import messages
from harness import places
from harness import selection
from harness import source as sources
from harness import variables
from harness.messages import Fail
from template import fill

# The suite macro, which works on every kernel, and the first that has #[kunit_tests] in a form that
# a module can use.
SUITE = "tests-kunit/conformance/suite.rs"
KUNIT_TESTS = (6, 18)

# The cells that a new module has beside that of its KERNEL=.
CELLS = ("7.3-x86_64", "7.3-um", "7.3-x86_64-debug", "7.3-arm64")

ABOUT = """\
# Written by `make new` of rust_alloc_demo, the harness, which it needs as a submodule of that name.
# The cells are listed twice, and are those of the harness's scripts/harness/cells.py."""


def cells(version: str) -> list[str]:
    """The cells that a new module is tested in, in the order of the table."""
    return [cell.name for cell in table.CELLS if cell.name in (f"{version}-x86_64", *CELLS)]


def files(name: str, version: str, harness: str) -> dict[str, str]:
    """The new module's files."""
    has_macro = tuple(sources.numbers(version)) >= KUNIT_TESTS
    kind = "".join(part.capitalize() for part in name.split("_"))
    # What is appended has a licence line of its own in the template.
    suite = "kunit_tests.rs" if has_macro else "kunit_suite.rs"
    _, tests = fill("new", suite, name=name).split("\n", 1)
    kernels = dict.fromkeys(f"{one}-x86_64" for one in (version, sources.DEFAULT))
    found = {
        f"{name}.rs": fill("new", "module.rs", name=name, type=kind) + tests,
        "Kbuild": fill("new", "Kbuild", name=name),
        "Makefile": fill("new", "Makefile", harness=harness),
        ".gitignore": fill("new", "gitignore"),
        **ci.files(cells(version), ABOUT),
        "guest/cases": fill("new", "cases", name=name, kernels=" ".join(kernels)),
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
