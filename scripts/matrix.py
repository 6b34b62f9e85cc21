# SPDX-License-Identifier: GPL-2.0

"""`make matrix`: all suites on every supported kernel, architecture and configuration.

With CELLS= it is a share of them, and with JOIN= one table of the shares of many machines.
"""

from harness import cells
from harness import command
from harness import kcidb
from harness import matrix
from harness import page
from harness import results
from harness import shares
from harness import toolchain as toolchains
from harness import variables

TAKEN = ("M", "V", "MINUTES", "AGAIN", "ACCEPT", "CELLS", "JOIN", "DIR")


def main() -> None:
    """Runs the matrix, or joins what was run."""
    variables.takes("matrix", *variables.KERNEL, *TAKEN)
    chosen, to, folders = cells.chosen(), shares.destination(), shares.named()
    allowed, accept = variables.minutes(), variables.flag("ACCEPT")
    if folders:
        stage, came = shares.STAGE, shares.joined(chosen, folders)
    else:
        stage = results.STAGE
        came = matrix.run_all(chosen, allowed, toolchains.provide(), accept)
    try:
        results.conclude(came, stage, (kcidb.write, page.write))
    finally:
        if to:
            shares.write(to, stage, came)


if __name__ == "__main__":
    command.main(main)
