# SPDX-License-Identifier: GPL-2.0

"""A machine with DKMS, for the tests: the toolchain's root, with directories of the test's own for
/lib/modules, /usr/src and /var/lib/dkms; and a guest that boots what was installed there.
"""

import hashlib
import re
import shutil
import unittest
from collections.abc import Callable, Mapping
from pathlib import Path

from copies import CHECKOUT, said_by

import dkms
import lint
from harness import bootstrap
from harness import kernel as kernels
from harness import places
from harness import stages
from harness import toolchain as toolchains
from harness.guest import Content
from harness.toolchain import Toolchain

NAME = "/".join(dkms.package())
SKIPPED = 77
LIMIT = 300

# The suite whose DKMS pays no heed to what a PRE_BUILD ends with.
OLDER = "bookworm"

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


def with_dkms_of(suite: str, toolchain: Toolchain) -> Toolchain:
    """The toolchain with DKMS of another suite of Debian's."""
    if suite == bootstrap.SUITE:
        return toolchain
    return toolchains.with_packages(toolchain, [f"dkms/{suite}"], suite)


class Machine(unittest.TestCase):
    """A machine with DKMS and one kernel, which setUpClass has to install below `pristine`."""

    suite = bootstrap.SUITE

    # How a test's machine gets its files; by links if the test changes none of them in place.
    copy: Callable[..., object] = staticmethod(shutil.copy2)

    kernel: kernels.Kernel
    toolchain: Toolchain
    folder: Path
    pristine: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Makes a machine without a kernel, but with a checkout of this project's."""
        cls.folder = cls.enterClassContext(places.scratch("machine"))
        cls.pristine = cls.folder / "pristine"
        (cls.pristine / "dkms").mkdir(parents=True)
        for name in lint.tracked(CHECKOUT):
            (cls.pristine / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, cls.pristine / "checkout" / name)

    def setUp(self) -> None:
        """Each test has a machine of its own."""
        self.machine = self.folder / "machine"
        shutil.copytree(self.pristine, self.machine, symlinks=True, copy_function=self.copy)
        self.addCleanup(shutil.rmtree, self.machine)
        self.modules = self.machine / "modules" / self.kernel.release
        self.at = {
            "/lib/modules": self.machine / "modules",
            "/usr/src": self.machine / "src",
            "/var/lib/dkms": self.machine / "dkms",
        }
        self.run_there("depmod", "-a", self.kernel.release)

    def try_there(self, *command: str, at: Mapping[str, Path] | None = None) -> tuple[int, str]:
        """Runs a command on the machine; its exit code and all that it says."""
        argv = self.toolchain.argv(
            command,
            rw=[self.machine / "checkout"],
            cwd=self.machine / "checkout",
            at={**self.at, **(at or {})},
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

    def add_neighbour(self) -> None:
        """Hands DKMS the other module."""
        there = self.machine / "src/neighbour-1"
        there.mkdir()
        for name, text in NEIGHBOUR.items():
            (there / name).write_text(text)
        self.run_there("dkms", "add", "neighbour/1")

    def add(self) -> None:
        """Hands DKMS this project's module."""
        self.run_there("dkms", "add", str(self.machine / "checkout"))

    def install_kernel(self) -> str:
        """What the kernel's packages run when they are installed, and what that says."""
        hook = "/etc/kernel/postinst.d/dkms"
        return self.run_there(hook, self.kernel.release)

    def module_file(self, name: str) -> Path | None:
        """A module that DKMS has installed for the kernel."""
        return next((self.modules / "updates/dkms").glob(f"{name}.ko*"), None)

    def refused(self, *words: str) -> str:
        """The kernel's installation goes well without the module but with the other; what DKMS and
        its log say of that has these words."""
        said = self.install_kernel()
        self.assertTrue(self.module_file("neighbour"), said)
        self.assertFalse(list(self.modules.rglob("rust_alloc_demo*")), said)
        if self.suite == bootstrap.SUITE:
            self.assertIn("was skipped for module(s) rust_alloc_demo", said)
            code, again = self.try_there("dkms", "install", NAME, "-k", self.kernel.release)
            self.assertEqual(code, SKIPPED, again)
            log = re.search(r"Consult (?:/var/lib/)(\S+/make.log)", again)
            assert log, again
            said = (self.machine / log[1]).read_text()
        else:
            code, again = self.try_there("dkms", "install", NAME, "-k", self.kernel.release)
            self.assertEqual(code, SKIPPED, again)
            self.assertIn("error: KDIR=", again)
        for word in words:
            self.assertIn(word, said)
        return said

    def unchanged(self, before: dict[str, str]) -> None:
        """The machine must be what it was."""
        now = self.state()
        self.assertFalse(sorted(set(now.items()) ^ set(before.items())))

    def state(self) -> dict[str, str]:
        """What is in the machine's directories, by digest; not the key that DKMS makes to sign."""
        return {
            str(file.relative_to(self.machine)): (
                hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "folder"
            )
            for file in self.machine.rglob("*")
            if file.stem != "mok"
        }

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

    def walk(self) -> None:
        """Loads the module in a guest by modprobe, and takes it out again."""
        console = self.boot(
            "modprobe rust_alloc_demo max_align=64 && modprobe -r rust_alloc_demo\n"
        )
        self.assertIn("rust_alloc_demo: walk: layouts=", console)
        self.assertIn("rust_alloc_demo: exit: live=0 bytes=0", console)

    def remove(self) -> None:
        """Takes the module from DKMS, and the copy that stays."""
        self.run_there("dkms", "remove", NAME, "--all")
        shutil.rmtree(self.machine / "src" / NAME.replace("/", "-"))
