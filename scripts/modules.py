# SPDX-License-Identifier: GPL-2.0

"""`make`: builds the modules, and puts them beside their sources, as the kernel's build does."""

import os
import shutil

from harness import command
from harness import messages
from harness import places
from harness import stages
from harness import variables
from harness.kernel import Needs
from harness.messages import Fail

STEPS = 3


def main() -> None:
    """Runs the stages."""
    variables.takes("modules", *variables.KERNEL, "M", "V")
    top = places.module_dir()
    if not os.access(top, os.W_OK):
        raise Fail(f"can't write the modules to {top}; make demo and make test write nothing there")
    kernel, modules = stages.build(STEPS, Needs())
    for ko in modules.all:
        name = ko.file.relative_to(modules.dir)
        shutil.copyfile(ko.file, top / name)
        messages.say(f"built {name} for Linux {kernel.release}")


if __name__ == "__main__":
    command.main(main)
