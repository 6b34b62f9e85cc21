# SPDX-License-Identifier: GPL-2.0

"""The alloc crate in modules of others: what is refused, crates from crates.io, no memory."""

import shutil
import unittest

from copies import CHECKOUT, said_by
from outside import Outside, content

import cargo
from harness import module
from harness import selection
from harness import toolchain
from harness.kernel import Needs
from lifted import make_alloc_module

FALLIBLE = "alloc-crate := fallible\n"
INFALLIBLE = "alloc-crate := infallible\n"
INCLUDE = "include $(src)/allocator/alloc_crate.mk\n"

# More than the slab has, of an alignment that nothing else has.
TOO_MUCH = """extern crate alloc;

#[repr(align(32))]
struct Wide([u8; 32]);

let wide = alloc::vec::Vec::<Wide>::with_capacity(1 << 24);
let _ = wide.first().map(|wide| wide.0);
"""


class Builds(Outside):
    """The kernel's own command, in a module's directory."""

    def built(self, name: str, kbuild: str, *words: str) -> tuple[int, str]:
        """Builds a module of this Kbuild; the exit code, and what was said."""
        src = self.place / name
        shutil.rmtree(src, ignore_errors=True)
        src.mkdir()
        make_alloc_module(src, kbuild)
        return self.run_make(name, *words, "modules")

    def run_make(self, name: str, *words: str) -> tuple[int, str]:
        """Runs the kernel's make in a module's directory."""
        kernel = selection.select(1, 1, Needs())
        return said_by(module.make(kernel, self.place / name, words))

    def refused_by(self, kbuild: str, *words: str) -> str:
        """What make says of one that it must refuse before it compiles anything; that line."""
        code, out = self.built("refused", kbuild, *words)
        self.assertNotEqual(code, 0, out)
        self.assertNotIn("RUSTC", out)
        lines = [line for line in out.splitlines() if "alloc_crate.mk" in line]
        self.assertEqual(len(lines), 1, out)
        return lines[0]

    def test_no_rust_src(self) -> None:
        line = self.refused_by(FALLIBLE + INCLUDE, "RUST_LIB_SRC=/nowhere")
        self.assertIn("/nowhere has no alloc/src/lib.rs", line)
        self.assertIn("install the package rust-src", line)

    def test_unknown_form(self) -> None:
        line = self.refused_by("alloc-crate := infalible\n" + INCLUDE)
        self.assertIn('alloc-crate is "infalible"; it can be fallible or infallible', line)

    def test_set_too_late(self) -> None:
        """A form that is said behind the include would not be the one that is built."""
        line = self.refused_by(INCLUDE + INFALLIBLE)
        self.assertIn("alloc-crate has to be set before alloc_crate.mk is included", line)

    def test_no_such_crate(self) -> None:
        line = self.refused_by("alloc-crates := itoa\n" + INCLUDE)
        self.assertIn("has no vendor/itoa/src/lib.rs", line)
        self.assertIn("cargo vendor", line)

    def test_clean(self) -> None:
        """The fallible form is the default; nothing of it is left behind by the kernel's clean."""
        code, out = self.built("cleaned", INCLUDE)
        self.assertEqual(code, 0, out)
        self.assertTrue((self.place / "cleaned/alloc_crate/liballoc.rmeta").exists())
        code, out = self.run_make("cleaned", "RUST_LIB_SRC=/nowhere", "clean")
        self.assertEqual(code, 0, out)
        left = content(self.place / "cleaned")
        self.assertEqual(
            sorted(name for name in left if not name.startswith("allocator")),
            ["Kbuild", "alloc_crate", "my_module.rs"],
        )


class Crates(Outside):
    """Crates from crates.io, as cargo vendors them."""

    def vendored(self, fixture: str) -> str:
        """A module's directory, with its crates and the allocator."""
        to = self.copy(fixture)
        vendor = cargo.vendor(toolchain.provide(), to)
        shutil.copytree(vendor, to / "vendor")
        shutil.copytree(CHECKOUT / "allocator", to / "allocator")
        return str(to)

    def test_fallible(self) -> None:
        """A tree of boxes, by a crate that allocates nothing by itself."""
        for arch in ("um", "x86_64"):
            out = self.make("demo", M=self.vendored("crate_fallible"), ARCH=arch)
            self.assertNotIn("warning", out)
            self.assertIn("crate_fallible: tree: ordered=1000 above=100\n", out)
            self.assertIn("crate_fallible: tree: found=99 removed=693\n", out)

    def test_infallible(self) -> None:
        """A hash table over another crate's."""
        for arch in ("um", "x86_64"):
            out = self.make("demo", M=self.vendored("crate_infallible"), ARCH=arch)
            self.assertNotIn("warning", out)
            self.assertIn("map: kept=true found=693 removed=693 left=99\n", out)

    def test_needs_the_other(self) -> None:
        """What the second calls doesn't exist in the fallible form."""
        folder = self.place / "crate_infallible"
        self.vendored("crate_infallible")
        kbuild = (folder / "Kbuild").read_text()
        (folder / "Kbuild").write_text(kbuild.replace(INFALLIBLE, FALLIBLE))
        out = self.make("demo", M=str(folder), code=2)
        self.assertIn("error", out)
        self.assertIn("handle_alloc_error", out)


class NoMemory(Outside):
    """A request that can't be met in the infallible form."""

    def test_message_and_bug(self) -> None:
        """The layout is said, and the task ends in a BUG; not so where it can be met."""
        src = self.place / "no_memory"
        src.mkdir()
        make_alloc_module(src, INFALLIBLE + INCLUDE, TOO_MUCH)
        out = self.make("demo", M=str(src), ARCH="x86_64", code=2)
        self.assertIn("alloc: no memory for a layout of size 536870912, align 32\n", out)
        self.assertRegex(out, "error: the kernel complained: .*BUG")


if __name__ == "__main__":
    unittest.main()
