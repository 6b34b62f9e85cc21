# SPDX-License-Identifier: GPL-2.0

"""Whether this machine's DKMS can build a module for a kernel, and against which directory.

Where the kernel came without Rust metadata, that is made here, in a cache of DKMS's own.
"""

import os
import sys
from pathlib import Path

import dkms
from harness import command
from harness import host
from harness import kdir
from harness import messages
from harness import metadata
from harness import places
from harness import requirements
from harness.requirement import Subject


def main() -> None:
    """Looks at the kernel's build directory, and makes the link to what to build against, if that
    is named as well."""
    path, *links = map(Path, sys.argv[1:])
    subject = Subject(path, given=host.HOST)
    requirements.need(subject)
    tree = subject.tree
    build = tree.build
    if subject.making:
        os.environ["RUST_ALLOC_DEMO_CACHE"] = str(dkms.CACHE)
        with places.lock("dkms"):
            prune()
            build, _ = metadata.provide(tree, host.HOST)
    for link in links:
        link.unlink(missing_ok=True)
        link.symlink_to(build)
    messages.say(f"{path}: this machine can build Rust modules for Linux {tree.release}")


def prune() -> None:
    """Removes what was made for kernels that this machine has no more, and the sources of that."""
    used = set()
    for build in places.stage("metadata").glob("[!.]*"):
        if Path("/lib/modules", build.name.rpartition("-")[0], "build").exists():
            used.add(kdir.source_of(build) if (build / "Makefile").exists() else None)
        else:
            places.remove(build)
    for source in places.stage("source").glob("[!.]*"):
        if source.is_dir() and source / "tree" not in used:
            places.remove(source)


if __name__ == "__main__":
    command.main(main)
