# SPDX-License-Identifier: GPL-2.0

"""Modules that nobody here wrote: the kernel's own tests in lib/tests and its samples in Rust,
copied out of the source that is in the cache and built out of tree as they are."""

import re
import shutil
import unittest
from pathlib import Path

from outside import Outside

from harness import places

# What of lib/tests can't be built for the lean kernel, or fails there for want of something: what
# it takes.
TESTS = {
    "blackhole_dev_kunit": "CONFIG_NET",
    "liveupdate": "CONFIG_LIVEUPDATE; it is no module",
    "longest_symbol_kunit": "CONFIG_KPROBES",
    "shdi3_kunit": "symbols that kernels of 64 bits don't have",
    "test_fprobe": "CONFIG_FPROBE",
    "test_kprobes": "CONFIG_KPROBES",
    "test_linear_ranges": "CONFIG_LINEAR_RANGES, which a driver selects",
}

# The same of samples/rust.
SAMPLES = {
    "rust_configfs": "CONFIG_CONFIGFS_FS",
    "rust_dma": "CONFIG_PCI",
    "rust_driver_auxiliary": "CONFIG_PCI, CONFIG_AUXILIARY_BUS",
    "rust_driver_i2c": "CONFIG_I2C",
    "rust_driver_pci": "CONFIG_PCI",
    "rust_driver_serdev": "CONFIG_SERIAL_DEV_BUS",
    "rust_driver_usb": "CONFIG_USB",
    "rust_i2c_client": "CONFIG_I2C",
    "rust_soc": "CONFIG_SOC_BUS",
}

# The composite sample, of Rust and C.
PRINT = "rust_print"

# What a fragment sets: something that the lean kernel lacks, and another mind than the lean one's.
FRAGMENT = """\
CONFIG_CONFIGFS_FS=y
# CONFIG_KUNIT_AUTORUN_ENABLED is not set
"""

# The sample that can be built then, and a suite that has to run all the same.
BROUGHT = "rust_configfs"
SUITE = "list-test"


class KernelCode(Outside):
    """Directories of the kernel's sources."""

    @classmethod
    def setUpClass(cls) -> None:
        """Finds the source."""
        super().setUpClass()
        cls.tree = places.stage("source") / "7.3/tree"

    tree: Path

    def directory(self, name: str, files: list[Path], kbuild: str) -> Path:
        """A module directory with these files."""
        to = self.place / name
        to.mkdir()
        for file in files:
            shutil.copy2(file, to)
        (to / "Kbuild").write_text(kbuild)
        return to

    def tests(self) -> dict[str, Path]:
        """The files of lib/tests, by the names of the modules."""
        return {file.stem: file for file in sorted((self.tree / "lib/tests").glob("*.c"))}

    def test_lib_tests(self) -> None:
        """All of them that can be built pass; each is a module with suites of its own."""
        files = {name: file for name, file in self.tests().items() if name not in TESTS}
        self.assertFalse(set(TESTS) - set(self.tests()), "what is listed must be there")
        self.assertGreater(len(files), 30)
        kbuild = "".join(f"obj-m += {name}.o\n" for name in files)
        folder = self.directory("lib_tests", list(files.values()), kbuild)
        out = self.make("test", M=str(folder))
        last = re.search(r"^kunit: (\d+) passed, 0 failed", out, re.MULTILINE)
        self.assertIsNotNone(last, out[-2000:])
        assert last
        self.assertGreater(int(last[1]), 300)
        self.assertIn(f", {len(files)} of {len(files)}\n", out)

    def test_samples(self) -> None:
        """All samples that can be built are loaded and unloaded, the composite one among them."""
        parts = (f"{PRINT}_main", f"{PRINT}_events")
        files = {
            file.stem: file
            for file in sorted((self.tree / "samples/rust").glob("rust_*"))
            if file.suffix in (".rs", ".c") and file.stem not in SAMPLES
        }
        names = [name for name in files if name not in parts] + [PRINT]
        self.assertGreater(len(names), 5)
        kbuild = "ccflags-y += -I$(srctree)/samples/rust\n"
        kbuild += "".join(f"obj-m += {name}.o\n" for name in names)
        kbuild += f"{PRINT}-y := {' '.join(f'{part}.o' for part in parts)}\n"
        folder = self.directory("samples", list(files.values()), kbuild)
        out = self.make("demo", M=str(folder))
        self.assertIn("demo: insmod and rmmod went as they should", out)
        self.assertIn("rust_minimal: Rust minimal sample (exit)", out)
        self.assertIn("rust_print: ", out)

    def test_fragment(self) -> None:
        """What takes a configuration that the lean kernel lacks, by the modules' own fragment; on a
        kernel that leaves suites alone unless it is told to run them."""
        files = [self.tree / f"samples/rust/{BROUGHT}.rs", self.tests()[SUITE]]
        kbuild = "".join(f"obj-m += {file.stem}.o\n" for file in files)
        folder = self.directory("fragment", files, kbuild)
        (folder / "guest").mkdir()
        (folder / "guest/kernel-um.config").write_text(FRAGMENT)
        out = self.make("demo", M=str(folder))
        self.assertIn("demo: insmod and rmmod went as they should", out)
        self.assertRegex(self.make("test", M=str(folder)), r"kunit: [1-9]\d* passed, 0 failed")


if __name__ == "__main__":
    unittest.main()
