# SPDX-License-Identifier: GPL-2.0

"""TOOLCHAIN=host: which of the machine's tools are taken, and that nothing else reaches the build.

The machine is the toolchain's root, in which tools have the names only that another distribution
gives them, and bubblewrap is not there.
"""

import os
import re
import shutil
import unittest
from pathlib import Path
from unittest import mock

from copies import CHECKOUT, said_by
from outside import Outside, um_kernel

from harness import environment
from harness import own_tools
from harness import places
from harness import toolchain as toolchains
from harness import variables
from harness.toolchain import Toolchain

# The programs that have their plain names there nowhere, and those that get the name of a version.
PLAIN = re.compile(r"clang(\+\+)?|ld\.lld|lld|llvm-[a-z-]+|rustc|bindgen")
VERSIONS = {"rustc-1.85": "rustc", "rustc-1.9": "rustc", "bindgen-0.71": "bindgen"}

# Names that Makefiles take out of the environment or from make's command line.
USED = re.compile(
    r"\$[({](\w+)[)}:]|\b(?:ifdef|ifndef)\s+(\w+)|^\s*(?:export\s+)?(\w+)\s*[?+]?=", re.M
)

# What compilers, linkers and make take, by their manuals.
COMPILERS = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH"),
    *("COMPILER_PATH", "GCC_EXEC_PREFIX", "GCC_COMPARE_DEBUG", "DEPENDENCIES_OUTPUT"),
    *("SUNPRO_DEPENDENCIES", "SOURCE_DATE_EPOCH", "CCC_OVERRIDE_OPTIONS", "LD_RUN_PATH"),
    *("GNUTARGET", "LDEMULATION", "COLLECT_NO_DEMANGLE", "CLANG_CONFIG_FILE_SYSTEM_DIR"),
    *("RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_BOOTSTRAP", "RUSTC_LOG"),
    *("RUSTFLAGS", "RUSTDOCFLAGS", "RUST_TARGET_PATH", "RUST_BACKTRACE", "RUST_LIB_SRC"),
    *("CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "BINDGEN_EXTRA_CLANG_ARGS", "CLANG_PATH"),
    *("MAKEFILES", "MAKEFLAGS", "GNUMAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "VPATH"),
    *("KBUILD_OUTPUT", "KBUILD_EXTMOD", "KBUILD_EXTRA_SYMBOLS", "KBUILD_VERBOSE", "KCFLAGS"),
    *("KAFLAGS", "KCPPFLAGS", "KRUSTFLAGS", "CROSS_COMPILE", "LLVM", "SRCARCH", "SUBARCH"),
    *("LC_ALL", "LC_COLLATE", "CDPATH", "BASH_ENV", "ENV", "GREP_OPTIONS", "POSIXLY_CORRECT"),
)


def kernels_variables() -> set[str]:
    """All variables that Makefiles of the kernels have, and those of COMPILERS."""
    found = set(COMPILERS)
    for tree in places.stage("source").glob("[0-9].*/tree"):
        for file in (
            *[tree / "Makefile", tree / "rust/Makefile", tree / "scripts/Kbuild.include"],
            *(tree / "scripts").glob("Makefile*"),
            *(tree / "arch").glob("*/Makefile*"),
            *(tree / "tools").glob("scripts/Makefile*"),
            *(tree / "tools").glob("build/Makefile*"),
            *[tree / "tools/objtool/Makefile", tree / "tools/bpf/resolve_btfids/Makefile"],
        ):
            if file.is_file():
                for names in USED.findall(file.read_text()):
                    found |= {name for name in names if name}
    return {name for name in found if name.isidentifier() and not name.startswith("CONFIG_")}


# What the harness takes itself, or Python.
HARNESS = {*variables.SOME, *variables.ANY, *variables.TOOLS, "GIVEN", "MODLIB"}


def exported() -> dict[str, str]:
    """All of those with a value that no build survives, but for what is meant for the programs."""
    meant = {*environment.ANYWHERE, *environment.OWN, *HARNESS}
    return {name: "/poison" for name in sorted(kernels_variables() - meant)}


class Environment(unittest.TestCase):
    """What reaches a program."""

    def test_nothing_else(self) -> None:
        """Of all that the kernels' Makefiles know nothing does, of what is listed all."""
        bad = exported()
        self.assertGreater(len(bad), 500)
        for name in ("KBUILD_OUTPUT", "KCFLAGS", "CC", "HOSTCC", "INSTALL_MOD_STRIP", "W"):
            self.assertIn(name, bad)
        good = {name: f"/{name}" for name in environment.OWN if name != "PATH"}
        listed = {**good, **{name: f"/{name}" for name in environment.ANYWHERE}}
        root = toolchains.root()
        with mock.patch.dict(os.environ, {**bad, **listed, "LLVM": "1"}):
            seen, in_root = (one.output(["env"]) for one in (Toolchain(None, ""), root))
        self.assertNotIn("poison", seen + in_root)
        self.assertNotIn("\nLLVM=", seen + in_root)
        for name, value in listed.items():
            self.assertIn(f"{name}={value}", seen.splitlines())
            self.assertEqual(f"{name}={value}" in in_root.splitlines(), name not in environment.OWN)


class OwnTools(Outside):
    """Commands on a machine with tools of its own."""

    toolchain: Toolchain
    kernel: Path
    bin: Path
    cache: Path

    @classmethod
    def setUpClass(cls) -> None:
        """Makes the machine's directory of programs."""
        super().setUpClass()
        cls.toolchain = toolchains.root()
        assert cls.toolchain.root
        cls.kernel = um_kernel()
        cls.bin, cls.cache = cls.place / "bin", cls.place / "cache"
        for folder in (cls.bin, cls.cache):
            folder.mkdir()
        for file in (cls.toolchain.root / "usr/bin").iterdir():
            if not PLAIN.fullmatch(file.name):
                (cls.bin / file.name).symlink_to(f"/usr/bin/{file.name}")
        for name, plain in VERSIONS.items():
            (cls.bin / name).symlink_to(f"/usr/bin/{plain}")

    def there(self, command: str, code: int = 0, **given: str) -> str:
        """Runs a script on the machine, with its words; what it says."""
        script, *words = command.split()
        argv = self.toolchain.argv(
            ["python3", "-B", str(CHECKOUT / "scripts" / script), *words],
            ro=[CHECKOUT, places.stage("source"), places.stage("kernel")],
            rw=[self.place],
            cwd=CHECKOUT,
            env={
                "PATH": str(self.bin),
                "RUST_ALLOC_DEMO_CACHE": str(self.cache),
                "TOOLCHAIN": "host",
                **given,
            },
        )
        ended, said = said_by(argv)
        self.assertEqual(ended, code, said)
        return said

    def test_message(self) -> None:
        """The names of what is there are said, with the variables that take them."""
        said = self.there("demo.py", code=1)
        self.assertIn(
            "error: TOOLCHAIN=host: this machine has no rustc, bindgen, clang, ld.lld, llvm-nm;"
            " clang-19 is there: set LLVM=-19; rustc-1.85 is there: set RUSTC=rustc-1.85;"
            " bindgen-0.71 is there: set BINDGEN=bindgen-0.71, or leave TOOLCHAIN unset\n",
            said,
        )
        module = self.copy("c_suite")
        said = self.there("modules.py", code=1, M=str(module), KDIR=str(self.kernel))
        self.assertIn("has no clang, ld.lld, llvm-objcopy (clang-19 is there: set LLVM=-19)", said)

    def test_named(self) -> None:
        """With them the modules are built, whatever else is exported."""
        module = self.copy("rust_out_of_tree")
        given = {"KDIR": str(self.kernel), "M": str(module), "RUSTC": "rustc-1.85"}
        for llvm in ("-19", "/usr/lib/llvm-19/bin/"):
            with self.subTest(llvm):
                self.there("modules.py", 0, **{**exported(), **given, "LLVM": llvm})
                [made] = module.glob("*.ko")
                made.unlink()
                shutil.rmtree(self.cache / "module")

    def test_suites(self) -> None:
        """The suites of a module run in a guest."""
        given = {"KDIR": str(self.kernel), "M": str(self.copy("c_suite"))}
        said = self.there("kunit.py test", 0, **given, LLVM="-19", RUSTC="rustc-1.85")
        self.assertRegex(said, r"(?m)^kunit: [1-9]\d* passed, 0 failed")

    def test_wrong(self) -> None:
        """What names nothing that is there, in one line."""
        for name, value, message in (
            ("LLVM", "-99", "LLVM=-99: this machine has no clang-99"),
            ("LLVM", "/usr/lib/llvm-99/", "LLVM=/usr/lib/llvm-99/: there is no clang in that"),
            ("LLVM", "yes", "LLVM=yes names no tools; it is 1, a suffix like -19, or a directory"),
            ("RUSTC", "rustc-9", "RUSTC=rustc-9: this machine has no such program"),
        ):
            said = self.there("demo.py", code=1, **{name: value})
            self.assertEqual(
                [line for line in said.splitlines() if message in line],
                [line for line in said.splitlines() if line.startswith("error: ")],
                said,
            )
            self.assertIn(message, said)

    def test_refused(self) -> None:
        """Without TOOLCHAIN=host they are refused on the command line, as by what takes none."""
        for goal in ("demo", "host-test"):
            said = self.refused(goal, LLVM="-19", ARCH="")
            self.assertEqual(
                said, "error: LLVM= names a tool of this machine, and takes TOOLCHAIN=host"
            )
        self.assertIn(
            "make distclean does not take RUSTC=", self.refused("distclean", RUSTC="rustc", ARCH="")
        )


class Names(unittest.TestCase):
    """The tools of versions."""

    def test_newest(self) -> None:
        """The newest that is there is named, by its numbers."""
        with places.scratch("bin") as folder:
            for name in ("rustc-1.85", "rustc-1.9", "rustc-1.100", "rustc-dev", "clang-format-19"):
                (folder / name).touch(mode=0o755)
            with mock.patch.dict(os.environ, {"PATH": str(folder), "TOOLCHAIN": "host"}):
                self.assertEqual(own_tools.versions("rustc")[-1], "rustc-1.100")
                self.assertEqual(own_tools.versions("clang"), [])


if __name__ == "__main__":
    unittest.main()
