# SPDX-License-Identifier: GPL-2.0

"""Which C compiler a kernel was built with, and what make is told for a build with the same."""

import re
from collections.abc import Mapping
from pathlib import Path


def is_clang(config: Mapping[str, str]) -> bool:
    """Whether a kernel of this configuration was built with LLVM=1."""
    return "CC_IS_CLANG" in config


def version(config: Mapping[str, str]) -> str:
    """What the compiler says of itself in its first line (CONFIG_CC_VERSION_TEXT)."""
    return config.get("CC_VERSION_TEXT", "").strip('"')


def major(text: str) -> int:
    """The first number of a version as a compiler says it (`gcc-14 (Debian 14.2.0-19) 14.2.0`,
    `Debian clang version 19.1.7`); 0 if there is none."""
    found = re.search(r"(?:clang version|^\S+ \(.*?\)) (\d+)\.", text)
    return int(found[1]) if found else 0


def command(config: Mapping[str, str]) -> str:
    """The compiler's command; gcc says it in its first word, as in `x86_64-linux-gnu-gcc-14`."""
    return "clang" if is_clang(config) else version(config).split(" ")[0] or "gcc"


def prefix(config: Mapping[str, str]) -> str:
    """What is before the names of gcc and the binutils beside it, if there is something."""
    found = re.match(r"(.*-)?gcc(?:-\d+)?$", command(config))
    return found[1] or "" if found else ""


def tool(config: Mapping[str, str], name: str) -> str:
    """The command of a binary tool that goes with the compiler."""
    return f"llvm-{name}" if is_clang(config) else f"{prefix(config)}{name}"


def make_words(config: Mapping[str, str]) -> list[str]:
    """The words by which the kernel's build takes that compiler, and the binutils beside it."""
    if is_clang(config):
        return ["LLVM=1"]
    cross = prefix(config)
    return [f"CC={command(config)}", *[f"CROSS_COMPILE={cross}"] * bool(cross)]


def make(build: Path, arch: str, config: Mapping[str, str]) -> list[str]:
    """The make command of a build in a build directory with that compiler, without a goal."""
    return ["make", "-C", str(build), f"ARCH={arch}", *make_words(config)]
