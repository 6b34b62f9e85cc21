# SPDX-License-Identifier: GPL-2.0

"""Fills a template of Jinja's, the file that is named, with JSON from standard input.

It is a program of its own, as the library is in the toolchain's root and not on this machine.
"""

import json
import sys
from pathlib import Path

from jinja2 import Environment  # type: ignore[import-not-found,unused-ignore]
from jinja2 import StrictUndefined


def main() -> None:
    """Prints what becomes of the template; what is filled in is text, and never markup."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(template.render(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
