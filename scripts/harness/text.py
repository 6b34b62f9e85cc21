# SPDX-License-Identifier: GPL-2.0

"""Which names of directories can be shown, and where; and be words of make's and of the shell's."""

import os
import re

# What make or the shell takes for something else, in names that it is given as they are: a list's
# separators, comments, patterns, quotes.
SPECIAL = re.compile(r"[\s:#%'\"$\\;&|<>()*?\[\]{}!`]")

# The directories in the name of a file of this machine. Those of the kernel's own file systems are
# the same anywhere.
DIRECTORIES = re.compile(r"(?<![\w./])/(?!(?:dev|proc|sys)/)(?:[^\s/:'\"]+/)+")


def is_text(name: str) -> bool:
    """Whether a name is UTF-8; Python has the bytes that are not as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """A name as a message can have it."""
    return os.fsencode(name).decode(errors="backslashreplace")


def without_directories(said: str) -> str:
    """A text for others, in which files of this machine have no more than their names."""
    return DIRECTORIES.sub("", said)
