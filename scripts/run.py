# SPDX-License-Identifier: GPL-2.0

"""`make run CMD="..."`: any command, with the toolchain's programs and the kernel in sight.

It runs in the directory of the modules. Of the user's environment the shell has what all programs
have (harness/environment.py); and it has the kernel's build directory in KDIR, its source in KSRC
where that is there, and in ARCH, and LLVM or CC, what the kernel's build takes.
"""

import os
import subprocess

from harness import command
from harness import compiler
from harness import module
from harness import places
from harness import selection
from harness import variables
from harness.kernel import Needs
from harness.messages import Fail

STEPS = 2


def main() -> None:
    """Runs the stages and the command, and ends with its status."""
    variables.takes("run", *variables.KERNEL, "M", "CMD", "V")
    wanted = os.environ.get("CMD")
    if not wanted:
        raise Fail(
            'CMD= is the command to run, as in CMD="llvm-objdump -d hello.ko"; on make\'s'
            " command line a dollar is two"
        )
    kernel = selection.select(1, STEPS, Needs(rust=module.has_rust()))
    env = {"KDIR": str(kernel.build), "ARCH": kernel.arch.name}
    env |= {"KSRC": str(kernel.source)} if kernel.source else {}
    env |= dict(word.split("=") for word in compiler.make_words(kernel.config))
    argv = kernel.toolchain.argv(
        ["bash", "-c", wanted],
        ro=kernel.trees(),
        rw=[places.module_dir()],
        cwd=places.module_dir(),
        env=env,
    )
    raise SystemExit(subprocess.run(argv, check=False).returncode)


if __name__ == "__main__":
    command.main(main)
