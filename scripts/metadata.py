# SPDX-License-Identifier: GPL-2.0

"""`make metadata`: Rust metadata for a kernel that came without, in a build directory of its own.

What it prints last, and alone on standard output, is the directory to use as KDIR; all else goes to
standard error.
"""

import sys
from contextlib import redirect_stdout

from harness import arch as arches
from harness import command
from harness import kdir
from harness import metadata
from harness import requirements
from harness import variables
from harness.requirement import Subject


def main() -> None:
    """Makes it for KDIR, or for the running kernel if that is not set."""
    variables.takes("metadata", "KDIR", "KERNEL_SOURCE", "ARCH", "TOOLCHAIN")
    path = kdir.named()
    with redirect_stdout(sys.stderr):
        subject = Subject(path, arch=arches.selected())
        requirements.need(subject)
        build = subject.tree.build
        if subject.making:
            build, _ = metadata.provide(subject.tree, subject.toolchain)
    print(build)


if __name__ == "__main__":
    command.main(main)
