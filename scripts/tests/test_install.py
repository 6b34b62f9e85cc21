# SPDX-License-Identifier: GPL-2.0

"""`make modules_install` and `make modules_uninstall`; signatures where a kernel asks for them."""

import os
import shutil
import unittest
from unittest import mock

from copies import CHECKOUT, FAULTS, said_by

from harness import kernel as kernels
from harness import module
from harness import places
from harness import selection
from harness import signing
from harness.kernel import Needs
from distribution import ask_for_signatures, headers, is_signed, make_key


class Install(unittest.TestCase):
    """A root with /lib/modules to install to."""

    kernel: kernels.Kernel

    @classmethod
    def setUpClass(cls) -> None:
        """Provides the kernel."""
        cls.kernel = selection.select(1, 2, Needs())

    def setUp(self) -> None:
        """Each test has a root of its own."""
        folder = self.enterContext(places.scratch("install"))
        self.root = folder / "root"
        self.root.mkdir()
        self.modules = self.root / "lib/modules" / self.kernel.release
        self.tree = folder / "headers"

    def make(self, goal: str, *words: str) -> tuple[int, str]:
        """Runs make in the checkout; its exit code and all that it says."""
        return said_by(["make", "-C", str(CHECKOUT), goal, f"INSTALL_MOD_PATH={self.root}", *words])

    def made(self, goal: str, *words: str) -> None:
        """Runs make, which has to go well."""
        code, text = self.make(goal, *words)
        self.assertEqual(code, 0, text)

    def state(self) -> dict[str, bytes]:
        """What is in the root."""
        return {
            str(file.relative_to(self.root)): file.read_bytes() if file.is_file() else b""
            for file in self.root.rglob("*")
        }

    def test_uninstall_leaves_nothing(self) -> None:
        """In a root that had nothing."""
        self.made("modules_install")
        installed = {file.name for file in (self.modules / "updates").rglob("*.ko")}
        tests = {f"rust_alloc_demo_{name}.ko" for name in ("kunit", "fallible", "infallible")}
        self.assertEqual(installed, {"rust_alloc_demo.ko", *tests})
        self.assertIn("updates/rust_alloc_demo.ko:", (self.modules / "modules.dep").read_text())
        self.made("modules_uninstall")
        self.assertFalse(self.state())
        code, text = self.make("modules_uninstall")
        self.assertEqual(code, 2)
        self.assertIn("error: there is no module of this checkout under ", text)

    def test_uninstall_leaves_the_others(self) -> None:
        """In a root with a module of DKMS's, with a headers directory, which has no System.map."""
        headers(self.kernel, self.tree)
        self.made("modules_install")
        other = self.modules / "updates/dkms/rust_alloc_demo.ko"
        other.parent.mkdir()
        shutil.move(self.modules / "updates/rust_alloc_demo.ko", other)
        self.made("modules_uninstall")
        before = self.state()
        self.assertIn(
            "updates/dkms/rust_alloc_demo.ko:", (self.modules / "modules.dep").read_text()
        )

        self.made("modules_install", f"KDIR={self.tree}")
        self.assertIn("updates/rust_alloc_demo.ko:", (self.modules / "modules.dep").read_text())
        self.made("modules_uninstall", f"KDIR={self.tree}")
        self.assertEqual(sorted(self.state().items()), sorted(before.items()))

    def test_signed(self) -> None:
        """By the kernel's own rules: where CONFIG_MODULE_SIG_ALL=y and its key is there."""
        headers(self.kernel, self.tree)
        ask_for_signatures(self.kernel, self.tree)
        make_key(self.kernel, self.tree)
        self.made("modules_install", f"KDIR={self.tree}", f"M={CHECKOUT / FAULTS}")
        modules = list(self.modules.rglob("*.ko"))
        self.assertEqual(len(modules), 2)
        for file in modules:
            self.assertTrue(is_signed(self.kernel, file, self.tree / signing.CERTIFICATE))

    def test_enforced(self) -> None:
        """A kernel that loads signed modules only: signed for the guest, or refused beforehand."""
        headers(self.kernel, self.tree)
        ask_for_signatures(self.kernel, self.tree)
        with (self.tree / "include/config/auto.conf").open("a") as auto:
            auto.write("CONFIG_MODULE_SIG_FORCE=y\n")
        image = self.tree / self.kernel.arch.image
        image.parent.mkdir(parents=True, exist_ok=True)
        assert self.kernel.image
        shutil.copyfile(self.kernel.image, image)
        code, text = said_by(["make", "-C", str(CHECKOUT), "demo", f"KDIR={self.tree}"])
        self.assertEqual(code, 2, text)
        self.assertNotIn("[3/4]", text)
        self.assertIn("loads signed modules only", text)
        self.assertIn("certs/signing_key.pem", text)

        make_key(self.kernel, self.tree)
        with mock.patch.dict(os.environ, {"KDIR": str(self.tree), "M": str(CHECKOUT / FAULTS)}):
            kernel = selection.select(1, 2, Needs(image=True, rust=False))
            for ko in module.build(kernel).all:
                signed = self.tree / ko.file.name
                signed.write_bytes(signing.content(kernel, ko.file))
                certificate = self.tree / signing.CERTIFICATE
                self.assertTrue(is_signed(self.kernel, signed, certificate))
                self.assertFalse(is_signed(self.kernel, ko.file, certificate))

    def test_not_signed(self) -> None:
        """The kernel asks for it, and has kept its key to itself, as distributions do."""
        headers(self.kernel, self.tree)
        ask_for_signatures(self.kernel, self.tree)
        self.made_unsigned()
        # The key alone will not do.
        make_key(self.kernel, self.tree)
        (self.tree / "certs/signing_key.x509").unlink()
        self.made_unsigned()

    def made_unsigned(self) -> None:
        """Installs the modules, which says that it doesn't sign them, and no more."""
        words = (f"KDIR={self.tree}", f"M={CHECKOUT / FAULTS}")
        code, text = self.make("modules_install", *words)
        self.assertEqual(code, 0, text)
        self.assertIn("\ninstalled, not signed: ", text)
        self.assertNotRegex(text, "(?i)ssl|sign-file")
        modules = list(self.modules.rglob("*.ko"))
        self.assertEqual(len(modules), 2)
        for file in modules:
            self.assertNotIn(b"Module signature appended", file.read_bytes())

    def test_no_permission(self) -> None:
        """One line, before time is spent."""
        code, text = self.make("modules_install", "INSTALL_MOD_PATH=/proc")
        self.assertEqual(code, 2)
        self.assertIn("error: can't write to /proc/lib/modules", text)


if __name__ == "__main__":
    unittest.main()
