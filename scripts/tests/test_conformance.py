# SPDX-License-Identifier: GPL-2.0

"""The conformance suite in a module outside, by the letter of its README."""

import re
import shutil
import unittest

from copies import CHECKOUT
from outside import Outside

FOLDER = CHECKOUT / "tests-kunit/conformance"

HEAD = """\
// SPDX-License-Identifier: GPL-2.0

//! A module outside that holds an allocator to what it promises.

use kernel::{alloc::allocator::Kmalloc, prelude::*};

module! {
    type: Mine,
    name: "my_kunit",
    description: "Suites of my own",
    license: "GPL",
}

struct Mine;

impl kernel::Module for Mine {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
"""

# How many cases a suite has.
PROPERTIES = 24

# Where the newtype passes a request on, and one that loses the alignment.
SOUND = "        Kmalloc::alloc(layout, flags, nid)\n"
BROKEN = """\
        let layout = Layout::from_size_align(layout.size(), 1).map_err(|_| AllocError)?;

"""


def blocks(language: str) -> list[str]:
    """The README's blocks of code in a language, as they are to be written."""
    text = (FOLDER / "README.md").read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


class Lifted(Outside):
    """A module with the folder in it, and nothing else of this project."""

    def setUp(self) -> None:
        """Writes the module, with the README's newtype over Kmalloc."""
        self.folder = self.place / "lifted"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(FOLDER, self.folder / "conformance")
        [kbuild] = blocks("make")
        (self.folder / "Kbuild").write_text(kbuild)
        [self.newtype] = [block for block in blocks("rust") if "struct Newtype" in block]
        self.write(self.newtype)

    def write(self, newtype: str) -> None:
        """Writes the source, with this for the newtype."""
        uses = re.findall(r"^use .*$", newtype, re.MULTILINE)
        rest = "\n".join(line for line in newtype.splitlines() if line not in uses)
        # The kernel's allocator is imported once.
        lines = [line.replace("allocator::Kmalloc, ", "") for line in uses]
        text = "\n".join([HEAD, *lines, "", "mod conformance;", rest, ""])
        (self.folder / "my_suites.rs").write_text(text)

    def run_suite(self, *, code: int = 0, **variables: str) -> str:
        """Runs the suite; what is said."""
        return self.make("test", M=str(self.folder), code=code, **variables)

    def test_newtype(self) -> None:
        """What Kmalloc does wrong is not charged to the newtype; the seed reaches it."""
        out = self.run_suite(SEED="4711", ARGS="--raw_output=all")
        found = re.search(r"kunit: (\d+) passed, 0 failed, (\d+) skipped", out)
        self.assertIsNotNone(found, out)
        assert found
        self.assertEqual(int(found[1]) + int(found[2]), PROPERTIES)
        self.assertIn("Newtype inherits a defect of Kmalloc: ", out)
        self.assertIn("seed=4711", out)
        self.assertNotRegex(out, r"warning|size (\d+) align (\d+) to size \1 align \2")

    def test_without_a_warning(self) -> None:
        """By any tool, clippy included."""
        out = self.make("lint", M=str(self.folder))
        self.assertIn("clippy, rustc, objtool, modpost: ok", out)

    def test_broken(self) -> None:
        """What it does wrong itself is its own."""
        self.assertEqual(self.newtype.count(SOUND), 1)
        self.write(self.newtype.replace(SOUND, BROKEN + SOUND))
        out = self.run_suite(code=2)
        self.assertIn("Newtype violates fresh_blocks_are_aligned: a fresh block is misaligned", out)

    def test_oldest(self) -> None:
        """The same on 6.12, whose trait has no nodes, and whose Kmalloc misaligns."""
        older = self.newtype
        for new, old in (
            ("    const MIN_ALIGN: usize = Kmalloc::MIN_ALIGN;\n\n", ""),
            (", NumaNode", ""),
            (", nid: NumaNode", ""),
            ("        nid: NumaNode,\n", ""),
            (", nid)", ")"),
        ):
            older = older.replace(new, old)
        self.write(older)
        out = self.run_suite(KERNEL="6.12", ARCH="x86_64")
        self.assertRegex(out, r"kunit: \d+ passed, 0 failed, \d+ skipped")
        self.assertIn(
            "Newtype inherits a defect of Kmalloc: a reallocated block is misaligned", out
        )


if __name__ == "__main__":
    unittest.main()
