# SPDX-License-Identifier: GPL-2.0

"""Run where pyelftools is: prints as JSON what .ko files say of themselves.

What it reads: the section .modinfo (include/linux/moduleparam.h), and the pointers to suites in
.kunit_test_suites and .kunit_init_test_suites (include/kunit/test.h), each of which is to a
struct kunit_suite, whose first member is its name.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any, Literal

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

SUITES = (".kunit_test_suites", ".kunit_init_test_suites")


def modinfo(elf: Any) -> dict[str, list[str]]:
    """The lines of .modinfo, by what is before the `=`. Several sections may have the name."""
    found: dict[str, list[str]] = {}
    for section in elf.iter_sections():
        if section.name == ".modinfo":
            for line in section.data().split(b"\0"):
                name, equals, value = line.decode(errors="replace").partition("=")
                if equals:
                    found.setdefault(name, []).append(value)
    return found


def suites(elf: Any) -> Iterator[str]:
    """The names of the suites."""
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection):
            continue
        relocations: Any = section
        target = elf.get_section(section["sh_info"])
        if target.name not in SUITES:
            continue
        symbols = elf.get_section(section["sh_link"])
        for relocation in relocations.iter_relocations():
            symbol = symbols.get_symbol(relocation["r_info_sym"])
            # Where relocations have no addend, the place itself has it.
            at = relocation["r_offset"]
            size = elf.elfclass // 8
            order: Literal["little", "big"] = "little" if elf.little_endian else "big"
            addend = (
                relocation["r_addend"]
                if relocations.is_RELA()
                else int.from_bytes(target.data()[at : at + size], order)
            )
            data = elf.get_section(symbol["st_shndx"]).data()
            start = symbol["st_value"] + addend
            yield data[start : data.index(b"\0", start)].decode(errors="replace")


def describe(file: str) -> dict[str, object]:
    """What a .ko says."""
    with open(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        elf: Any = ELFFile(stream)  # type: ignore[no-untyped-call]
        info = modinfo(elf)
        depends = [name for line in info.get("depends", []) for name in line.split(",") if name]
        parameters = [line.partition(":")[0] for line in info.get("parmtype", [])]
        return {
            "file": file,
            "digest": digest,
            "name": "".join(info.get("name", [])[:1]),
            "release": " ".join(info.get("vermagic", [])).partition(" ")[0],
            "depends": depends,
            "parameters": parameters,
            "suites": list(suites(elf)),
        }


if __name__ == "__main__":
    print(json.dumps([describe(file) for file in sys.argv[1:]]))
