# SPDX-License-Identifier: GPL-2.0

"""Rust metadata for a kernel that came without: Debian's newest, and copies of its headers with one
thing spoiled, each of which one of the proofs has to see."""

import os
import shutil
import unittest
from pathlib import Path
from unittest import mock

from copies import CHECKOUT, said_by

from harness import debian
from harness import metadata
from harness import places
from harness import process
from harness import selection
from harness import source as sources
from harness import toolchain as toolchains
from harness.arch import ARCHES
from harness.kernel import Needs
from harness.messages import Fail
from harness.toolchain import Toolchain


class Metadata(unittest.TestCase):
    """A copy of the headers, to spoil."""

    toolchain: Toolchain
    release: debian.Release

    @classmethod
    def setUpClass(cls) -> None:
        """Fetches the release; the first test that gets so far makes the metadata."""
        cls.toolchain = toolchains.provide()
        cls.release = debian.provide(debian.NEWEST, None, cls.toolchain)

    def setUp(self) -> None:
        """A copy of the headers alone; what they are links to stays where it is."""
        self.folder = self.enterContext(places.scratch("headers"))
        self.headers = self.folder / "headers"
        shutil.copytree(self.release.headers, self.headers, symlinks=True)
        for name in ("scripts", "tools"):
            (self.headers / name).unlink()
            (self.headers / name).symlink_to((self.release.headers / name).resolve())

    def make(self, code: int, *words: str, goal: str = "metadata") -> str:
        """Runs make on the headers; what it says."""
        command = ["make", "-s", "-C", str(CHECKOUT), goal, f"KDIR={self.headers}", *words]
        ended, out = said_by(command)
        self.assertEqual(ended, code, out)
        return out

    def refused(self, *parts: str, words: tuple[str, ...] = ()) -> None:
        """The metadata must be refused in one line that says this."""
        out = self.make(2, *words)
        errors = [line for line in out.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, out)
        for part in parts:
            self.assertIn(part, errors[0])

    def replace(self, name: str, old: str, new: str) -> None:
        """Replaces the first place in a file of the headers."""
        file = self.headers / name
        text = file.read_text()
        self.assertTrue(old in text, f"{name} does not have {old}")
        file.write_text(text.replace(old, new, 1))

    def test_good(self) -> None:
        """It names a directory that builds a Rust module, and writes nothing to the headers."""
        before = {file: file.lstat().st_mtime_ns for file in self.headers.rglob("*")}
        build = Path(self.make(0).splitlines()[-1])
        self.assertTrue((build / "rust/libkernel.rmeta").is_file())
        again = said_by(["make", "-s", "-C", str(CHECKOUT), "metadata", f"KDIR={build}"])
        self.assertEqual(again, (0, f"{build}\n"))
        self.assertIn("can build Rust modules", self.make(0, goal="check-kdir"))
        self.assertEqual(
            {file: file.lstat().st_mtime_ns for file in self.headers.rglob("*")}, before
        )

    def test_other_version(self) -> None:
        """The source of another minor version."""
        tree = sources.of_package(
            debian.package_version(self.release.name, self.toolchain), self.toolchain
        )
        other = self.folder / "source"
        other.mkdir()
        for entry in (tree / "tree").iterdir():
            (other / entry.name).symlink_to(entry)
        (other / "Makefile").unlink()
        text = (tree / "tree/Makefile").read_text()
        (other / "Makefile").write_text(text.replace("\nSUBLEVEL = ", "\nSUBLEVEL = 1", 1))
        version, found = sources.version_of(tree / "tree"), sources.version_of(other)
        self.assertNotEqual(version, found)
        self.refused(
            f"it was configured as {version}, and {other} is {found}",
            words=(f"KERNEL_SOURCE={other}",),
        )

    def test_other_option(self) -> None:
        """The kernel has an option that its .config does not have."""
        self.replace("include/config/auto.conf", "CONFIG_HZ=250", "CONFIG_HZ=300")
        self.refused(
            "include/config/auto.conf comes out in another way",
            "the kernel has `CONFIG_HZ=300`, here it is `CONFIG_HZ=250`",
        )

    def test_other_rustc(self) -> None:
        for name in (".config", "include/config/auto.conf"):
            self.replace(name, "rustc 1.", "rustc 2.")
        # Which toolchain would do is asked first.
        self.refused("this kernel was built with rustc 2.", "metadata of another rustc")

    def test_other_gcc(self) -> None:
        for name in (".config", "include/config/auto.conf"):
            self.replace(name, "(Debian ", "(Other ")
        self.refused("it was built with x86_64-linux-gnu-gcc-", "(Other ", "root has", "(Debian ")

    def test_other_symbols(self) -> None:
        """The kernel exports one symbol of Rust that its source doesn't have."""
        self.replace("Module.symvers", "\t_R", "\t_ROTHER")
        self.refused("symbols of Rust", "not in both is _R")

    def test_other_layout(self) -> None:
        """The kernel has a field more in a struct than its source."""
        text = "struct list_head { struct list_head *next, *prev; int more; } list;\n"
        (self.folder / "types.c").write_text(text)
        process.run_logged(
            self.toolchain.argv(
                ["sh", "-e", "-c", "gcc -g -c types.c; pahole -J types.o"],
                rw=[self.folder],
                cwd=self.folder,
            ),
            self.folder / "types.log",
            "compiling a struct",
        )
        shutil.copyfile(self.folder / "types.o", self.headers / "vmlinux")
        self.refused("the size of list_head is 24 in the kernel, 16 here")

    def test_other_distribution(self) -> None:
        """Where to find the source of others' kernels nobody but the user knows."""
        (self.headers / "include/config/kernel.release").write_text("7.3.4-cachyos\n")
        self.refused("name that by KERNEL_SOURCE=", "exactly Linux 7.3.4-cachyos")
        self.refused("there is no such tree", words=("KERNEL_SOURCE=/nowhere",))
        self.refused("is not a kernel's source tree", words=(f"KERNEL_SOURCE={CHECKOUT}",))
        (self.headers / ".config").unlink()
        self.refused("no .config by which that could be made")

    def test_source_alone(self) -> None:
        """A source belongs to a KDIR."""
        ended, out = said_by(["make", "-C", str(CHECKOUT), "demo", "KERNEL_SOURCE=/nowhere"])
        self.assertEqual(ended, 2)
        self.assertIn("KERNEL_SOURCE= is the source of the kernel that KDIR= names", out)


class Choice(unittest.TestCase):
    """Which kernel is taken, without anything being built that is not there."""

    def refused(self, *parts: str, **variables: str) -> None:
        """A selection must be refused with these words."""
        with mock.patch.dict(os.environ, variables), self.assertRaises(Fail) as failed:
            selection.select(1, 2, Needs())
        for part in parts:
            self.assertIn(part, str(failed.exception))

    def test_refused(self) -> None:
        self.refused("is for x86_64, which ARCH=arm64", KERNEL="7.3.4+deb13-amd64", ARCH="arm64")
        self.refused(
            "no kernel of the flavour debian-cloud for riscv", KERNEL="debian", ARCH="riscv"
        )
        self.refused("leave DEBUG unset", KERNEL="debian", DEBUG="1")
        self.refused("leave FLAVOUR unset", KERNEL="debian", FLAVOUR="debug")
        self.refused("is not a version", "like 7.3", "debian", KERNEL="7.3.4-arch1-1")

    def test_gone(self) -> None:
        """A release that left the archive: one line with what is there."""
        there = debian.newest(debian.NEWEST_FLAVOUR, ARCHES["x86_64"], toolchains.provide())
        self.refused(
            "does not have Linux 7.2.99+deb13-cloud-amd64",
            there.name,
            KERNEL="7.2.99+deb13-cloud-amd64",
        )

    def test_default(self) -> None:
        """Debian's where nothing is named; a lean one where that can't be had."""
        kernel = selection.select(1, 2, Needs(), debian.NEWEST)
        self.assertEqual(kernel.flavour, debian.NEWEST_FLAVOUR)
        with mock.patch.object(debian, "provide", side_effect=Fail("the archive is gone")):
            kernel = selection.select(1, 2, Needs(), debian.NEWEST)
        self.assertEqual(kernel.flavour, "")

    def test_known(self) -> None:
        """Metadata that is there is found."""
        kernel = selection.select(1, 2, Needs(), debian.NEWEST)
        self.assertTrue(metadata.is_here(kernel.release))


if __name__ == "__main__":
    unittest.main()
