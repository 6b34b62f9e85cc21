# SPDX-License-Identifier: GPL-2.0

"""A headers directory to spoil, and what `make check-kdir` says of it, for the tests."""

import os
import re
import shutil
import sys
import unittest
from collections.abc import Mapping, Sequence
from pathlib import Path

from copies import CHECKOUT, said_by

from harness import kdir
from harness import kernel as kernels
from harness import places
from harness import requirements
from harness import selection
from harness.kernel import Needs
from distribution import headers


def run(script: str, path: Path, *args: str, **variables: str) -> tuple[int, str]:
    """Runs a script on a tree; its exit code and all that it says."""
    return said_by(
        [sys.executable, "-B", str(CHECKOUT / "scripts" / script), *args],
        env={"KDIR": str(path), **variables},
    )


def pattern(name: str) -> str:
    """What a row of the table says, whatever its words are."""
    row = next(row for row in requirements.ROWS if row.name == name)
    text = re.escape(f"{row.says}; {row.mend}")
    return re.sub(r"\\{\w+\\}", ".+", text)


CHECK = str(CHECKOUT / "scripts/check_kdir.py")


class Spoiled(unittest.TestCase):
    """A headers directory as distributions ship it, of which each test spoils one thing."""

    kernel: kernels.Kernel
    folder: Path
    headers: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Provides the kernel, and makes of it what a distribution would package."""
        cls.kernel = selection.select(1, 2, Needs(kunit=True, image=True))
        cls.folder = cls.enterClassContext(places.scratch("headers"))
        cls.headers = cls.folder / "headers"
        headers(cls.kernel, cls.headers)

    def setUp(self) -> None:
        """Each test spoils the one tree, and mends it at its end."""
        self.tree = self.headers
        self.written: list[Path] = []

    def hide(self, name: str) -> None:
        """Takes a file or folder away until the test's end."""
        file, hidden = self.tree / name, self.folder / Path(name).name
        file.rename(hidden)
        self.addCleanup(hidden.rename, file)

    def add(self, name: str) -> None:
        """Adds an empty file until the test's end."""
        self.assertFalse((self.tree / name).exists())
        (self.tree / name).touch()
        self.addCleanup((self.tree / name).unlink)

    def write(self, name: str, content: str | bytes) -> None:
        """Gives a file another content, or makes one, until the test's end."""
        file = self.tree / name
        if file not in self.written:
            if file.exists():
                self.hide(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            self.addCleanup(file.unlink)
            self.written.append(file)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(0o755)

    def patch(self, name: str, old: bytes, new: bytes) -> None:
        """Replaces bytes of a file until the test's end."""
        content = (self.tree / name).read_bytes()
        self.assertIn(old, content)
        self.write(name, content.replace(old, new))

    def link(self, name: str, target: str) -> None:
        """Puts a link in the place of a file or folder until the test's end."""
        if (self.tree / name).exists():
            self.hide(name)
        (self.tree / name).symlink_to(target)
        self.addCleanup((self.tree / name).unlink)

    def symbol(self, name: str, value: str = "y") -> None:
        """Sets a symbol that is not set until the test's end."""
        auto = self.tree / "include/config/auto.conf"
        text = auto.read_text()
        self.assertNotIn(f"\nCONFIG_{name}=", text)
        auto.write_text(f"{text}CONFIG_{name}={value}\n")
        self.addCleanup(auto.write_text, text)

    def configure(self, name: str, line: str) -> None:
        """Sets, or with an empty line unsets, a symbol until the test's end."""
        auto = self.tree / "include/config/auto.conf"
        text = auto.read_text()
        kept = [old for old in text.splitlines() if not old.startswith(f"CONFIG_{name}=")]
        self.assertLess(len(kept), len(text.splitlines()), f"CONFIG_{name} was not set")
        auto.write_text("\n".join([*kept, line]) + "\n")
        self.addCleanup(auto.write_text, text)

    def check(self, **variables: str) -> tuple[int, str]:
        """Runs `make check-kdir` on the tree."""
        return run("check_kdir.py", self.tree, **variables)

    def check_inside(
        self, tools: Mapping[str, str], without: Sequence[str] = ()
    ) -> tuple[int, str]:
        """The same on a machine whose own tools are those of the toolchain's root, but for some
        that are scripts, and some that are not there."""
        folder = self.enterContext(places.scratch("tools"))
        for name, script in tools.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        root = self.kernel.toolchain.root
        assert root
        at = {}
        if without:
            bare = folder / "bin"
            shutil.copytree(root / "usr/bin", bare, symlinks=True, copy_function=os.link)
            for name in without:
                (bare / name).unlink()
            at = {"/usr/bin": bare}
        argv = self.kernel.toolchain.argv(
            ["env", f"PATH={folder}:/usr/sbin:/usr/bin", "python3", "-B", CHECK],
            ro=[CHECKOUT, *kdir.trees(self.tree, None), folder],
            rw=[folder],
            at=at,
            env={
                "KDIR": str(self.tree),
                "TOOLCHAIN": "host",
                "RUST_ALLOC_DEMO_CACHE": str(folder / "cache"),
            },
        )
        return said_by(argv)

    def refused(self, row: str, *words: str) -> None:
        """The tree must be refused in one line, which is a row's and has these words."""
        self.is_refusal(self.check(), row, *words)

    def is_refusal(self, said: tuple[int, str], row: str, *words: str) -> None:
        """What was said must be one line, which is a row's and has these words."""
        code, text = said
        self.assertEqual(code, 1, text)
        self.assertTrue(text.startswith("error: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertRegex(text, pattern(row))
        for word in words:
            self.assertIn(word, text)
