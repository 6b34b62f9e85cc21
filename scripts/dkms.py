# SPDX-License-Identifier: GPL-2.0

"""`make dkms` and `make dkms_remove`: hands the checkout to this machine's DKMS, and takes it back.

DKMS keeps a copy of its own and builds that for each kernel (dkms.conf). What it doesn't remove is
the copy.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import common
from common import Fail

NAME = "rust_alloc_demo"

# Where DKMS keeps its state and the sources.
TREE = Path("/var/lib/dkms")
SOURCES = Path("/usr/src")


def version() -> str:
    """The version that dkms.conf gives the module."""
    text = (common.checkout() / "dkms.conf").read_text()
    found = re.search(r'^PACKAGE_VERSION="(.*)"$', text, re.MULTILINE)
    assert found
    return found[1]


def dkms(*words: str) -> None:
    """Runs dkms, which says itself what it does and what went wrong.

    What make gave this script would reach the make that dkms runs.
    """
    given = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    env = {name: value for name, value in os.environ.items() if value and name not in given}
    code = subprocess.run(["dkms", *words], env=env, check=False).returncode
    if code:
        raise Fail(f"dkms {words[0]} ended with {code}, see above")


def remove() -> None:
    """Takes the module from all kernels and from DKMS."""
    name = f"{NAME}/{version()}"
    if (TREE / name).is_dir():
        dkms("remove", name, "--all")
    copy = SOURCES / f"{NAME}-{version()}"
    if copy.is_dir():
        shutil.rmtree(copy)
    common.say(f"{name} is not in DKMS, and {copy} is not there")


def main() -> None:
    """Installs the module, for the running kernel or that of ARGS="-k RELEASE"; or removes it."""
    if not shutil.which("dkms"):
        raise Fail("this machine has no dkms; install the package dkms")
    if sys.argv[1:] == ["remove"]:
        remove()
        return
    if (TREE / NAME / version()).is_dir():
        raise Fail(f"DKMS has {NAME}/{version()} already; `make dkms_remove` first")
    dkms("install", str(common.checkout()), *common.args())


if __name__ == "__main__":
    common.main(main)
