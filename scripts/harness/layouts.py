# SPDX-License-Identifier: GPL-2.0

"""Whether Rust bindings have the layouts of the kernel that they are to be used on.

The kernel says in its BTF how it lays out its C types. What the bindings have of the same types,
rustc is asked for: sizes and offsets of fields, in a program whose only content is these numbers.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import places
from harness import process
from harness.toolchain import Toolchain

# A type of the bindings, and its fields, as bindgen writes them.
TYPE = re.compile(r"^pub (struct|union) (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^    pub (\w+):\s+([^,\n]*)", re.MULTILINE)
ENUM = re.compile(r"^pub type (\w+) = (?:ffi::|::)[\w:]+;$", re.MULTILINE)
CONSTANT = re.compile(r"^pub const (\w+): ", re.MULTILINE)

# A field without a name in C, by its number; and the one field of a type of which only is known
# that it is there.
ANONYMOUS = "__bindgen_anon_"
OPAQUE = "_address"

# Types for 32-bit processes, in some of which x86 aligns 64 bits to 4 bytes, which bindgen 0.71
# doesn't (compat_u64).
COMPAT = "compat_"

# The kinds of BTF that only stand for another type.
STANDS_FOR = ("CONST", "VOLATILE", "TYPEDEF", "RESTRICT", "TYPE_TAG")

SECTION = ".layouts"


@dataclass(frozen=True)
class Number:
    """A number of a type: what it is for people, as an expression of Rust, and by the kernel."""

    what: str
    rust: str
    kernel: int


class Btf:
    """The types that a kernel has by its BTF, as bpftool prints it."""

    def __init__(self, types: Sequence[dict[str, Any]]) -> None:
        self.types = {one["id"]: one for one in types}
        self.named: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for one in types:
            found = one
            if one["kind"] == "TYPEDEF":
                # A type that has no name of its own has this one in the bindings.
                found = self.types.get(one["type_id"], one)
                if found["name"] != "(anon)":
                    continue
            kind = found["kind"].lower().replace("enum64", "enum")
            if one["name"] != "(anon)":
                self.named.setdefault((kind, one["name"]), []).append(found)

    def resolve(self, number: int) -> dict[str, Any]:
        """The type that a number is for in the end."""
        while number in self.types and self.types[number]["kind"] in STANDS_FOR:
            number = self.types[number]["type_id"]
        return self.types.get(number, {"kind": "VOID"})


def fields(rust: str) -> dict[str, tuple[str, dict[str, str]]]:
    """The structs and unions of the bindings: which of both, and their fields and those' types."""
    return {name: (kind, dict(FIELD.findall(body))) for kind, name, body in TYPE.findall(rust)}


def numbers(rust: str, btf: Btf) -> Iterator[Sequence[Sequence[Number]]]:
    """What is to be compared, by type. Of a name that stands for several types one has to fit."""
    types = fields(rust)
    for name, (kind, has) in types.items():
        known = btf.named.get((kind, name), [])
        if known and has and OPAQUE not in has and not name.startswith(COMPAT):
            yield [list(of_type(name, name, one, types, btf)) for one in known]
    constants = set(CONSTANT.findall(rust))
    for name in ENUM.findall(rust):
        known = btf.named.get(("enum", name), [])
        if known:
            yield [list(of_enum(name, one, constants)) for one in known]


def of_type(
    shown: str,
    name: str,
    known: dict[str, Any],
    types: Mapping[str, tuple[str, dict[str, str]]],
    btf: Btf,
) -> Iterator[Number]:
    """The size of a struct or union, and the offsets in it, also in what has no name in it."""
    yield Number(f"the size of {shown}", f"size_of::<b::{name}>()", known["size"])
    has = types[name][1]
    anonymous = 0
    for member in known.get("members", []):
        field = member["name"]
        inner = btf.resolve(member["type_id"])
        if member.get("bitfield_size") or member["bits_offset"] % 8:
            continue
        if field == "(anon)":
            anonymous += 1
            field = f"{ANONYMOUS}{anonymous}"
        if field not in has:
            field += "_"
        if field not in has:
            continue
        what = f"{shown}.{field.removesuffix('_')}"
        offset = member["bits_offset"] // 8
        yield Number(f"the offset of {what}", f"offset_of!(b::{name}, {field})", offset)
        of = has[field]
        if inner.get("name") == "(anon)" and "size" in inner and of in types:
            if types[of][0].upper() == inner["kind"]:
                yield from of_type(what, of, inner, types, btf)


def of_enum(name: str, known: dict[str, Any], constants: set[str]) -> Iterator[Number]:
    """The size of an enum, and its values."""
    yield Number(f"the size of enum {name}", f"size_of::<b::{name}>()", known["size"])
    for value in known.get("values", []):
        constant = f"{name}_{value['name']}"
        if constant in constants:
            rust = f"b::{constant} as usize"
            yield Number(f"{value['name']} of enum {name}", rust, value["val"] & 0xFFFFFFFF)


def read_btf(file: Path, toolchain: Toolchain, folder: Path) -> Btf:
    """The BTF in a file: an ELF file, or the kernel's own in /sys."""
    copy, printed = folder / "btf", folder / "btf.json"
    copy.write_bytes(file.read_bytes())
    process.run_logged(
        toolchain.argv(
            ["sh", "-c", 'bpftool -j btf dump file "$0" >"$1"', str(copy), str(printed)],
            rw=[folder],
        ),
        folder / "btf.log",
        f"reading the types in {file}",
    )
    return Btf(json.loads(printed.read_text())["types"])


@dataclass(frozen=True)
class Build:
    """A build directory: its source, the command of its build without a goal, the compiler's
    objcopy, and where they run."""

    directory: Path
    source: Path
    make: Sequence[str]
    objcopy: str
    toolchain: Toolchain


def ask(asked: Sequence[Number], build: Build, folder: Path) -> list[int]:
    """What rustc has for these numbers, by the kernel's own build."""
    lines = "".join(f"    {number.rust} as u32,\n" for number in asked)
    (folder / "Kbuild").write_text("obj-m := layouts.o\n")
    (folder / "layouts.rs").write_text(
        "use core::mem::{offset_of, size_of};\nuse kernel::bindings as b;\n"
        f'#[link_section = "{SECTION}"]\n#[no_mangle]\n'
        f"static LAYOUTS: [u32; {len(asked)}] = [\n{lines}];\n"
    )
    copy = f"{build.objcopy} -O binary --only-section={SECTION} layouts.o layouts"
    script = ["sh", "-e", "-c", f'"$@"; cd "$0"; {copy}', str(folder)]
    argv = build.toolchain.argv(
        [*script, *build.make, f"M={folder}", "layouts.o"],
        ro=[build.directory, build.source],
        rw=[folder],
    )
    what = "asking rustc for the layouts in the bindings"
    process.run_logged(argv, places.logs() / "layouts.log", what)
    return list(struct.unpack(f"={len(asked)}I", (folder / "layouts").read_bytes()))


def differences(build: Build, btf: Path) -> tuple[int, list[str]]:
    """How many types were compared, and what the kernel of a BTF lays out in another way than the
    bindings of a build directory."""
    rust = (build.directory / "rust/bindings/bindings_generated.rs").read_text()
    with places.scratch("layouts") as folder:
        types = list(numbers(rust, read_btf(btf, build.toolchain, folder)))
        flat = [number for known in types for one in known for number in one]
        answers = iter(ask(flat, build, folder))
    found: list[str] = []
    for known in types:
        wrong: list[list[str]] = [
            [
                f"{number.what} is {number.kernel} in the kernel, {answer} here"
                for number, answer in [(number, next(answers)) for number in one]
                if answer != number.kernel
            ]
            for one in known
        ]
        closest = min(wrong, key=len)
        found += closest
    return len(types), found
