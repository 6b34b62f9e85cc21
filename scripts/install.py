# SPDX-License-Identifier: GPL-2.0

"""`make modules_install` and `make modules_uninstall`."""

import sys

from harness import command
from harness import install
from harness import module
from harness import selection
from harness import variables
from harness.kernel import Needs

STEPS = 2


def main() -> None:
    """Installs the modules, or with `uninstall` removes them."""
    undo = sys.argv[1:] == ["uninstall"]
    name = "modules_uninstall" if undo else "modules_install"
    variables.takes(name, *variables.KERNEL, "M", "INSTALL_MOD_PATH", "V")
    kernel = selection.select(1, STEPS, Needs(rust=module.has_rust()))
    (install.uninstall if undo else install.install)(kernel)


if __name__ == "__main__":
    command.main(main)
