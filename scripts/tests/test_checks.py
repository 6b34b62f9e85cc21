# SPDX-License-Identifier: GPL-2.0

"""What the preflight asks of tools and of the kernel's own programs, each spoiled; and that the
table in the documentation is the rows', and each row is tested."""

import os
import re
import unittest
from pathlib import Path

from copies import Harness
from spoiled import Spoiled, run

import checks
from distribution import run as run_well
from harness import requirements
from harness import source as sources
from harness import toolchain as toolchains

# Where an ELF file says for which machine it is (elf.h, e_machine), and another than this one.
MACHINE, ARM64 = 18, b"\xb7\x00"

# A machine's rustup that has nothing to start, and what it says.
SHIM_SAYS = "error: rustup could not choose a version of rustc to run"
SHIM = f'echo "{SHIM_SAYS}" >&2; exit 1'

GCC = "gcc-14 (Debian 14.1.0-1) 14.1.0"


class Tools(Spoiled):
    """The tree is good, and the machine is not."""

    def test_good(self) -> None:
        """As the other tests have the machine, but with nothing spoiled."""
        code, text = self.check_inside({"unrelated": "exit 1"})
        self.assertEqual(code, 0, text)

    def test_other_rustc(self) -> None:
        self.built_with_rustc("1.78.0")
        self.refused("the kernel's rustc", "rustc 1.78.0", "E0514", "the toolchain's root has")

    def built_with_rustc(self, version: str) -> None:
        """Has the kernel say that it was built with a rustc."""
        text = f'"rustc {version} (9b00956e5 2024-04-29)"'
        self.configure("RUSTC_VERSION_TEXT", f"CONFIG_RUSTC_VERSION_TEXT={text}")

    def built_with(self, version: str) -> None:
        """Has the kernel say that it was built with a C compiler."""
        self.configure("CC_VERSION_TEXT", f'CONFIG_CC_VERSION_TEXT="{version}"')

    def test_shim(self) -> None:
        """A rustc that fails is quoted, whether it is looked for or is all that there is."""
        said = self.check_inside({"rustc": SHIM})
        self.is_refusal(
            said, "tools that work", f"rustc of this machine does not work: {SHIM_SAYS}"
        )
        self.built_with_rustc("1.78.0")
        shim = self.folder / "shim/rustc"
        shim.parent.mkdir()
        shim.write_text(f"#!/bin/sh\n{SHIM}\n")
        shim.chmod(0o755)
        said = self.check(PATH=f"{shim.parent}:{os.environ['PATH']}")
        self.is_refusal(
            said, "the kernel's rustc", f"this machine has one that fails ({SHIM_SAYS}), the "
        )

    def test_broken_tool(self) -> None:
        said = self.check_inside({"ld.lld": "echo cannot open libLLVM.so >&2; exit 127"})
        self.is_refusal(said, "tools that work", "ld.lld of this machine", "cannot open libLLVM.so")

    def test_no_tool(self) -> None:
        said = self.check_inside({}, without=["llvm-objcopy", "rustc"])
        self.is_refusal(
            said,
            "tools of this machine",
            "built with clang, and this machine has no llvm-objcopy, rustc",
            "as root: apt-get install llvm rustc\n",
        )

    def test_no_cross_tools(self) -> None:
        """A kernel that a cross compiler built."""
        self.configure("CC_IS_CLANG", "")
        self.built_with("powerpc64le-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0")
        self.refused(
            "tools of the root",
            "the toolchain's root has no powerpc64le-linux-gnu-gcc-14, powerpc64le-linux-gnu-ld",
            "gcc-14-powerpc64le-linux-gnu binutils-powerpc64le-linux-gnu on this machine",
        )

    def test_no_pahole(self) -> None:
        """Where modules get BTF, which they do if there is a vmlinux."""
        self.symbol("DEBUG_INFO_BTF_MODULES")
        code, text = self.check_inside({}, without=["pahole"])
        self.assertEqual(code, 0, text)
        self.write("vmlinux", "")
        self.write("tools/bpf/resolve_btfids/resolve_btfids", "#!/bin/sh\n")
        said = self.check_inside({}, without=["pahole"])
        self.is_refusal(said, "tools of this machine", "no pahole;", "apt-get install pahole\n")

    def test_older_compiler(self) -> None:
        """Of another major version; what is newer, or differs by less, will do."""
        self.built_with("Debian clang version 20.1.0 (1)")
        self.refused("a compiler that is not older", "clang version 20.1.0", "TOOLCHAIN=host")

    def test_newer_compiler(self) -> None:
        for version in ("18.1.8", "19.9.9"):
            self.built_with(f"Debian clang version {version} (1)")
            code, text = self.check()
            self.assertEqual(code, 0, text)

    def test_plugins(self) -> None:
        """gcc refuses a plugin that another gcc built."""
        self.configure("CC_IS_CLANG", "")
        self.built_with(GCC)
        code, text = self.check()
        self.assertEqual(code, 0, text)
        self.symbol("GCC_PLUGINS")
        self.refused("the compiler of its plugins", GCC)

    def test_other_llvm(self) -> None:
        """Bitcode of rustc's that llvm-link can't read."""
        self.symbol("RUST_INLINE_HELPERS")
        self.write("rust/helpers/helpers_module.bc", "BC")
        code, text = self.check()
        self.assertEqual(code, 0, text)
        said = self.check_inside({"llvm-link": "echo; echo LLVM version 18.1.8"})
        self.is_refusal(said, "one LLVM", "rustc is of LLVM 19, llvm-link is of LLVM 18")
        said = self.check_inside({}, without=["llvm-link"])
        self.is_refusal(said, "tools of this machine", "no llvm-link")


class Programs(Spoiled):
    """The kernel's own programs."""

    def test_missing(self) -> None:
        for name in ("scripts/basic/fixdep", "scripts/mod/modpost", "tools/objtool/objtool"):
            with self.subTest(name):
                file, hidden = self.tree / name, self.folder / "hidden"
                file.rename(hidden)
                try:
                    self.refused("the kernel's programs", f"it lacks {name}, ", "modules_prepare")
                finally:
                    hidden.rename(file)

    def test_no_recordmcount(self) -> None:
        self.symbol("FTRACE_MCOUNT_USE_RECORDMCOUNT")
        self.refused("the kernel's programs", "it lacks scripts/recordmcount, ")

    def test_no_resolve_btfids(self) -> None:
        self.symbol("DEBUG_INFO_BTF_MODULES")
        self.write("vmlinux", "")
        self.refused("the kernel's programs", "tools/bpf/resolve_btfids/resolve_btfids")

    def unstartable(self, name: str, why: str) -> None:
        """A program must be refused, and why."""
        self.refused("programs that start", f"{name}, ", "the toolchain's root: ", why)

    def test_other_machine(self) -> None:
        name = "scripts/mod/modpost"
        content = bytearray((self.tree / name).read_bytes())
        content[MACHINE : MACHINE + 2] = ARM64
        self.write(name, bytes(content))
        self.unstartable(name, "Exec format error")

    def test_empty(self) -> None:
        self.write("scripts/basic/fixdep", "")
        self.unstartable("scripts/basic/fixdep", "Exec format error")

    def test_not_executable(self) -> None:
        file = self.tree / "tools/objtool/objtool"
        mode = file.stat().st_mode
        file.chmod(0o644)
        self.addCleanup(file.chmod, mode)
        self.unstartable("tools/objtool/objtool", "Permission denied")

    def test_newer_library(self) -> None:
        self.patch("scripts/mod/modpost", b"GLIBC_2.38", b"GLIBC_2.98")
        self.unstartable("scripts/mod/modpost", "version `GLIBC_2.98' not found")

    def test_no_library(self) -> None:
        self.patch("scripts/mod/modpost", b"libc.so.6", b"libc.so.9")
        self.unstartable("scripts/mod/modpost", "error while loading shared libraries: libc.so.9")

    def test_no_loader(self) -> None:
        self.patch(
            "scripts/basic/fixdep", b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-linux-x86-64.so.9"
        )
        self.unstartable("scripts/basic/fixdep", "No such file or directory")

    def test_other_processor(self) -> None:
        """Built for instructions that this one doesn't have."""
        self.write("scripts/basic/fixdep", "#!/bin/sh\nkill -ILL $$\n")
        self.unstartable("scripts/basic/fixdep", "it was ended by SIGILL")

    def test_behind(self) -> None:
        """Debian's modpost starts another."""
        self.write("scripts/mod/modpost.real-lsb-64", "")
        self.unstartable("scripts/mod/modpost.real-lsb-64", "Exec format error")


class Metadata(Spoiled):
    """The kernel's crates, as files that are there."""

    def unusable(self, row: str, *words: str) -> None:
        """The metadata must be refused."""
        self.refused(row, "Rust metadata can't be used; rustc says: ", *words)

    def test_empty(self) -> None:
        """Any crate, also one that only another needs."""
        for name in ("kernel", "core", "ffi", "pin_init"):
            with self.subTest(name):
                file = f"rust/lib{name}.rmeta"
                content = (self.tree / file).read_bytes()
                self.write(file, "")
                self.unusable("metadata that loads", f"crate for `{name}`")
                (self.tree / file).write_bytes(content)

    def test_truncated(self) -> None:
        content = (self.tree / "rust/libkernel.rmeta").read_bytes()
        for size in (4, 100, len(content) - 1):
            with self.subTest(size):
                self.write("rust/libkernel.rmeta", content[:size])
                self.unusable("metadata that loads", "`kernel`")
                (self.tree / "rust/libkernel.rmeta").write_bytes(content)

    def test_empty_macros(self) -> None:
        self.write("rust/libmacros.so", "")
        self.unusable("metadata that loads", "`macros`")

    def test_macros_of_another_machine(self) -> None:
        content = bytearray((self.tree / "rust/libmacros.so").read_bytes())
        content[MACHINE : MACHINE + 2] = ARM64
        self.write("rust/libmacros.so", bytes(content))
        self.unusable("metadata that loads", "rust/libmacros.so: ")

    def test_stripped_macros(self) -> None:
        """Without the section that has the metadata, as of a package that was stripped."""
        folder = self.tree / "rust"
        command = [
            "llvm-objcopy",
            "-R",
            ".rustc",
            str(folder / "libmacros.so"),
            f"{folder}/stripped",
        ]
        run_well(self.kernel, command, rw=[folder])
        stripped = folder / "stripped"
        content = stripped.read_bytes()
        stripped.unlink()
        self.write("rust/libmacros.so", content)
        self.unusable("metadata that loads", "`macros`")

    def test_other_configuration(self) -> None:
        """A crate of another build of the kernel."""
        self.write("rust/libffi.rmeta", (self.tree / "rust/libbuild_error.rmeta").read_bytes())
        self.unusable("metadata that loads", "`ffi`")

    def test_truncated_target(self) -> None:
        """What rustc compiles for."""
        content = (self.tree / "scripts/target.json").read_bytes()
        self.write("scripts/target.json", content[: len(content) // 2])
        self.unusable("metadata that loads", "target specification")

    def test_refused_by_all(self) -> None:
        """By what builds, and by what DKMS runs."""
        self.write("rust/libkernel.rmeta", "")
        for script in ("modules.py", "demo.py", "metadata.py"):
            self.is_refusal(run(script, self.tree), "metadata that loads", "`kernel`")


class Autorun(Harness):
    """A kernel that leaves suites alone."""

    def test_autorun(self) -> None:
        """kunit.autorun=0 is what CONFIG_KUNIT_AUTORUN_ENABLED=n comes to."""
        self.change(
            "scripts/harness/arch.py",
            'words = [f"console={self.console}", ',
            'words = [f"console={self.console}", "kunit.autorun=0", ',
        )
        self.run_faulty("kunit.py", "test", code=0)
        self.change("scripts/harness/kunit.py", '"kunit.autorun=1"', '"quiet"')
        out = self.run_faulty("kunit.py", "test", code=1)
        self.assertIn("did not run", out)


class Table(unittest.TestCase):
    """The rows themselves."""

    def test_documented(self) -> None:
        page = checks.PAGE.read_text()
        self.assertEqual(page, checks.renewed(page), f"{checks.PAGE.name} is stale; {checks.AGAIN}")

    def test_tested(self) -> None:
        """Each row's name is in a test, which is_refusal() and unfit() hold to its texts."""
        tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
        for row in requirements.ROWS:
            self.assertIn(f'"{row.name}"', tests)

    def test_sources(self) -> None:
        """Where a row comes from is a file of the kernel's newest source."""
        tree = sources.provide(sources.DEFAULT, None, toolchains.provide()) / "tree"
        for row in requirements.ROWS:
            for name in re.findall(r"(?<!\S)(?:Makefile|[\w.*-]+/[\w./*-]+)(?=[,;]|$)", row.source):
                self.assertTrue(any(tree.glob(name)), f"{row.name}: {name}")

    def test_names(self) -> None:
        names = [row.name for row in requirements.ROWS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
