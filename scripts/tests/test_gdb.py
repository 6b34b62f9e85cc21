# SPDX-License-Identifier: GPL-2.0

"""`make gdb`: where it stops, and what it knows there."""

import unittest

from copies import CHECKOUT, said_by


def gdb(commands: str, *words: str) -> tuple[int, str]:
    """Runs commands in the debugger; make's exit code and all that is said."""
    return said_by(["make", "-C", str(CHECKOUT), "gdb", *words], stdin=commands)


class Init(unittest.TestCase):
    """The module's init, and from there on."""

    version = "7.3"

    def test_stops_at_init(self) -> None:
        code, text = gdb(
            "info symbol $pc\nbacktrace\nlist\n", f"KERNEL={self.version}", "ARGS=max_align=64"
        )
        self.assertEqual(code, 0, text)
        self.assertIn("init_module in section .init.text of ", text)
        self.assertRegex(
            text, r"#0 .*init_module \(\) at (\S+/)?rust_alloc_demo.rs:\d+\n#1 .* do_one_init"
        )
        self.assertIn("type: RustAllocDemo,", text)

    def test_goes_on_with_symbols(self) -> None:
        """A function of the text proper, its arguments, data, and the exit."""
        code, text = gdb(
            "break rust_alloc_demo::walk::Walk::run\ncontinue\nprint *self\nbacktrace\n"
            "break cleanup_module\ncontinue\ninfo symbol $pc\n"
            "print rust_alloc_demo::allocator::account::BYTES\n",
            f"KERNEL={self.version}",
            "ARGS=max_align=64 live=2",
        )
        self.assertEqual(code, 0, text)
        self.assertIn("max_align: 64, live: 2", text)
        self.assertRegex(text, r"(?s)#0 .*Walk::run .* at \S*walk.rs:.*init_module.*do_one")
        self.assertRegex(text, r"cleanup_module( \+ \d+)? in section .exit.text of ")
        # What the module says that it holds.
        self.assertIn("{value: 2000}", text)


class InitOnOldest(Init):
    """The same on the oldest kernel."""

    version = "6.12"


class Refusals(unittest.TestCase):
    """What can't be debugged."""

    def test_other_arch(self) -> None:
        code, text = gdb("", "ARCH=arm64")
        self.assertEqual(code, 2)
        self.assertIn("error: make gdb is for ARCH=x86_64", text)


if __name__ == "__main__":
    unittest.main()
