# SPDX-License-Identifier: GPL-2.0

"""DKMS on a Debian machine with a kernel of Debian's, which has Rust and comes without metadata.

Its image, headers and source are installed by apt. DKMS makes the metadata, once: what it made is
kept in the cache for as long as what makes it and the machine are the same.
"""

import os
import shutil
import time
import unittest
from dataclasses import replace
from pathlib import Path

from copies import CHECKOUT

import dkms
from harness import bootstrap
from harness import debian
from harness import kdir
from harness import places
from harness import selection
from harness import source as sources
from harness import toolchain as toolchains
from harness.arch import ARCHES, DEFAULT
from harness.kernel import Needs
from machine import NAME, OLDER, SKIPPED, Machine, with_dkms_of

FLAVOUR = "debian-cloud"

# What the metadata comes of, beside the machine.
MAKERS = (
    "dkms_preflight.py",
    *(f"harness/{name}.py" for name in ("metadata", "layouts", "source")),
)

# What a machine may lack, and the package that has it. The command gcc links to one of a version.
LACKS = {
    "/usr/bin/python3": "python3",
    "/usr/bin/rustc": "rustc rust-src",
    "/usr/bin/bindgen": "bindgen",
    "/usr/bin/x86_64-linux-gnu-gcc-14": "gcc gcc-14",
    "/usr/bin/flex": "flex",
    "/usr/bin/bison": "bison",
    "/usr/bin/bc": "bc",
    "/usr/bin/xz": "xz-utils",
    "/usr/bin/pahole": "pahole",
    "/usr/sbin/bpftool": "bpftool",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/include/libelf.h": "libelf-dev",
    "/usr/include/openssl/evp.h": "libssl-dev",
    "/usr/lib/rustlib/src/rust": "rust-src",
}


class Debian(Machine):
    """A machine that runs the newest of Debian's kernels for virtual machines."""

    copy = staticmethod(os.link)
    version: str
    kept: Path
    making: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Installs the kernel by apt."""
        super().setUpClass()
        base = toolchains.provide()
        release = debian.newest(FLAVOUR, ARCHES[DEFAULT], base)
        cls.version = debian.package_version(release.name, base)
        packages = [
            f"linux-base/{bootstrap.SUITE}-backports",
            f"linux-image-{release.name}",
            f"linux-headers-{release.name}",
            f"{sources.package_name(cls.version)}={cls.version}",
        ]
        installed = toolchains.with_packages(base, packages)
        cls.toolchain = with_dkms_of(cls.suite, installed)
        root = cls.toolchain.root
        assert root
        shutil.copytree(root / "usr/lib/modules", cls.pristine / "modules", symlinks=True)
        # DKMS writes nothing to these.
        shutil.copytree(
            root / "usr/src", cls.pristine / "src", symlinks=True, copy_function=os.link
        )
        tree = kdir.read(root / "usr/src" / f"linux-headers-{release.name}")
        tree = replace(tree, image=root / f"usr/lib/modules/{release.name}/vmlinuz", metadata=True)
        cls.kernel = selection.of_tree(tree, FLAVOUR, cls.toolchain, Needs(shell=True))

        made_by = [(CHECKOUT / "scripts" / name).read_text() for name in MAKERS]
        key = places.key(installed.key, *made_by)
        cls.enterClassContext(places.lock("test-dkms-debian"))
        cls.kept = places.stage("metadata") / f"dkms-{key}"
        cls.making = cls.kept.with_name(f".{cls.kept.name}.part")
        if not cls.kept.is_dir():
            for old in cls.kept.parent.glob("*dkms-*"):
                places.remove(old)
            cls.making.mkdir(parents=True)

    def setUp(self) -> None:
        """The machine has what DKMS's builds made before."""
        super().setUp()
        self.at["/var/cache"] = self.kept if self.kept.is_dir() else self.making

    def nothing_made(self) -> dict[str, Path]:
        """A machine on which nothing was made before."""
        there = self.machine / "cache"
        there.mkdir(exist_ok=True)
        return {"/var/cache": there}

    def without(self, path: str) -> dict[str, Path]:
        """A machine that lacks a file."""
        folder, name = os.path.split(path)
        to = self.machine / "lacking"
        shutil.rmtree(to, ignore_errors=True)
        assert self.toolchain.root
        shutil.copytree(self.toolchain.root / folder[1:], to, symlinks=True, copy_function=os.link)
        (to / name).unlink()
        return {folder: to}


class Life(Debian):
    """From nothing to a loaded module."""

    def test_life(self) -> None:
        """From add to a guest, and to remove."""
        making = not self.kept.is_dir()
        before = self.state()
        self.add()
        began = time.monotonic()
        self.dkms("install", NAME)
        took = time.monotonic() - began
        log = next((self.machine / "dkms").rglob("make.log")).read_text()
        if making:
            print(f"made the metadata and the module in {took:.0f} s")
            self.making.rename(self.kept)
            self.at["/var/cache"] = self.kept
        if self.suite == bootstrap.SUITE:
            said = "making it from the kernel's source"
            (self.assertIn if making else self.assertNotIn)(said, log)
        self.assertTrue(self.module_file("rust_alloc_demo"))
        self.walk()
        self.remove()
        self.unchanged(before)


class Update(Debian):
    """What else happens on such a machine."""

    def test_update(self) -> None:
        """The installation of a kernel has the module built, and what is for others goes."""
        base = self.at["/var/cache"] / "rust_alloc_demo"
        gone = [base / "metadata/7.0.1+deb13-amd64-0123456789ab", base / "source/7.0.1-1/tree"]
        for folder in gone:
            folder.mkdir(parents=True)
            self.addCleanup(places.remove, folder)
        self.add()
        self.add_neighbour()
        said = self.install_kernel()
        self.assertTrue(self.module_file("rust_alloc_demo"), said)
        self.assertTrue(self.module_file("neighbour"), said)
        self.assertFalse([folder for folder in gone if folder.exists()])
        self.walk()

    def test_lacking(self) -> None:
        """Each thing that is missing is one line, before time is spent."""
        headers = f"/lib/modules/{self.kernel.release}/build"
        for path, packages in LACKS.items():
            with self.subTest(path):
                at = self.without(path) | self.nothing_made()
                code, said = self.try_there("scripts/dkms-preflight", headers, "kdir", at=at)
                self.assertEqual(code, SKIPPED, said)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertTrue(said.startswith("error: "), said)
                self.assertTrue(said.endswith(f"; as root: apt-get install {packages}\n"), said)
                self.assertFalse((self.machine / "checkout/kdir").is_symlink())

    def test_by_hand(self) -> None:
        """check-kdir says that it can, and modules_install does, by the machine's own tools."""
        words = [
            f"KDIR=/lib/modules/{self.kernel.release}/build",
            "TOOLCHAIN=host",
            f"RUST_ALLOC_DEMO_CACHE={dkms.CACHE}",
        ]
        said = self.run_there("make", "check-kdir", *words)
        self.assertIn(f"Linux {self.kernel.release} (x86_64) can build Rust modules", said)
        self.assertIn("Rust metadata: not there; whatever builds a module makes it first", said)
        to = self.machine / "checkout/out"
        said = self.run_there("make", "modules_install", *words, f"INSTALL_MOD_PATH={to}")
        self.assertIn("\ninstalled, not signed", said)
        self.assertNotIn("SSL error", said)
        self.assertTrue(list(to.rglob("rust_alloc_demo.ko*")))

    def test_removed(self) -> None:
        """`make dkms_remove` removes what was made, if no other module is built with it."""
        self.at |= self.nothing_made()
        made = self.machine / "cache/rust_alloc_demo/metadata/made"
        made.mkdir(parents=True)
        other = self.machine / "dkms/other/1/source" / dkms.MAKER
        other.parent.mkdir(parents=True)
        other.touch()
        self.run_there("make", "dkms_remove")
        self.assertTrue(made.exists())
        other.unlink()
        self.run_there("make", "dkms_remove")
        self.assertFalse(list((self.machine / "cache").iterdir()))


class NoSource(Debian):
    """A machine that lacks what the metadata is made of."""

    def test_no_source(self) -> None:
        """The machine's other modules are built, and one line says what this one misses."""
        next((self.machine / "src").glob("linux-source-*.tar.xz")).unlink()
        self.at |= self.nothing_made()
        self.add()
        self.add_neighbour()
        package = f"{sources.package_name(self.version)}={self.version}"
        said = self.refused(f"source of Linux {self.version}; as root: apt-get install {package}\n")
        self.assertEqual(said.count("error: KDIR="), 1)


class LifeWithOlderDkms(Life):
    """The same by the oldest DKMS."""

    suite = OLDER


class NoSourceWithOlderDkms(NoSource):
    """The same by the oldest DKMS."""

    suite = OLDER


if __name__ == "__main__":
    unittest.main()
