# SPDX-License-Identifier: GPL-2.0

"""Writes an initramfs: a cpio archive in the kernel's `newc` format.

No cpio program can make a device node without being root, and /init has no console without one.
"""

import stat
from collections.abc import Mapping
from pathlib import PurePosixPath

DIRECTORY = stat.S_IFDIR | 0o755
PROGRAM = stat.S_IFREG | 0o755
CONSOLE = stat.S_IFCHR | 0o600
CONSOLE_NUMBERS = (5, 1)


def entry(number: int, name: str, mode: int, data: bytes = b"") -> bytes:
    """One file. The times are zero: the same files give the same archive."""
    major, minor = CONSOLE_NUMBERS if mode == CONSOLE else (0, 0)
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return pad(head) + pad(data)


def pad(data: bytes) -> bytes:
    """Pads to the format's four bytes."""
    return data + b"\0" * (-len(data) % 4)


def archive(folders: list[str], programs: Mapping[str, bytes]) -> bytes:
    """An archive of these folders, a console, and these files, all of them executable.

    The folders that the files are in come before them.
    """
    above = {str(path) for name in programs for path in PurePosixPath(name).parents}
    names = sorted({"dev", *folders, *above} - {"."})
    files = [(name, DIRECTORY, b"") for name in names]
    files.append(("dev/console", CONSOLE, b""))
    files += [(name, PROGRAM, data) for name, data in programs.items()]
    files.append(("TRAILER!!!", 0, b""))
    return b"".join(entry(number, *file) for number, file in enumerate(files, start=1))
