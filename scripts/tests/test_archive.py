# SPDX-License-Identifier: GPL-2.0

"""An archive that moves: an index that can't be had now, a package that is in another suite."""

import io
import unittest
from contextlib import redirect_stdout
from unittest import mock

import copies  # noqa: F401
from harness import archive
from harness import busybox
from harness import toolchain as toolchains
from harness.archive import Index, Unavailable
from harness.messages import Fail

# Nobody listens there, so apt gets nothing.
NOWHERE = "".join(f" -o Acquire::{how}::Proxy=http://127.0.0.1:9/" for how in ("http", "https"))


class Unreachable(unittest.TestCase):
    """Apt can't update an index."""

    def setUp(self) -> None:
        self.toolchain = toolchains.provide()
        self.addCleanup(archive.index.cache_clear)

    def index(self, arch: str) -> tuple[Index, str]:
        """The index that is had without network, and what is said of it."""
        archive.index.cache_clear()
        said = io.StringIO()
        with mock.patch.object(archive, "OPTIONS", archive.OPTIONS + NOWHERE):
            with redirect_stdout(said):
                return archive.index(self.toolchain, arch), said.getvalue()

    def test_of_an_earlier_run(self) -> None:
        """What was fetched before is taken, in one line that says of when it is."""
        try:
            archive.index(self.toolchain, "armhf")
        except Unavailable as fail:
            self.skipTest(str(fail))
        index, said = self.index("armhf")
        self.assertRegex(said, r"^ +the archive does not give its index for armhf; that of 20\d\d-")
        self.assertEqual(said.count("\n"), 1)
        self.assertIn("busybox-static", index.ask("show busybox-static"))

    def test_never_there(self) -> None:
        """An architecture whose index never was here can't be had."""
        with self.assertRaisesRegex(Unavailable, "does not give its index for hurd-i386"):
            self.index("hurd-i386")


class Suites(unittest.TestCase):
    """A package that the release's suite lacks."""

    def test_newer_suite(self) -> None:
        """It is looked for in the newer one, and all that was tried is said."""
        asked: list[str] = []

        def gone(_toolchain: object, arch: str, suite: str) -> Index:
            asked.append(f"{arch} {suite}")
            raise Unavailable("it is not there")

        with mock.patch.object(archive, "index", gone):
            with self.assertRaisesRegex(Fail, r"\(trixie: it is not there; sid: it is"):
                busybox.fetch("loong64", mock.Mock())
        self.assertEqual(asked, ["loong64 trixie", "loong64 sid"])


if __name__ == "__main__":
    unittest.main()
