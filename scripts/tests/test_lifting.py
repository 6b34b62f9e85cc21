# SPDX-License-Identifier: GPL-2.0

"""The allocator in a module of somebody else's, by the README's own lines.

The module has one file and one Kbuild, as out-of-tree Rust modules begin.
"""

import re
import shutil
import tempfile
import unittest
from pathlib import Path

from harness import CHECKOUT, readme, said_by

import common
import guest
import kernel as kernels
import module
import verdict

SECTION = "Use the allocator in your own module"

# What the README leaves to the reader: a module, which says where its blocks came to lie.
BEFORE = """// SPDX-License-Identifier: GPL-2.0

//! A module that has an allocator of its own.

use kernel::prelude::*;

"""
AFTER = """
module! {
    type: MyModule,
    name: "my_module",
    license: "GPL",
}

struct MyModule;

impl kernel::Module for MyModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        INIT
        let off = core::ptr::from_ref(&*line) as usize % 64;
        pr_info!("a line is {} bytes off its place; lines={}\\n", off, lines.len());
        let _ = (&line.0, &lines[0].0);
        Ok(Self)
    }
}
"""

DEADLINE = 120


class LiftingTest(unittest.TestCase):
    """A copy of `allocator/` beside a module's one source."""

    def setUp(self) -> None:
        """Makes the module of the README's lines."""
        self.kernel = kernels.select(1, 2, need_kunit=False, need_image=True)
        (common.cache() / "run").mkdir(exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=common.cache() / "run")
        self.addCleanup(folder.cleanup)
        self.src = Path(folder.name)
        shutil.copytree(CHECKOUT / "allocator", self.src / "allocator")

        self.kbuild, rust = readme(SECTION)
        lines = rust.splitlines()
        init = [line for line in lines if re.match(r"let |lines\.", line)]
        self.assertTrue(init)
        items = [line for line in lines if line not in init]
        source = ["mod allocator;", *items, AFTER.replace("INIT", "\n        ".join(init))]
        (self.src / "my_module.rs").write_text(BEFORE + "\n".join(source))

    def build(self, kbuild: str) -> tuple[int, str]:
        """Builds it; the exit code, and what was said."""
        (self.src / "Kbuild").write_text("obj-m += my_module.o\n" + kbuild)
        return said_by(module.make(self.kernel, self.src, ["modules"]))

    def test_works(self) -> None:
        """It builds without a warning, and its blocks are where they should be."""
        code, out = self.build(self.kbuild)
        self.assertEqual(code, 0, out)
        self.assertNotIn("warning", out)
        commands = b"insmod /my_module.ko && rmmod my_module\n"
        files = {"commands": commands, "my_module.ko": (self.src / "my_module.ko").read_bytes()}
        initrd = guest.initramfs(self.kernel, None, self.src / "initramfs.cpio", files)
        log = common.logs() / "lifting-console.log"
        console = guest.boot(self.kernel, initrd, "shell", log, DEADLINE)
        self.assertEqual(verdict.guest_faults(console), [])
        self.assertIn("my_module: a line is 0 bytes off its place; lines=1", console)

    def test_line_missing(self) -> None:
        """Without the lines in Kbuild the compiler says what to add."""
        code, out = self.build("")
        self.assertNotEqual(code, 0)
        self.assertIn("have your Kbuild include allocator/slab_api.mk and add", out)


if __name__ == "__main__":
    unittest.main()
