# SPDX-License-Identifier: GPL-2.0

"""DKMS itself, on a machine with a kernel as distributions install it; then a guest's modprobe.

The kernel has a headers directory there, with its Rust metadata, and no source.
"""

import os
import re
import shutil
import unittest

from machine import NAME, OLDER, SKIPPED, Machine, with_dkms_of

from harness import module
from harness import selection
from harness.kernel import Needs
from distribution import ask_for_signatures, headers, is_signed


class Lean(Machine):
    """A machine with a lean kernel, as distributions would install one that has its metadata."""

    version = "7.3"

    @classmethod
    def setUpClass(cls) -> None:
        """Installs the kernel as its packages would."""
        super().setUpClass()
        os.environ["KERNEL"] = cls.version
        cls.addClassCleanup(os.environ.pop, "KERNEL")
        cls.kernel = selection.select(1, 2, Needs(image=True, shell=True))
        cls.toolchain = with_dkms_of(cls.suite, cls.kernel.toolchain)
        installed = cls.pristine / "modules" / cls.kernel.release
        headers(cls.kernel, installed / "build")
        # Debian's headers have it. By it the oldest DKMS sees that clang built the kernel.
        shutil.copy2(cls.kernel.build / ".config", installed / "build")
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            shutil.copy2(cls.kernel.build / name, installed)
        # DKMS takes a kernel without a module of its own for one that is being removed.
        (installed / "kernel").mkdir()
        shutil.copy2(module.build(cls.kernel).all[0].file, installed / "kernel/own.ko")
        (cls.pristine / "src").mkdir()

    def configure(self, name: str, line: str) -> None:
        """Gives a symbol of the installed kernel another line, or none."""
        auto = self.modules / "build/include/config/auto.conf"
        text, count = re.subn(rf"^CONFIG_{name}=.*\n", line, auto.read_text(), flags=re.MULTILINE)
        self.assertEqual(count, 1, f"CONFIG_{name} was not set")
        auto.write_text(text)


class Life(Lean):
    """From add to remove."""

    def test_life(self) -> None:
        before = self.state()
        self.add()
        self.assertIn(f"{NAME}: added", self.run_there("dkms", "status"))

        self.dkms("build", NAME)
        self.assertIn(": built", self.run_there("dkms", "status"))
        made = [file.name for file in (self.machine / "dkms").rglob("*.ko*")]
        self.assertEqual(made, ["rust_alloc_demo.ko"])
        log = next((self.machine / "dkms").rglob("make.log")).read_text()
        self.assertEqual(
            re.findall(r"^  RUSTC .*?([^\s/]+)$", log, re.MULTILINE), ["rust_alloc_demo.o"]
        )
        self.assertNotIn("tests-kunit", log)

        self.dkms("install", NAME)
        self.assertIn(": installed", self.run_there("dkms", "status"))
        self.assertTrue(self.module_file("rust_alloc_demo"))
        self.assertIn(
            "updates/dkms/rust_alloc_demo.ko:", (self.modules / "modules.dep").read_text()
        )
        self.walk()
        self.remove()
        self.unchanged(before)

    def test_make(self) -> None:
        """The same by the two commands of the Makefile."""
        before = self.state()
        self.run_there("make", "dkms", f"ARGS=-k {self.kernel.release}")
        self.assertTrue(self.module_file("rust_alloc_demo"))
        code, text = self.try_there("make", "dkms")
        self.assertEqual(code, 2)
        self.assertIn("already; `make dkms_remove` first", text)
        self.run_there("make", "dkms_remove")
        self.unchanged(before)


class LifeOnOldest(Life):
    """The same on the oldest kernel."""

    version = "6.12"


class LifeWithOlderDkms(Life):
    """The same by the oldest DKMS."""

    suite = OLDER


class Signing(Lean):
    """A kernel whose configuration asks for signatures. It is the lean one, and checks none."""

    def setUp(self) -> None:
        """Configures the installed kernel, and gives it the kernel's own sign-file."""
        super().setUp()
        ask_for_signatures(self.kernel, self.modules / "build")

    def test_signed(self) -> None:
        self.add()
        self.dkms("install", NAME)
        module_file = self.modules / "updates/dkms/rust_alloc_demo.ko"
        there = f"/lib/modules/{self.kernel.release}/updates/dkms/rust_alloc_demo.ko"
        info = self.run_there("modinfo", there)
        self.assertRegex(info, r"(?m)^signer: +DKMS module signing key$")
        self.assertRegex(info, r"(?m)^sig_hashalgo: +sha256$")
        key = self.machine / "dkms/mok.pub"
        self.assertTrue(is_signed(self.kernel, module_file, key))
        text = module_file.read_bytes()
        module_file.write_bytes(text.replace(b"rust_alloc_demo", b"rust_alloc_dema", 1))
        self.assertFalse(is_signed(self.kernel, module_file, key))


class Refusals(Lean):
    """Kernels that can't build Rust modules, on a machine that has another module."""

    def setUp(self) -> None:
        """Registers both modules."""
        super().setUp()
        self.add_neighbour()
        self.add()

    def test_no_rust(self) -> None:
        self.configure("RUST", "")
        self.refused("this kernel was built without Rust (no CONFIG_RUST)")

    def test_no_metadata(self) -> None:
        shutil.rmtree(self.modules / "build/rust")
        self.refused("it has no Rust metadata", "KERNEL_SOURCE=")

    def test_partial_metadata(self) -> None:
        (self.modules / "build/rust/libkernel.rmeta").unlink()
        self.refused("libkernel.rmeta", "E0463")

    def test_too_old(self) -> None:
        (self.modules / "build/include/config/kernel.release").write_text("6.1.0-1\n")
        self.refused("Linux 6.1.0-1 is too old", "6.12.19")

    def test_other_rustc(self) -> None:
        self.configure("RUSTC_VERSION_TEXT", 'CONFIG_RUSTC_VERSION_TEXT="rustc 1.78.0 (9b009)"\n')
        self.refused("built with rustc 1.78.0", "E0514")

    def test_no_clang(self) -> None:
        """The tools that the kernel was built with are not here; gcc is, and would not do."""
        (self.machine / "checkout/tools").mkdir()
        code, said = self.try_there(
            "sh",
            "-c",
            "for tool in python3 make rustc env dirname; do ln -s $(which $tool) tools/; done;"
            " PATH=$PWD/tools /bin/sh scripts/dkms-preflight"
            f" /lib/modules/{self.kernel.release}/build",
        )
        self.assertEqual(code, SKIPPED, said)
        self.assertIn("built with clang, and this machine has no clang, ld.lld", said)
        self.assertIn("apt-get install clang lld llvm\n", said)


class RefusalsOfOlderDkms(Refusals):
    """The same by the oldest DKMS."""

    suite = OLDER


if __name__ == "__main__":
    unittest.main()
