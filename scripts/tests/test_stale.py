# SPDX-License-Identifier: GPL-2.0

"""What a guest loads is of these sources and for this kernel, whatever the clock says."""

import os
import time
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

from copies import FAULTS, Harness

from harness import guest
from harness import module
from harness import places
from harness import selection
from harness.guest import Content
from harness.kernel import Needs
from harness.messages import Fail
from distribution import headers

DAY = 86400
SOURCE = f"{FAULTS}/faults.c"
ANEW = "the clock went back since these modules were built: building anew\n"


def date(below: Path, when: float) -> None:
    """Gives all files below a directory a time."""
    for path in [below, *below.rglob("*")]:
        os.utime(path, (when, when), follow_symlinks=False)


class Stale(Harness):
    """Modules that were built once."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ, M=str(self.copy / FAULTS), ARCH="um"))
        self.kernel = selection.select(1, 2, Needs(image=True))
        self.built = module.built_of(places.module_dir())

    def build(self, code: int = 0, **variables: str) -> str:
        """What building them says."""
        return self.run_faulty("modules.py", code=code, **variables)

    def test_clock_went_back(self) -> None:
        """An edit is compiled though all that was built lies in the future."""
        self.build()
        date(self.built, time.time() + DAY)
        self.change(SOURCE, "static bool warn;", "static bool warn")
        self.assert_all(self.build(code=1), ANEW, "error: expected ';'")

    def test_clock_went_back_after_a_failure(self) -> None:
        """What a build that failed has left counts as well."""
        self.change(SOURCE, "static bool warn;", "static bool warn")
        self.build(code=1)
        date(self.built, time.time() + DAY)
        self.doCleanups()
        self.setUp()
        self.assertIn(ANEW, self.build())

    def test_clean(self) -> None:
        """Nothing that was built of these modules is left."""
        self.build()
        self.run_script("clean.py", code=0, M=str(self.copy / FAULTS), ARCH="")
        self.assertEqual(list(self.built.rglob("*.o")), [])

    def test_damaged(self) -> None:
        """A module that is not as it was built is built again."""
        self.build()
        before = module.build(self.kernel)
        for ko in before.all:
            ko.file.write_bytes(b"")
        self.assertEqual(module.build(self.kernel), before)

    def test_replaced(self) -> None:
        """What another run built meanwhile is not loaded for what this one built."""
        modules = module.build(self.kernel)
        with places.scratch("replaced") as folder:
            file = folder / "faults.ko"
            file.write_bytes(b"")
            [ko] = [ko for ko in modules.all if ko.name == "faults"]
            other = replace(ko, file=file)
            with self.assertRaisesRegex(Fail, "has changed since it was built"):
                guest.initramfs(self.kernel, Content(load=[other]), folder / "initramfs")

    def test_other_kernel(self) -> None:
        """A module says which kernel it is for."""
        modules = module.build(self.kernel)
        ko = modules.all[0]
        self.assertEqual(ko.release, self.kernel.release)
        other = replace(ko, release="6.1.0-other")
        with places.scratch("other") as folder:
            with self.assertRaisesRegex(Fail, "is for Linux 6.1.0-other, and the guest's is"):
                guest.initramfs(self.kernel, Content(load=[other]), folder / "initramfs")


class Replaced(Harness):
    """A kernel of one's own, whose files change in their place."""

    def setUp(self) -> None:
        kernel = selection.select(1, 2, Needs())
        self.tree = self.enterContext(places.scratch("replaced")) / "headers"
        headers(kernel, self.tree)

    def build(self, code: int = 0) -> str:
        """What building modules against it says."""
        own = {"ARCH": "", "KDIR": str(self.tree)}
        return self.run_faulty("modules.py", code=code, **own)

    def test_by_older_files(self) -> None:
        """Packages have files of the day that they were made on, which is before the build."""
        self.build()
        header = self.tree / "include/linux/module.h"
        header.write_text("#error another kernel\n")
        for file in (header, self.tree / "include/config/auto.conf"):
            os.utime(file, (1, 1))
        self.assertIn("another kernel", self.build(code=1))

    def test_by_files_of_the_future(self) -> None:
        """What make can't decide is not left to it."""
        for file in self.tree.rglob("*"):
            if file.is_file():
                os.utime(file, (time.time() + DAY,) * 2)
        self.assertRegex(
            self.build(code=1),
            "error: by this machine's clock files are of the future.*Clock skew|in the future",
        )


if __name__ == "__main__":
    unittest.main()
