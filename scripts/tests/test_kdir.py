# SPDX-License-Identifier: GPL-2.0

"""`make check-kdir`: a tree with one defect for each row about it, and real trees that are good."""

import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from copies import CHECKOUT, said_by
from spoiled import Spoiled, pattern, run

from distribution import ask_for_signatures, built_kernels, headers
from lifted import make_module

# What the kernel's build makes for a build directory's Makefile.
MAKEFILE = "export KBUILD_OUTPUT = {}\ninclude {}/Makefile\n"


class Defects(Spoiled):
    """One defect of the tree itself in each test."""

    def test_good(self) -> None:
        code, text = self.check()
        self.assertEqual(code, 0, text)
        self.assertIn("can build Rust modules", text)
        self.assertIn(self.kernel.release, text)

    def test_good_build_directory(self) -> None:
        code, text = run("check_kdir.py", self.kernel.build)
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
                code, text = run("check_kdir.py", tree)
                self.assertEqual(code, 0, text)
                self.assertIn(f"Linux {kernel.release} ({kernel.arch.name}) can build", text)
                with tempfile.TemporaryDirectory(dir=self.folder) as to:
                    code, text = run("install.py", tree, INSTALL_MOD_PATH=to, M=str(lifted))
                    self.assertEqual(code, 0, text)
                    self.assertTrue(list(Path(to).rglob("my_module.ko")))

    def test_no_directory(self) -> None:
        self.tree = self.tree / "nowhere"
        self.refused("a directory", "no such directory")

    def test_dangling_path(self) -> None:
        """A distribution's kernel without its headers."""
        self.tree = self.folder / "build"
        self.tree.symlink_to("/usr/src/linux-headers-9.9.9-amd64")
        self.addCleanup(self.tree.unlink)
        self.refused("no dangling path", "install the package linux-headers-9.9.9-amd64\n")

    def test_dangling_links(self) -> None:
        """A part of the headers that is another package's."""
        self.link("scripts", "../../lib/linux-kbuild-9.9/scripts")
        self.refused("no dangling links", "`scripts`", "install the package linux-kbuild-9.9\n")

    def test_dangling_link_of_metadata(self) -> None:
        self.link("rust", "../linux-lib-rust-9.9-generic/rust")
        self.refused("no dangling links", "`rust`", "the package linux-lib-rust-9.9-generic\n")

    def test_path(self) -> None:
        """Characters that the kernel's build can't take, each in a name of the tree."""
        for name in ("a b", "a:b", "a#b", "a'b", "a%b", "a$b", "a(b", "a&b"):
            self.tree = self.folder / name
            self.headers.rename(self.tree)
            try:
                self.refused("a path that is one word", f"has `{name[1]}`")
            finally:
                self.tree.rename(self.headers)

    def test_path_is_no_text(self) -> None:
        """One line for each command, and what DKMS runs."""
        self.tree = self.folder / os.fsdecode(b"a\xffb")
        self.headers.rename(self.tree)
        self.addCleanup(self.tree.rename, self.headers)
        for script in ("check_kdir.py", "modules.py", "demo.py"):
            code, text = run(script, self.tree)
            self.assertEqual(code, 1)
            self.assertRegex(text, r"^error: KDIR=/.*/a\\xffb is not UTF-8; .*\n$")
            code, text = run(script, self.kernel.build, M=str(self.tree))
            self.assertEqual(code, 1)
            self.assertRegex(text, r"^error: M=/.*/a\\xffb is not UTF-8; .*\n$")
        said = run("dkms_preflight.py", self.tree, str(self.tree))
        self.is_refusal(said, "a path in UTF-8", "/a\\xffb: its path")

    def test_checkout_is_no_text(self) -> None:
        checkout = self.folder / os.fsdecode(b"checkout\xff")
        shutil.copytree(CHECKOUT / "scripts", checkout / "scripts")
        code, text = said_by([sys.executable, "-B", checkout / "scripts/check_kdir.py"])
        self.assertEqual(code, 1)
        self.assertRegex(text, r"^error: /.*/checkout\\xff is not UTF-8; .*\n$")

    def test_no_kernel_tree(self) -> None:
        """A directory of something else, be it with a Makefile and scripts, as this project's."""
        self.tree = CHECKOUT
        self.refused("a kernel tree", "not a kernel tree", "/lib/modules/")

    def test_never_configured(self) -> None:
        self.hide("include/config")
        if (self.tree / ".config").exists():
            self.hide(".config")
        self.add("Kconfig")
        self.refused("configured", "never configured")

    def test_not_built(self) -> None:
        self.hide("include/config")
        if not (self.tree / ".config").exists():
            self.add(".config")
        self.refused("configured", "not built yet")

    def test_empty_configuration(self) -> None:
        self.write("include/config/auto.conf", "")
        self.refused("configured")

    def test_too_old(self) -> None:
        for old in ("6.12.18", "6.11.2", "5.19.0-debian"):
            self.release(old)
            self.refused("a version", f"{old} is too old", "6.12.19")

    def release(self, name: str) -> None:
        """Gives the kernel another release."""
        self.write("include/config/kernel.release", f"{name}\n")

    def test_no_modules(self) -> None:
        self.configure("MODULES", "")
        self.refused("modules", "CONFIG_MODULES")

    def test_no_rust(self) -> None:
        self.configure("RUST", "")
        self.refused("Rust", "no CONFIG_RUST", "CONFIG_RUST=y")

    def test_no_rust_available(self) -> None:
        self.configure("RUST", "")
        self.configure("RUST_IS_AVAILABLE", "")
        self.refused("Rust that was available", "no CONFIG_RUST", "rustavailable")

    def test_no_source(self) -> None:
        """A distribution's headers have a part that another package has."""
        self.write("Makefile", MAKEFILE.format(self.tree, "/usr/src/linux-headers-9.9-common"))
        self.refused("the source that it was built from", "the package linux-headers-9.9-common)")

    def test_moved(self) -> None:
        """A build directory that was copied."""
        self.write("Makefile", MAKEFILE.format(self.kernel.build, self.kernel.source))
        self.refused("where it was built", f"that of {self.kernel.build}, from which it was moved")
        self.write("Makefile", MAKEFILE.format(self.tree, self.kernel.source))
        code, text = self.check()
        self.assertEqual(code, 0, text)

    def test_no_metadata(self) -> None:
        """It can be made, from a source that nobody knows of for a kernel that is not Debian's."""
        self.hide("rust")
        if (self.tree / ".config").exists():
            self.hide(".config")
        self.is_refusal(self.first(), ".config", "it has no Rust metadata, and no .config")
        self.add(".config")
        self.refused(
            "a source for metadata",
            "it has no Rust metadata",
            f"exactly Linux {self.kernel.release}",
        )
        code, text = self.check(KERNEL_SOURCE=str(self.kernel.source))
        self.assertEqual(code, 0, text)
        self.assertIn("Rust metadata: not there; whatever builds a module makes it first", text)

    def test_other_compilers(self) -> None:
        """Metadata that is made by another compiler would not be the kernel's."""
        self.hide("rust")
        if not (self.tree / ".config").exists():
            self.add(".config")
        self.configure("BINDGEN_VERSION_TEXT", 'CONFIG_BINDGEN_VERSION_TEXT="bindgen 0.70.0"')
        said = self.check(KERNEL_SOURCE=str(self.kernel.source))
        self.is_refusal(said, "the kernel's compilers", "built with bindgen 0.70.0, and the ")

    def first(self) -> tuple[int, str]:
        """What is said by a command that ends with the first thing that is wrong."""
        return run("metadata.py", self.tree)

    def test_all_that_is_wrong(self) -> None:
        """check-kdir says all of it, a line each; other commands the first."""
        self.hide("Module.symvers")
        self.hide("rust/libkernel.rmeta")
        code, text = self.check()
        self.assertEqual(code, 1)
        lines = text.splitlines()
        self.assertEqual(len(lines), 2, text)
        for line, row in zip(lines, ("Module.symvers", "metadata")):
            self.is_refusal((code, f"{line}\n"), row)
        self.is_refusal(self.first(), "Module.symvers")

    def test_partial_metadata(self) -> None:
        self.hide("rust/libkernel.rmeta")
        self.refused("metadata", "libkernel.rmeta", "E0463")

    def test_no_metadata_that_makefile_names(self) -> None:
        """A crate that only newer kernels have."""
        self.hide("rust/libpin_init.rmeta")
        self.refused("metadata", "libpin_init", "E0463")

    def test_no_helpers(self) -> None:
        self.symbol("RUST_INLINE_HELPERS")
        self.refused("inline helpers", "rust/helpers/helpers_module.bc")
        self.write("rust/helpers/helpers_module.bc", "")
        self.refused("inline helpers")

    def test_no_files(self) -> None:
        """Each file that a module's build reads, other than what it includes of the headers."""
        for name in (
            *("scripts/target.json", "scripts/module.lds", "scripts/Makefile.modpost"),
            *("scripts/Kbuild.include", "scripts/Makefile.lib", "scripts/Makefile.modfinal"),
            *("include/generated/autoconf.h", "include/generated/rustc_cfg"),
        ):
            with self.subTest(name):
                file, hidden = self.tree / name, self.folder / "hidden"
                file.rename(hidden)
                try:
                    self.refused("files of the build", f"it lacks {name}, ", "modules_prepare")
                    file.touch()
                    self.refused("files of the build", f"it lacks {name}, ")
                finally:
                    hidden.rename(file)

    def test_other_arch(self) -> None:
        for script in ("modules.py", "check_kdir.py"):
            said = run(script, self.tree, ARCH="arm64")
            self.is_refusal(said, "ARCH=", "is for x86_64, which ARCH=arm64 is not")

    def test_unsupported_arch(self) -> None:
        self.configure("X86_64", "CONFIG_MIPS=y")
        self.refused("an architecture", "architecture that is not supported", "arm64")

    def test_newer_than_tested(self) -> None:
        """It is given a try, with a notice."""
        self.release("7.9.1")
        code, said = self.check()
        self.assertEqual(code, 0, said)
        self.assertEqual(said.count("notice: Linux 7.9.1 is newer than 7.3"), 1, said)

    def test_no_symvers(self) -> None:
        self.write("Module.symvers", "")
        self.refused("Module.symvers")
        (self.tree / "Module.symvers").unlink()
        self.refused("Module.symvers")
        self.write("Module.symvers", "")


class Guests(Spoiled):
    """Trees that can build modules, and can't boot a guest, or run suites."""

    def setUp(self) -> None:
        """A tree with all that a guest takes, but for a test's defect."""
        super().setUp()
        assert self.kernel.image and self.kernel.source
        self.write(self.kernel.arch.image, "image")
        self.write("Makefile", MAKEFILE.format(self.tree, self.kernel.source))

    def unfit(self, row: str, *commands: str, **variables: str) -> None:
        """Modules can be built, and these commands can't run, which is a row's defect."""
        code, text = self.check(**variables)
        self.assertEqual(code, 0, text)
        for command in ("make test", "make demo"):
            if command in commands:
                self.assertRegex(text, rf"  {command}: no; KDIR=\S+: {pattern(row)}\n")
            else:
                self.assertIn(f"  {command}: yes\n", text)
        for script in ["kunit.py", "demo.py"][: len(commands)]:
            self.is_refusal(run(script, self.tree, **variables), row)

    def test_good(self) -> None:
        self.unfit("an image")

    def test_no_image(self) -> None:
        self.write(self.kernel.arch.image, "")
        self.unfit("an image", "make test", "make demo")

    def test_no_console(self) -> None:
        """What a guest takes must be in the kernel, not in a module."""
        self.configure("SERIAL_8250_CONSOLE", "CONFIG_SERIAL_8250_CONSOLE=m")
        self.unfit("what a guest needs", "make test", "make demo")

    def test_no_unloading(self) -> None:
        """A guest ends by unloading what it loaded."""
        self.configure("MODULE_UNLOAD", "")
        self.unfit("what a guest needs", "make test", "make demo")

    def test_no_key(self) -> None:
        ask_for_signatures(self.kernel, self.tree)
        self.addCleanup((self.tree / "scripts/sign-file").unlink)
        self.symbol("MODULE_SIG_FORCE")
        self.unfit("the key", "make test", "make demo")

    def test_kunit_is_a_module(self) -> None:
        self.configure("KUNIT", "CONFIG_KUNIT=m")
        self.unfit("KUnit in the kernel", "make test")

    def test_no_kunit(self) -> None:
        """Suites in Rust may run by themselves there, those in C can't."""
        self.configure("KUNIT", "")
        self.unfit("KUnit in the kernel")
        suites = str(CHECKOUT / "scripts/tests/fixtures/c_suite")
        self.unfit("KUnit for suites in C", "make test", M=suites)

    def test_no_kunit_py(self) -> None:
        """Headers without a source."""
        assert self.kernel.source
        self.write("Makefile", (self.kernel.source / "Makefile").read_text())
        self.unfit("kunit.py", "make test")


if __name__ == "__main__":
    unittest.main()
