# SPDX-License-Identifier: GPL-2.0

"""DKMS itself, on a machine with a kernel as distributions install it; then a guest's modprobe.

The machine is the toolchain's root with directories of the test's own for /lib/modules, /usr/src
and /var/lib/dkms. The kernel has a headers directory there, and no source.
"""

import hashlib
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from copies import CHECKOUT, said_by

import dkms
import lint
from harness import kernel as kernels
from harness import module
from harness import places
from harness import selection
from harness import stages
from harness.guest import Content
from harness.kernel import Needs
from distribution import ask_for_signatures, headers, is_signed

NAME = "/".join(dkms.package())
SKIPPED = 77
LIMIT = 300

# Another module of the machine's, in C; DKMS has it.
NEIGHBOUR = {
    "dkms.conf": (
        'PACKAGE_NAME="neighbour"\nPACKAGE_VERSION="1"\nBUILT_MODULE_NAME[0]="neighbour"\n'
        'DEST_MODULE_LOCATION[0]="/updates/dkms"\nAUTOINSTALL="yes"\n'
    ),
    "Kbuild": "obj-m := neighbour.o\n",
    "neighbour.c": (
        '#include <linux/module.h>\nMODULE_DESCRIPTION("neighbour");\nMODULE_LICENSE("GPL");\n'
    ),
}


class Machine(unittest.TestCase):
    """A machine with DKMS and one kernel."""

    version = "7.3"
    kernel: kernels.Kernel
    folder: tempfile.TemporaryDirectory[str]
    pristine: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Installs the kernel as its packages would."""
        os.environ["KERNEL"] = cls.version
        cls.addClassCleanup(os.environ.pop, "KERNEL")
        cls.kernel = selection.select(1, 2, Needs(image=True, shell=True))
        runs = places.cache() / "run"
        runs.mkdir(exist_ok=True)
        cls.folder = tempfile.TemporaryDirectory(dir=runs)
        cls.addClassCleanup(cls.folder.cleanup)
        cls.pristine = Path(cls.folder.name) / "pristine"
        installed = cls.pristine / "modules" / cls.kernel.release
        headers(cls.kernel, installed / "build")
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            shutil.copy2(cls.kernel.build / name, installed)
        # DKMS takes a kernel without a module of its own for one that is being removed.
        (installed / "kernel").mkdir()
        shutil.copy2(module.build(cls.kernel).all[0].file, installed / "kernel/own.ko")
        for name in ("src", "dkms"):
            (cls.pristine / name).mkdir()
        checkout = cls.pristine / "checkout"
        for name in lint.tracked(CHECKOUT):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, checkout / name)

    def setUp(self) -> None:
        """Each test has a machine of its own."""
        self.machine = Path(self.folder.name) / "machine"
        shutil.copytree(self.pristine, self.machine, symlinks=True)
        self.addCleanup(shutil.rmtree, self.machine)
        self.modules = self.machine / "modules" / self.kernel.release
        self.run_there("depmod", "-a", self.kernel.release)

    def try_there(self, *command: str) -> tuple[int, str]:
        """Runs a command on the machine; its exit code and all that it says."""
        argv = self.kernel.toolchain.argv(
            command,
            rw=[self.machine / "checkout"],
            cwd=self.machine / "checkout",
            at={
                "/lib/modules": self.machine / "modules",
                "/usr/src": self.machine / "src",
                "/var/lib/dkms": self.machine / "dkms",
            },
        )
        return said_by(argv)

    def run_there(self, *command: str) -> str:
        """Runs a command on the machine that has to go well; what it says."""
        code, text = self.try_there(*command)
        self.assertEqual(code, 0, text)
        return text

    def dkms(self, action: str, *words: str) -> str:
        """Runs dkms for the kernel."""
        return self.run_there("dkms", action, *words, "-k", self.kernel.release)

    def unchanged(self, before: dict[str, str]) -> None:
        """The machine must be what it was."""
        now = self.state()
        self.assertFalse(sorted(set(now.items()) ^ set(before.items())))

    def state(self) -> dict[str, str]:
        """What is in the machine's directories, by digest."""
        return {
            str(file.relative_to(self.machine)): (
                hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "folder"
            )
            for file in self.machine.rglob("*")
        }

    def configure(self, name: str, line: str) -> None:
        """Gives a symbol of the installed kernel another line, or none."""
        auto = self.modules / "build/include/config/auto.conf"
        text, count = re.subn(rf"^CONFIG_{name}=.*\n", line, auto.read_text(), flags=re.MULTILINE)
        self.assertEqual(count, 1, f"CONFIG_{name} was not set")
        auto.write_text(text)

    def boot(self, commands: str) -> str:
        """Runs commands in a guest that has the machine's /lib/modules; what its console said."""
        files = {
            f"lib/modules/{self.kernel.release}/{file.relative_to(self.modules)}": file.read_bytes()
            for file in self.modules.rglob("*")
            if file.is_file() and not file.is_relative_to(self.modules / "build")
        }
        log = places.logs() / "dkms-console.log"
        content = Content(shell=True, files={"commands": commands.encode(), **files})
        console = stages.run("dkms", self.kernel, content, log, LIMIT, mode="shell")
        self.assertIn("guest: finished", console)
        return console


class Life(Machine):
    """From add to remove."""

    def test_life(self) -> None:
        before = self.state()
        self.run_there("dkms", "add", str(self.machine / "checkout"))
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
        self.assertTrue((self.modules / "updates/dkms/rust_alloc_demo.ko").is_file())
        self.assertIn(
            "updates/dkms/rust_alloc_demo.ko:", (self.modules / "modules.dep").read_text()
        )

        console = self.boot(
            "modprobe rust_alloc_demo max_align=64 && modprobe -r rust_alloc_demo\n"
        )
        self.assertIn("rust_alloc_demo: walk: layouts=", console)
        self.assertIn("rust_alloc_demo: exit: live=0 bytes=0", console)

        self.run_there("dkms", "remove", NAME, "--all")
        shutil.rmtree(self.machine / "src" / NAME.replace("/", "-"))
        self.unchanged(before)

    def test_make(self) -> None:
        """The same by the two commands of the Makefile."""
        before = self.state()
        self.run_there("make", "dkms", f"ARGS=-k {self.kernel.release}")
        self.assertTrue((self.modules / "updates/dkms/rust_alloc_demo.ko").is_file())
        code, text = self.try_there("make", "dkms")
        self.assertEqual(code, 2)
        self.assertIn("already; `make dkms_remove` first", text)
        self.run_there("make", "dkms_remove")
        self.unchanged(before)


class LifeOnOldest(Life):
    """The same on the oldest kernel."""

    version = "6.12"


class Signing(Machine):
    """A kernel whose configuration asks for signatures. It is the lean one, and checks none."""

    def setUp(self) -> None:
        """Configures the installed kernel, and gives it the kernel's own sign-file."""
        super().setUp()
        ask_for_signatures(self.kernel, self.modules / "build")

    def test_signed(self) -> None:
        self.run_there("dkms", "add", str(self.machine / "checkout"))
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


class Refusals(Machine):
    """Kernels that can't build Rust modules, on a machine that has another module."""

    def setUp(self) -> None:
        """Registers both modules."""
        super().setUp()
        there = self.machine / "src/neighbour-1"
        there.mkdir()
        for name, text in NEIGHBOUR.items():
            (there / name).write_text(text)
        self.run_there("dkms", "add", "neighbour/1")
        self.run_there("dkms", "add", str(self.machine / "checkout"))

    def refused(self, *words: str) -> None:
        """The kernel's installation goes well without the module, and the log says why."""
        said = self.dkms("kernel_postinst")
        self.assertIn("was skipped for module(s) rust_alloc_demo", said)
        self.assertTrue((self.modules / "updates/dkms/neighbour.ko").is_file(), said)
        code, said = self.try_there("dkms", "install", NAME, "-k", self.kernel.release)
        self.assertEqual(code, SKIPPED, said)
        log = re.search(r"Consult (?:/var/lib/)(\S+/make.log)", said)
        self.assertIsNotNone(log, said)
        assert log
        text = (self.machine / log[1]).read_text()
        for word in words:
            self.assertIn(word, text)
        self.assertFalse(list(self.modules.rglob("rust_alloc_demo*")))

    def test_no_rust(self) -> None:
        self.configure("RUST", "")
        self.refused("this kernel was built without Rust (no CONFIG_RUST)")

    def test_no_metadata(self) -> None:
        shutil.rmtree(self.modules / "build/rust")
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


if __name__ == "__main__":
    unittest.main()
