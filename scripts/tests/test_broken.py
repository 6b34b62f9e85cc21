# SPDX-License-Identifier: GPL-2.0

"""The project's own modules, broken: what `make test`, `make demo` and `make` say of them.

Their sources take long to compile, so each test breaks several things that don't hide each other,
in a copy of the checkout in which nothing else is done.
"""

import re
import unittest

from copies import Harness


class BrokenTest(Harness):
    """Modules of which a source was changed."""

    place = "broken"

    # A property's list, and a case in it.
    CASE = re.compile(r"(?m)^    cases: \[\n        (\w+),\n")

    def test_vanished(self) -> None:
        """A case is not in its suite's list any more, a suite's file is not compiled; and a block
        of the demo's is not given back."""
        self.write("guest/cases", "")
        (self.copy / "guest/cases").unlink()
        self.addCleanup((self.copy / "guest/cases").touch)
        self.run_script("kunit.py", "test", code=0, ARCH="um", ACCEPT="1")

        text = (self.copy / "tests-kunit/limits.rs").read_text()
        listed = self.CASE.search(text)
        assert listed
        gone = f"        {listed[1]},\n"
        self.change("tests-kunit/limits.rs", listed[0], listed[0].replace(gone, ""))
        self.change("tests-kunit/limits.rs", f"fn {listed[1]}(", f"fn _{listed[1]}(")
        self.change("tests-kunit/suites.rs", "mod nodes;\n", "")
        held = "let held = Held::new()?;"
        self.change("rust_alloc_demo.rs", held, f"{held} core::mem::forget(Held::new()?);")
        out = self.run_script("kunit.py", "test", code=1, ARCH="um")
        self.assertRegex(
            out, rf"error: suite rust_alloc_limits: 1 of \d+ cases did not run: {listed[1]}\n"
        )
        self.assertIn("error: suite rust_alloc_nodes did not run; guest/cases lists it\n", out)
        self.assertRegex(out, r"\nkunit: \d+ passed, 0 failed")
        out = self.run_script("demo.py", code=1, ARCH="um")
        self.assertRegex(
            out, r"error: the log says what guest/messages.toml forbids: .*exit: live=[1-9]"
        )

    def test_misaligned(self) -> None:
        """Cases fail; insmod of the demo fails and says which layout it was."""
        self.change("allocator/layout.rs", "layout.pad_to_align().size()", "layout.size()")
        out = self.run_script("kunit.py", "test", code=1, ARCH="um")
        self.assertRegex(out, r"\nkunit: \d+ passed, [1-9]\d* failed")
        args = "--raw_output rust_alloc_conformance"
        self.run_script("kunit.py", code=1, args=args, ARCH="um")
        out = self.run_script("demo.py", code=1, ARCH="um")
        self.assertRegex(out, r"walk: layout of size \d+, align \d+: .*misaligned")
        self.assert_all(out, "error: insmod rust_alloc_demo failed: ", "exit: live=0 bytes=0")

    def test_diagnostics(self) -> None:
        """An error is shown with the name that the file has in the checkout."""
        self.change("allocator/layout.rs", "return layout.size();", "return layout.sise();")
        out = self.run_script("modules.py", code=1, ARCH="um")
        self.assert_all(
            out, "error[E0599]", " allocator/layout.rs:", "error: the modules' build failed"
        )
        self.assertNotIn("/allocator/layout.rs", out)


if __name__ == "__main__":
    unittest.main()
