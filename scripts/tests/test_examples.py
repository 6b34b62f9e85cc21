# SPDX-License-Identifier: GPL-2.0

"""The examples in Rust of the documentation: a module of all of them is compiled and loaded."""

import shutil
import tempfile
import unittest
from collections.abc import Iterator, Sequence
from pathlib import Path

import examples
from copies import CHECKOUT
from examples import Page
from outside import Outside

import lint

# The module, without the lines about the pages.
ROOT = """\
// SPDX-License-Identifier: GPL-2.0

//! Examples.

#![allow(dead_code, unused_imports, unused_variables)]

use kernel::prelude::*;

mod allocator;
#[macro_use]
mod conformance;

PAGES

/// What caches of examples are for.
#[repr(align(64))]
struct Line([u8; 64]);

module! {
    type: Examples,
    name: "my_kunit",
    description: "Examples",
    license: "GPL",
}

struct Examples;

impl kernel::Module for Examples {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        CALLS
        Ok(Self)
    }
}
"""
KBUILD = """\
obj-m += my_kunit.o
include $(src)/allocator/alloc_crate.mk
include $(src)/conformance/conformance.mk
my_kunit-y := my_examples.o $(conformance-objs) $(alloc-crate-objs)
"""


def pages() -> Iterator[Page]:
    """The examples of all that is written here."""
    for name in lint.tracked(CHECKOUT):
        if name.endswith((".md", ".rs")) and (page := examples.read(CHECKOUT, name)):
            yield page


class ExamplesTest(Outside):
    """A module with all examples."""

    def write(self, found: Sequence[Page]) -> str:
        """Writes it; its directory."""
        folder = self.place / "examples"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(CHECKOUT / "tests-kunit/conformance", folder / "conformance")
        shutil.copytree(CHECKOUT / "allocator", folder / "allocator")
        (folder / "Kbuild").write_text(KBUILD)
        for page in found:
            (folder / f"{page.name}.rs").write_text(page.text)
        modules = "\n".join(f"mod {page.name};" for page in found)
        calls = "\n".join(f"{page.name}::{name}()?;" for page in found for name in page.functions)
        (folder / "my_examples.rs").write_text(
            ROOT.replace("PAGES", modules).replace("CALLS", calls)
        )
        return str(folder)

    def test_all(self) -> None:
        """Each is compiled, without a warning; those that do something do it; suites pass."""
        found = list(pages())
        self.assertEqual(
            {page.name for page in found},
            {
                "allocator_cache_rs",
                "docs_allocator_md",
                "docs_user_land_md",
                "tests_kunit_conformance_readme_md",
            },
        )
        out = self.make("test", M=self.write(found))
        self.assertNotIn("warning", out)
        self.assertRegex(out, r"kunit: \d+ passed, 0 failed")

    def test_wrong(self) -> None:
        """One that doesn't compile is said by its file and line."""
        page = Page("a_md", "\n".join(["", *examples.source(["let n: u8 = ();"], 2, True)]), [])
        out = self.make("test", M=self.write([page]), code=2)
        self.assertIn("a_md.rs:3:", out)

    def test_unclear(self) -> None:
        """What nobody would compile is refused, by file and line."""
        for text, said in (
            ("```\nlet n = 1;\n```\n", "a.md:1: `` is none of rust"),
            ("\n```rust,ignore\nlet n = 1;\n```\n", "a.md:2: `rust,ignore` is none of rust"),
            ("```rust\nlet n = 1;\n", "a.md:1: a fence without an end"),
            ("So:\n\n    let n = 1;\n", "a.md:3: Rust that no test compiles"),
        ):
            with tempfile.TemporaryDirectory() as to, self.subTest(said):
                (Path(to) / "a.md").write_text(text)
                with self.assertRaises(examples.Unclear) as raised:
                    examples.read(Path(to), "a.md")
                self.assertIn(said, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
