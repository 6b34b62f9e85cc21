# SPDX-License-Identifier: GPL-2.0

"""Whether a kernel's configuration is what its fragments ask for."""

import os
import unittest
from pathlib import Path
from unittest import mock

from copies import Harness

from harness import lean
from harness import source as sources
from harness import toolchain as toolchains
from harness.arch import ARCHES
from harness.flavour import FLAVOURS, PLAIN
from harness.cells import CELLS

KNOWN = {"CONFIG_A", "CONFIG_B", "CONFIG_C"}


class Asked(unittest.TestCase):
    """The settings that a .config doesn't have."""

    def wrong(self, fragments: str, config: str) -> list[str]:
        """What is not as asked."""
        return lean.not_as_asked(fragments, config, KNOWN)

    def test_as_asked(self) -> None:
        """Settings, one that is off and mentioned, and one that is off and isn't."""
        asked = "# A comment.\nCONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_C is not set\n"
        self.assertEqual(self.wrong(asked, "CONFIG_A=y\n# CONFIG_B is not set\n"), [])

    def test_other(self) -> None:
        """Kconfig has made something else of each."""
        asked = "CONFIG_A=y\nCONFIG_B=8\n# CONFIG_C is not set\n"
        for config in (
            "# CONFIG_A is not set\nCONFIG_B=9\nCONFIG_C=y\n",
            "CONFIG_C=m\n",
        ):
            self.assertEqual(self.wrong(asked, config), asked.splitlines())

    def test_unknown(self) -> None:
        """What the source doesn't have, nobody can be asked for."""
        self.assertEqual(self.wrong("CONFIG_NEWER=y\nCONFIG_A=y\n", "CONFIG_A=y\n"), [])

    def test_override(self) -> None:
        """Of two fragments the later counts, both ways."""
        on, off = "CONFIG_A=y\n", "# CONFIG_A is not set\n"
        self.assertEqual(self.wrong(on + off, ""), [])
        self.assertEqual(self.wrong(on + off, off), [])
        self.assertEqual(self.wrong(on + off, on), [off.strip()])
        self.assertEqual(self.wrong(off + on, on), [])
        self.assertEqual(self.wrong(off + on, off), [on.strip()])


class Table(unittest.TestCase):
    """The architectures and their configurations."""

    def test_fragments(self) -> None:
        """Each has its fragment, and there is none that nothing takes."""
        folder = Path(lean.__file__).with_name("configs")
        have = [file.stem for file in folder.iterdir()]
        self.assertCountEqual(have, ["base", *ARCHES, *FLAVOURS])
        self.assertEqual([file.suffix for file in folder.iterdir()], [".config"] * len(have))

    def test_cells(self) -> None:
        """Each is in the matrix."""
        cells = [cell for cell in CELLS if not cell.shipped]
        self.assertEqual({cell.arch for cell in cells}, set(ARCHES))
        have = {(cell.arch, cell.flavour) for cell in cells if cell.flavour}
        self.assertEqual(
            have, {(arch, name) for name, one in FLAVOURS.items() for arch in one.arches}
        )


class Fragments(Harness):
    """The fragments of a module's own directory."""

    def recipe(self, arch: str = "x86_64", **variables: str) -> lean.Recipe:
        """What a kernel for the modules in faults/ is made of."""
        toolchain = toolchains.provide()
        source = sources.provide("7.3", None, toolchain)
        with mock.patch.dict(os.environ, variables):
            return lean.recipe(source, ARCHES[arch], PLAIN, toolchain)

    def test_last(self) -> None:
        """They come last, make another kernel of it, and only where they are selected."""
        top = "scripts/tests/faults"
        self.write(f"{top}/guest/kernel-x86_64.config", "# CONFIG_SMP is not set\n")
        own = {"M": str(self.copy / top)}
        plain, other = self.recipe(), self.recipe(**own)
        self.assertTrue(other.fragments.endswith("# CONFIG_SMP is not set\n"))
        self.assertNotEqual(plain.name, other.name)
        self.assertEqual(self.recipe("um").name, self.recipe("um", **own).name)

    def test_comments(self) -> None:
        """What sets nothing makes no other kernel."""
        top = "scripts/tests/faults"
        self.write(f"{top}/guest/kernel.config", "# Nothing.\n\n")
        self.assertEqual(self.recipe().name, self.recipe(M=str(self.copy / top)).name)


if __name__ == "__main__":
    unittest.main()
