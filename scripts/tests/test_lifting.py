# SPDX-License-Identifier: GPL-2.0

"""The allocator in a module of somebody else's, by the lines of its documentation."""

import unittest

from copies import said_by

from harness import module
from harness import places
from harness import selection
from harness import stages
from harness import verdict
from harness.guest import Content
from harness.kernel import Needs
from lifted import make_alloc_module, make_module

DEADLINE = 120


class LiftingTest(unittest.TestCase):
    """A copy of `allocator/` beside a module's one source."""

    def setUp(self) -> None:
        """Provides the kernel, and a place for the module."""
        self.kernel = selection.select(1, 2, Needs(image=True, shell=True))
        self.src = self.enterContext(places.scratch("lifting"))

    def build(self) -> tuple[int, str]:
        """Builds it; the exit code, and what was said."""
        return said_by(module.make(self.kernel, self.src, ["modules"]))

    def console(self) -> str:
        """What the guest says when it is built, without a warning, loaded and unloaded."""
        code, out = self.build()
        self.assertEqual(code, 0, out)
        self.assertNotIn("warning", out)
        commands = b"insmod /my_module.ko && rmmod my_module\n"
        files = {"commands": commands, "my_module.ko": (self.src / "my_module.ko").read_bytes()}
        log = places.logs() / "lifting-console.log"
        content = Content(shell=True, files=files)
        console = stages.run("lifting", self.kernel, content, log, DEADLINE, mode="shell")
        self.assertEqual(verdict.guest_faults(console), [])
        self.assertIn("guest: status 0\n", console)
        return console

    def test_works(self) -> None:
        """Its blocks are where they should be."""
        make_module(self.src)
        self.assertIn("my_module: a line is 0 bytes off its place; lines=1", self.console())

    def test_alloc_crate(self) -> None:
        """The lines that give a module the alloc crate, which has the one source file that it had;
        not one of them says anything of the slab."""
        make_alloc_module(self.src)
        self.assertIn("my_module: squares: 1 49", self.console())

    def test_line_missing(self) -> None:
        """Without the lines in Kbuild the compiler says what to add."""
        make_module(self.src, "")
        code, out = self.build()
        self.assertNotEqual(code, 0)
        self.assertIn("have your Kbuild include allocator/slab_api.mk and add", out)


if __name__ == "__main__":
    unittest.main()
