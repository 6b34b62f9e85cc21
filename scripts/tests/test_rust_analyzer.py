# SPDX-License-Identifier: GPL-2.0

"""`make rust-analyzer`: what the language server says of a copy of the checkout, read by its file.

The kernels were built with O=, so their sources, generated files and macros are in several places.
"""

import json
import re
import shutil
import unittest
from pathlib import Path

from copies import copy_checkout, said_by

# What must be known to the server.
FILES = ("demo/debugfs.rs", "allocator/slab.rs", "tests-kunit/zoo/faulty.rs", "bench/bench.rs")

# The server of 1.85 misreads a token of what `module!` of Linux 7.3 expands to, which the compiler
# takes; no name is lost by it.
HARMLESS = "Syntax Error in Expansion"


class Editor(unittest.TestCase):
    """A copy of the checkout, always at the same place."""

    def setUp(self) -> None:
        """Makes the copy."""
        self.copy = copy_checkout("editor")
        self.addCleanup(shutil.rmtree, self.copy)

    def project(self, version: str) -> None:
        """Has the file written for a kernel; all that it names must be there."""
        code, text = said_by(["make", "rust-analyzer", f"KERNEL={version}"], self.copy)
        self.assertEqual(code, 0, text)
        project = json.loads((self.copy / "rust-project.json").read_text())
        named = [project["sysroot"]]
        for crate in project["crates"]:
            named += [crate["root_module"], *crate.get("source", {}).get("include_dirs", [])]
            named += [crate[key] for key in ("proc_macro_dylib_path",) if key in crate]
        self.assertFalse([name for name in named if not Path(name).exists()])

    def errors(self) -> dict[str, list[str]]:
        """What the server finds wrong, by file."""
        _, text = said_by(["scripts/rust-analyzer", "diagnostics", "."], self.copy)
        self.assertIn("diagnostic scan complete", text)
        found: dict[str, list[str]] = {}
        name = ""
        for line in text.splitlines():
            if file := re.match(r"processing crate: \w+, module: (.*)$", line):
                name = str(Path(file[1]).relative_to(self.copy))
                found.setdefault(name, [])
            elif line.startswith("Error ") and HARMLESS not in line:
                found[name].append(line)
        for name in FILES:
            self.assertIn(name, found)
        return {name: lines for name, lines in found.items() if lines}

    def test_resolves(self) -> None:
        """All but what is misspelt, in the allocator and in the tests."""
        self.project("7.3")
        for name in ("allocator/layout.rs", "tests-kunit/limits.rs"):
            with (self.copy / name).open("a") as file:
                file.write("\nuse kernel::alloc::Allocater;\n")
        found = self.errors()
        self.assertEqual(set(found), {"allocator/layout.rs", "tests-kunit/limits.rs"})
        for lines in found.values():
            self.assertEqual(len(lines), 1, lines)

    def test_resolves_on_oldest(self) -> None:
        self.project("6.12")
        self.assertFalse(self.errors())

    def test_no_project(self) -> None:
        code, text = said_by(["scripts/rust-analyzer"], self.copy)
        self.assertEqual(code, 1)
        self.assertEqual(
            text, "error: there is no rust-project.json; run `make rust-analyzer` first\n"
        )


if __name__ == "__main__":
    unittest.main()
