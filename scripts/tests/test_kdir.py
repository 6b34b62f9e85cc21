# SPDX-License-Identifier: GPL-2.0

"""`make check-kdir`: one tree with one defect for each message, and a real tree that is good."""

import sys
import tempfile
import unittest
from pathlib import Path

from copies import CHECKOUT, said_by

from harness import kdir
from harness import kernel as kernels
from harness import messages
from harness import places
from harness import selection
from harness.kernel import Needs
from distribution import built_kernels, headers
from lifted import make_module


def run(script: str, path: Path, *args: str, **variables: str) -> tuple[int, str]:
    """Runs a script on a tree; its exit code and all that it says."""
    return said_by(
        [sys.executable, "-B", str(CHECKOUT / "scripts" / script), *args],
        env={"KDIR": str(path), **variables},
    )


def check(path: Path) -> tuple[int, str]:
    """Runs `make check-kdir` on a tree."""
    return run("check_kdir.py", path)


class Defects(unittest.TestCase):
    """Copies of a headers directory as distributions ship it, each with one defect."""

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

    def configure(self, name: str, line: str) -> None:
        """Sets, or with an empty line unsets, a symbol until the test's end."""
        auto = self.tree / "include/config/auto.conf"
        text = auto.read_text()
        kept = [old for old in text.splitlines() if not old.startswith(f"CONFIG_{name}=")]
        self.assertLess(len(kept), len(text.splitlines()), f"CONFIG_{name} was not set")
        auto.write_text("\n".join([*kept, line]) + "\n")
        self.addCleanup(auto.write_text, text)

    def refused(self, *words: str) -> None:
        """The tree must be refused in one line that has these words."""
        code, text = check(self.tree)
        self.assertEqual(code, 1, text)
        self.assertTrue(text.startswith("error: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_good(self) -> None:
        code, text = check(self.tree)
        self.assertEqual(code, 0, text)
        self.assertIn("can build Rust modules", text)
        self.assertIn(self.kernel.release, text)

    def test_good_build_directory(self) -> None:
        code, text = check(self.kernel.build)
        self.assertEqual(code, 0, text)
        self.assertIn("make test: yes", text)

    def test_good_headers_of_every_kernel(self) -> None:
        """What is called good does build, with no source and no generated bindings, and installs.

        It is a small module, with the allocator that knows of all these kernels.
        """
        lifted = self.folder / "lifted"
        make_module(lifted)
        for number, kernel in enumerate(built_kernels()):
            tree = self.folder / f"headers-{number}"
            headers(kernel, tree)
            with self.subTest(kernel.key):
                self.assertFalse(list(tree.rglob("bindings_generated.rs")))
                self.assertFalse((tree / "mm/slub.c").exists())
                code, text = check(tree)
                self.assertEqual(code, 0, text)
                self.assertIn(f"Linux {kernel.release} ({kernel.arch.name}) can build", text)
                with tempfile.TemporaryDirectory(dir=self.folder) as to:
                    code, text = run("install.py", tree, INSTALL_MOD_PATH=to, M=str(lifted))
                    self.assertEqual(code, 0, text)
                    self.assertTrue(list(Path(to).rglob("my_module.ko")))

    def test_no_directory(self) -> None:
        code, text = check(self.tree / "nowhere")
        self.assertEqual(code, 1)
        self.assertIn("no such directory", text)

    def test_no_kernel_tree(self) -> None:
        """A directory of something else, be it with a Makefile and scripts, as this project's."""
        self.tree = CHECKOUT
        self.refused("not a kernel tree", "/lib/modules/")

    def test_never_configured(self) -> None:
        self.hide("include/config")
        if (self.tree / ".config").exists():
            self.hide(".config")
        self.add("Kconfig")
        self.refused("never configured")

    def test_not_built(self) -> None:
        self.hide("include/config")
        if not (self.tree / ".config").exists():
            self.add(".config")
        self.refused("not built yet")

    def test_too_old(self) -> None:
        release = self.tree / "include/config/kernel.release"
        text = release.read_text()
        self.addCleanup(release.write_text, text)
        for old in ("6.12.18", "6.11.2", "5.19.0-debian"):
            release.write_text(f"{old}\n")
            self.refused(f"{old} is too old", "6.12.19")

    def test_no_modules(self) -> None:
        self.configure("MODULES", "")
        self.refused("CONFIG_MODULES")

    def test_no_rust(self) -> None:
        self.configure("RUST", "")
        self.refused("no CONFIG_RUST", "CONFIG_RUST=y")

    def test_no_rust_available(self) -> None:
        self.configure("RUST", "")
        self.configure("RUST_IS_AVAILABLE", "")
        self.refused("no CONFIG_RUST", "rustavailable")

    def test_no_metadata(self) -> None:
        """It can be made, from a source that nobody knows of for a kernel that is not Debian's."""
        self.hide("rust")
        self.refused("it has no Rust metadata", f"exactly Linux {self.kernel.release}")
        code, text = run("check_kdir.py", self.tree, KERNEL_SOURCE=str(self.kernel.source))
        self.assertEqual(code, 0, text)
        self.assertIn("Rust metadata: not there; whatever builds a module makes it first", text)

    def test_partial_metadata(self) -> None:
        self.hide("rust/libkernel.rmeta")
        self.refused("libkernel.rmeta", "E0463")

    def test_no_metadata_that_makefile_names(self) -> None:
        """A crate that only newer kernels have."""
        self.hide("rust/libpin_init.rmeta")
        self.refused("libpin_init", "E0463")

    def test_other_arch(self) -> None:
        for script in ("modules.py", "check_kdir.py"):
            code, text = run(script, self.tree, ARCH="arm64")
            self.assertEqual(code, 1)
            self.assertIn("is for x86_64, which ARCH=arm64 is not", text)

    def test_unsupported_arch(self) -> None:
        self.configure("X86_64", "CONFIG_S390=y")
        self.refused("architecture that is not supported", "arm64")

    def test_newer_than_tested(self) -> None:
        """It is given a try, with a notice."""
        release = self.tree / "include/config/kernel.release"
        text = release.read_text()
        self.addCleanup(release.write_text, text)
        release.write_text("7.9.1\n")
        code, said = check(self.tree)
        self.assertEqual(code, 0, said)
        self.assertEqual(said.count("notice: Linux 7.9.1 is newer than 7.3"), 1, said)

    def test_no_symvers(self) -> None:
        self.hide("Module.symvers")
        self.refused("Module.symvers")

    def test_other_rustc(self) -> None:
        self.configure("RUSTC_VERSION_TEXT", 'CONFIG_RUSTC_VERSION_TEXT="rustc 1.78.0 (9b00956e5)"')
        self.refused("rustc 1.78.0", "E0514")

    def test_kunit_is_a_module(self) -> None:
        """It can build modules, but the suites can't run."""
        self.configure("KUNIT", "CONFIG_KUNIT=m")
        code, text = check(self.tree)
        self.assertEqual(code, 0, text)
        self.assertIn("make test: no", text)
        with self.assertRaisesRegex(messages.Fail, "CONFIG_KUNIT is m"):
            kdir.need_kunit(kdir.inspect(self.tree), rust=True)

    def test_no_kunit(self) -> None:
        """Suites in Rust may run by themselves there, those in C can't."""
        self.configure("KUNIT", "")
        kdir.need_kunit(kdir.inspect(self.tree), rust=True)
        with self.assertRaisesRegex(messages.Fail, "no KUnit, which suites in C need"):
            kdir.need_kunit(kdir.inspect(self.tree), rust=False)

    def test_no_image(self) -> None:
        code, text = check(self.tree)
        self.assertEqual(code, 0, text)
        self.assertIn("make demo: no", text)
        self.assertIn("bzImage", text)


if __name__ == "__main__":
    unittest.main()
