# SPDX-License-Identifier: GPL-2.0

"""TOOLCHAIN=host: which of this machine's own tools are taken.

LLVM=, RUSTC= and BINDGEN= name them as for the kernel's make (Documentation/kbuild/llvm.rst). All
that is run finds those under their plain names, as `clang` and `rustc`, by links that come first in
PATH: so the kernel's build takes them wherever it says such a name itself (HOSTRUSTC), as do the
harness's other stages.
"""

import functools
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import places
from harness.messages import Fail

# What each variable names, by the names of the tools.
NAMES = {
    "LLVM": re.compile(r"clang|ld\.lld|llvm-"),
    "RUSTC": re.compile(r"rustc$"),
    "BINDGEN": re.compile(r"bindgen$"),
}

# What it takes to build Rust for the kernel.
NEEDED = ("rustc", "bindgen", "clang", "ld.lld", "llvm-nm", "make", "flex", "bison", "bc")


def named() -> dict[str, str]:
    """The variables that name tools, if this machine's own are asked for."""
    if os.environ.get("TOOLCHAIN") != "host":
        return {}
    return {name: os.environ[name] for name in NAMES if os.environ.get(name)}


def path() -> str:
    """PATH, by which the tools are found."""
    return path_of(os.environ.get("PATH") or os.defpath, **named())


def which(tool: str) -> str | None:
    """Where a tool is, if it is there."""
    return shutil.which(tool, path=path())


@functools.cache
def path_of(base: str, LLVM: str = "", RUSTC: str = "", BINDGEN: str = "") -> str:
    """The directories of a PATH, with what the variables name before them."""
    if LLVM.endswith("/"):
        if not Path(LLVM, "clang").is_file():
            raise Fail(f"LLVM={LLVM}: there is no clang in that directory")
        base = f"{Path(LLVM).absolute()}:{base}"
    links = {}
    if LLVM.startswith("-"):
        links = with_suffix(base, LLVM)
        if "clang" not in links:
            raise Fail(f"LLVM={LLVM}: this machine has no clang{LLVM}")
    elif LLVM and LLVM != "1" and not LLVM.endswith("/"):
        raise Fail(
            f"LLVM={LLVM} names no tools; it is 1, a suffix like -19, or a directory, with a slash"
            " at its end, like /usr/lib/llvm-19/bin/"
        )
    for name, tool in (("RUSTC", RUSTC), ("BINDGEN", BINDGEN)):
        found = shutil.which(tool, path=base) if tool else None
        if tool and not found:
            raise Fail(f"{name}={tool}: this machine has no such program")
        if found:
            links[name.lower()] = Path(found).absolute()
    if not links:
        return base
    return f"{folder(links)}:{base}"


def with_suffix(base: str, suffix: str) -> dict[str, Path]:
    """LLVM's tools with a suffix, by their names without."""
    found: dict[str, Path] = {}
    for directory in base.split(":"):
        for file in sorted(Path(directory or ".").glob(f"*{suffix}")):
            name = file.name.removesuffix(suffix)
            if NAMES["LLVM"].match(name):
                found.setdefault(name, file.absolute())
    return found


def folder(links: dict[str, Path]) -> Path:
    """A directory with these links."""

    def fill(part: Path) -> None:
        for name, tool in links.items():
            (part / name).symlink_to(tool)

    made_of = places.key(*(f"{name} {tool}" for name, tool in sorted(links.items())))
    return places.kept(places.stage("toolchain") / f"host-{made_of}", "toolchain", fill)


def need() -> None:
    """Fails if a tool is missing that it takes to build Rust for the kernel."""
    missing = [tool for tool in NEEDED if not which(tool)]
    if missing:
        what = "; ".join([*other_versions(missing)]) or "install what is missing"
        raise Fail(
            f"TOOLCHAIN=host: this machine has no {', '.join(missing)}; {what}, or leave TOOLCHAIN"
            " unset"
        )


def other_versions(missing: Sequence[str]) -> Iterator[str]:
    """What to say of tools that are there under the names of a version, which can be named."""
    if os.environ.get("TOOLCHAIN") != "host":
        return
    for variable, names in NAMES.items():
        tool = next((tool for tool in missing if names.match(tool)), None)
        found = versions(tool) if tool else []
        if tool and found:
            value = found[-1].removeprefix(tool) if variable == "LLVM" else found[-1]
            yield f"{found[-1]} is there: set {variable}={value}"


def versions(tool: str) -> list[str]:
    """The names of a tool's versions that are there, like clang-19; the newest last."""
    name = re.compile(rf"{re.escape(tool)}-\d+(\.\d+)*")
    files = [file for directory in path().split(":") for file in Path(directory or ".").glob("*")]
    found = {file.name for file in files if name.fullmatch(file.name)}
    return sorted(found, key=lambda file: [int(part) for part in re.findall(r"\d+", file)])
