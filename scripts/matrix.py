# SPDX-License-Identifier: GPL-2.0

"""`make matrix`: all suites on every supported kernel, architecture and configuration."""

from harness import command
from harness import matrix
from harness import toolchain as toolchains
from harness import variables


def main() -> None:
    """Runs the matrix."""
    variables.takes("matrix", *variables.KERNEL, "M", "V", "MINUTES", "AGAIN", "ACCEPT")
    cells, allowed = matrix.chosen(), matrix.minutes_allowed()
    accept = variables.flag("ACCEPT")
    matrix.conclude(matrix.run_all(cells, allowed, toolchains.provide(), accept))


if __name__ == "__main__":
    command.main(main)
