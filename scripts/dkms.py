# SPDX-License-Identifier: GPL-2.0

"""`make dkms` and `make dkms_remove`: hands modules to this machine's DKMS, and takes them back.

DKMS keeps a copy of its own and builds that for each kernel (dkms.conf). What it doesn't remove is
the copy.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness import command
from harness import messages
from harness import places
from harness import variables
from harness.messages import Fail

# Where DKMS keeps its state and the sources.
TREE = Path("/var/lib/dkms")
SOURCES = Path("/usr/src")

# Where the Rust metadata goes that DKMS's builds make, and what in a module's source makes it.
CACHE = Path("/var/cache/rust_alloc_demo")
MAKER = "scripts/dkms-preflight"


def package() -> tuple[str, str]:
    """The name and the version that the modules' dkms.conf gives them."""
    conf = places.module_dir() / "dkms.conf"
    if not conf.is_file():
        raise Fail(
            f"{places.shown_module_dir()} has no dkms.conf, which tells DKMS what to build; the one"
            " of this project is an example"
        )
    found = [
        re.search(rf'^{key}="?(.*?)"?$', conf.read_text(), re.MULTILINE)
        for key in ("PACKAGE_NAME", "PACKAGE_VERSION")
    ]
    if not all(found):
        raise Fail(f"{conf} has no PACKAGE_NAME= or no PACKAGE_VERSION=")
    name, version = (match[1] for match in found if match)
    return name, version


def dkms(*words: str) -> None:
    """Runs dkms, which says itself what it does and what went wrong.

    What make gave this script would reach the make that dkms runs, and the check before that.
    """
    given = variables.OF_A_COMMAND
    env = {name: value for name, value in os.environ.items() if value and name not in given}
    code = subprocess.run(["dkms", *words], env=env, check=False).returncode
    if code:
        raise Fail(f"dkms {words[0]} ended with {code}, see above")


def remove(name: str, version: str) -> None:
    """Takes the modules from all kernels and from DKMS, with what was made for them alone."""
    if (TREE / name / version).is_dir():
        dkms("remove", f"{name}/{version}", "--all")
    copy = SOURCES / f"{name}-{version}"
    if copy.is_dir():
        shutil.rmtree(copy)
    if not any((source / MAKER).exists() for source in TREE.glob("*/*/source")):
        places.remove(CACHE)
    messages.say(f"{name}/{version} is not in DKMS, and {copy} is not there")


def main() -> None:
    """Installs the modules, or removes them; for which kernels ARGS="-k RELEASE" says."""
    undo = sys.argv[1:] == ["remove"]
    variables.takes("dkms_remove" if undo else "dkms", "M", *(() if undo else ("ARGS",)))
    if not shutil.which("dkms"):
        raise Fail("this machine has no dkms; install the package dkms")
    name, version = package()
    if undo:
        remove(name, version)
        return
    if (TREE / name / version).is_dir():
        raise Fail(f"DKMS has {name}/{version} already; `make dkms_remove` first")
    dkms("install", str(places.module_dir()), *variables.args())


if __name__ == "__main__":
    command.main(main)
