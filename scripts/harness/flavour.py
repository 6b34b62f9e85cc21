# SPDX-License-Identifier: GPL-2.0

"""The flavours of lean kernels: configurations beside the plain one of an architecture, in a table.

Each has a fragment of its name in configs/, on top of the architecture's. Those of the
distribution's kernels are the distribution's (debian.py).
"""

import os
from dataclasses import dataclass

from harness import variables
from harness.arch import Arch
from harness.messages import Fail


@dataclass(frozen=True)
class Flavour:
    """A flavour, as FLAVOUR= names it."""

    name: str
    # The architectures that have it.
    arches: tuple[str, ...]
    # What is in it, for people.
    about: str
    # The variable that asks for it as well, by the value 1.
    variable: str = ""
    # Whether gcc and the binutils build it, in place of LLVM.
    gcc: bool = False
    # Whether it takes a newer rustc than the root has.
    backports: bool = False


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour("debug", ("x86_64",), "KASAN, lockdep, kmemleak, fault injection", "DEBUG"),
        Flavour("hardened", ("x86_64",), "what distributions harden, built by gcc", gcc=True),
        Flavour("cfi", ("x86_64",), "CFI, ThinLTO and PREEMPT_RT, as clang builds them"),
        Flavour("tiny", ("x86_64",), "SLUB_TINY"),
        Flavour("mte", ("arm64",), "KASAN by memory tagging", "MTE"),
        # rustc's option for it is newer than 1.95 (init/Kconfig, RUST).
        Flavour("swtags", ("arm64",), "KASAN by tags in software", backports=True),
        Flavour("16k", ("arm64",), "pages of 16 KiB"),
        Flavour("64k", ("arm64",), "pages of 64 KiB"),
    )
}

# The kernel of an architecture without one.
PLAIN = Flavour("", (), "")

# The variables that ask for one.
VARIABLES = ("FLAVOUR", *(one.variable for one in FLAVOURS.values() if one.variable))


def named(name: str) -> Flavour:
    """The flavour of this name, which a kernel has; none is the plain one."""
    return FLAVOURS.get(name, PLAIN)


def asking() -> str:
    """The variables that are set and ask for one."""
    return " and ".join(name for name in VARIABLES if os.environ.get(name, "0") not in ("", "0"))


def selected(arch: Arch) -> Flavour:
    """What FLAVOUR= names, or a variable that says the same."""
    name = os.environ.get("FLAVOUR", "")
    if name and name not in FLAVOURS:
        raise Fail(f"FLAVOUR={name} is not known; it can be {', '.join(FLAVOURS)}")
    asked = {f"FLAVOUR={name}": name} if name else {}
    for flavour in FLAVOURS.values():
        if flavour.variable and variables.flag(flavour.variable):
            asked[f"{flavour.variable}=1"] = flavour.name
    for word, name in asked.items():
        known = FLAVOURS[name].arches
        if arch.name not in known:
            raise Fail(f"{word} is for ARCH={' or '.join(known)}, not {arch.name}")
    if len(set(asked.values())) > 1:
        raise Fail(f"{' and '.join(asked)} name two flavours; use one of them")
    return FLAVOURS[next(iter(asked.values()))] if asked else PLAIN
