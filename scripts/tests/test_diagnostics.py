# SPDX-License-Identifier: GPL-2.0

"""What of a build's output is shown, and what is a warning where warnings are errors."""

import io
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path

import copies  # noqa: F401
from harness import module
from harness.messages import Fail

# As rustc 1.96 says it in each call for powerpc and for s390.
OF_FLAGS = """\
warning: unknown and unstable feature specified for `-Ctarget-feature`: `mma`
  |
  = note: it is still passed through to the codegen backend, but it might be unsound
  = help: consider filing a feature request

warning: unstable feature specified for `-Ctarget-feature`: `backchain`
  |
  = note: this feature is not stably supported; its behavior can change in the future

warning: 1 warning emitted

"""

UNUSED = """\
warning: unused variable: `x`
 --> hello.rs:3:9
  |
3 |     let x = 1;
  |         ^ help: if this is intentional, prefix it with an underscore: `_x`

"""


class Warnings(unittest.TestCase):
    """A build that says this and that, and ends well."""

    def shown(self, text: str) -> tuple[str, str]:
        """What is shown of it, and how it fails, warnings being errors."""
        failed = ""
        with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()) as said:
            src = Path(folder)
            (src / "text").write_text(text)
            try:
                module.run(["cat", str(src / "text")], src, src / "log", werror=True)
            except Fail as fail:
                failed = str(fail)
        return said.getvalue(), failed

    def test_of_flags(self) -> None:
        """What rustc says of the kernel's own flags is nobody's warning."""
        self.assertEqual(self.shown("  CC [M]  hello.o\n" + 3 * OF_FLAGS), ("", ""))

    def test_own(self) -> None:
        """One of the module's beside it is."""
        said, failed = self.shown(OF_FLAGS + UNUSED + OF_FLAGS)
        self.assertEqual(said, UNUSED)
        self.assertIn("warnings are errors here", failed)

    def test_objtool(self) -> None:
        """So is what objtool and modpost say."""
        for line in (
            "hello.o: warning: objtool: f() falls through to next function g()",
            "WARNING: modpost: missing MODULE_LICENSE() in hello.o",
        ):
            self.assertIn("warnings are errors here", self.shown(f"{line}\n")[1])


if __name__ == "__main__":
    unittest.main()
