# SPDX-License-Identifier: GPL-2.0

"""Names and texts as the schema of KCIDB's reports wants them, and without this machine's."""

import re
from typing import Any

from harness import places
from harness.text import without_directories

Item = dict[str, Any]

# How the schema wants the word for who reports, and the parts of a test's path.
NO_ORIGIN = re.compile(r"[^a-z0-9]+")
NO_PATH = re.compile(r"[^a-zA-Z0-9_-]")

# How much of a log the schema takes, in characters.
EXCERPT = 16384

# The path of the test that is the whole of a cell. Those of its cases are below it.
WHOLE = "kunit"


def origin() -> str:
    """The word for who reports: the modules' name, as DKMS has it, or else their directory's."""
    conf = places.module_dir() / "dkms.conf"
    text = conf.read_text() if conf.is_file() else ""
    named = re.search(r'^PACKAGE_NAME="?([^"\n]+)', text, re.MULTILINE)
    name = named[1] if named else places.module_dir().name
    return NO_ORIGIN.sub("_", name.lower()).strip("_") or "modules"


def path(suite: str, case: str) -> str:
    """The path of the test that is a case."""
    return ".".join([WHOLE, *(NO_PATH.sub("_", part) for part in [*suite.split("."), case])])


def clean(text: str) -> str:
    """A text without the directories of this machine, and as long as the schema takes it."""
    return without_directories(text.replace("\0", ""))[-EXCERPT:]
