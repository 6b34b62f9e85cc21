# SPDX-License-Identifier: GPL-2.0

"""For gdb itself: `break-module-init FILE` goes on until the kernel runs the module's init.

The kernel needs no debug information: the module's own has `struct module`. Where its sections are
the kernel knows by the symbols that it keeps for kallsyms, which are those of FILE in FILE's order.
"""

import importlib
import struct
from pathlib import Path
from typing import Any

# Not by `import`, which to a checker is scripts/gdb.py.
gdb: Any = importlib.import_module("gdb")

# The parts of an ELF file, for 64 bits and little-endian (include/uapi/linux/elf.h).
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
SHT_SYMTAB = 2
SHN_LORESERVE = 0xFF00

# Where gdb's registers have a C function's first argument.
ARGUMENT = {"i386:x86-64": "$rdi"}


def named_sections(data: bytes) -> list[tuple[str, tuple[int, ...]]]:
    """The sections of an ELF file: names and headers."""
    offset = struct.unpack_from("<Q", data, 0x28)[0]
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [SECTION.unpack_from(data, offset + n * size) for n in range(count)]
    start = headers[names][4]

    def name(header: tuple[int, ...]) -> str:
        at = start + header[0]
        return data[at : data.index(b"\0", at)].decode()

    return [(name(header), header) for header in headers]


def addresses(file: Path, module: Any) -> dict[str, int]:
    """Where the kernel has put the sections of a module that it loads."""
    data = file.read_bytes()
    sections = named_sections(data)
    [table] = [header for _, header in sections if header[1] == SHT_SYMTAB]
    symbols = module["kallsyms"].dereference()
    size = int(symbols["num_symtab"]) * SYMBOL.size
    if size != table[5]:
        raise gdb.GdbError(f"the guest's module is not {file}")
    loaded = gdb.selected_inferior().read_memory(int(symbols["symtab"]), size).tobytes()
    found: dict[str, int] = {}
    for at in range(0, size, SYMBOL.size):
        _, _, _, index, value, _ = SYMBOL.unpack_from(data, table[4] + at)
        if 0 < index < SHN_LORESERVE:
            found[sections[index][0]] = SYMBOL.unpack_from(loaded, at)[4] - value
    return found


class BreakModuleInit(gdb.Command):  # type: ignore[misc]
    """break-module-init FILE: go on until the kernel runs the init function of this module."""

    def __init__(self) -> None:
        super().__init__("break-module-init", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_FILENAME)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Loads the module's symbols to where the kernel puts it, and stops at its init."""
        file = Path(argument)
        breakpoint = gdb.Breakpoint(
            "do_init_module", type=gdb.BP_HARDWARE_BREAKPOINT, internal=True
        )
        breakpoint.silent = True
        gdb.execute(f"add-symbol-file {file} -o 0", to_string=True)
        pointer = gdb.lookup_type("struct module").pointer()
        register = ARGUMENT[gdb.selected_inferior().architecture().name()]
        name = ""
        while name != file.stem.replace("-", "_"):
            gdb.execute("continue", to_string=True)
            module = gdb.parse_and_eval(register).cast(pointer)
            name = module["name"].string()
        breakpoint.delete()
        init = int(module["init"])
        places = addresses(file, module)
        gdb.execute(f"remove-symbol-file {file}", to_string=True)
        words = [f"-s {section} {place:#x}" for section, place in places.items()]
        gdb.execute(f"add-symbol-file {file} {' '.join(words)}", to_string=True)
        gdb.execute(f"thbreak *{init:#x}", to_string=True)
        gdb.execute("continue")


BreakModuleInit()
