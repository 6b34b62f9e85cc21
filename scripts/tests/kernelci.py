# SPDX-License-Identifier: GPL-2.0

"""KernelCI's own programs, for the tests of what is written for it: kcidb-io and kci-dev.

They are kept in the cache, in the versions that kernelci.txt names, and run in the toolchain's root
without network.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import copies  # noqa: F401
import cargo
from harness import places
from harness import process
from harness import toolchain as toolchains

VERSIONS = Path(__file__).with_name("kernelci.txt")

# Prints the newest schema's version if what it reads follows that and no older one.
PROGRAM = """
import json, sys
from kcidb_io.schema import LATEST
LATEST.validate_exactly(json.load(sys.stdin))
print(LATEST.major, LATEST.minor)
"""
VALIDATE = ("-c", PROGRAM)

# What kci-dev prints in place of sending it.
KCI_DEV = ("-c", "from kcidev.main import run; run()")
DRY_RUN = (*KCI_DEV, "submit", "build", "--dry-run", "--from-json=/dev/stdin")


def provide() -> Path:
    """The directory with the packages; they are downloaded the first time."""

    def fill(part: Path) -> None:
        toolchain = toolchains.with_packages(toolchains.root(), ["python3-pip"])
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--root-user-action=ignore"]
        process.run_logged(
            toolchain.argv(
                ["pip", "install", *options, f"--target={part}", f"-r{VERSIONS}"],
                ro=[VERSIONS, cargo.CERTIFICATES],
                rw=[part],
                env={"PIP_CERT": str(cargo.CERTIFICATES)},
                network=True,
            ),
            places.logs() / "kernelci.log",
            "downloading KernelCI's programs",
        )

    where = places.stage("kernelci") / places.key(VERSIONS.read_text())
    return places.kept(where, "kernelci", fill)


def run(words: Sequence[str], text: str) -> tuple[int, str]:
    """Runs a program on a report; its exit code, and what it says."""
    packages = provide()
    # GitPython looks for git when it is imported, and would not be without.
    env = {"PYTHONPATH": str(packages), "GIT_PYTHON_REFRESH": "quiet"}
    done = subprocess.run(
        toolchains.root().argv(["python3", *words], ro=[packages], env=env),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
