# SPDX-License-Identifier: GPL-2.0

"""The variables that commands take, beside those that select a kernel (selection.py)."""

import os
import shlex

from harness import own_tools
from harness import places
from harness import text
from harness.messages import Fail

# What selects a kernel, for every command that takes one.
KERNEL = (
    *("KDIR", "KERNEL", "KERNEL_SOURCE", "KERNEL_TARBALL", "ARCH", "FLAVOUR", "MTE", "DEBUG"),
    "TOOLCHAIN",
)

# What every command takes: where things are.
ANY = ("PYTHON", "RUST_ALLOC_DEMO_CACHE", "XDG_CACHE_HOME", "DEBIAN_MIRROR")

# What each that takes TOOLCHAIN takes with TOOLCHAIN=host. In the environment they may be meant for
# another build, and mean nothing with the root, which has tools of its own.
TOOLS = tuple(own_tools.NAMES)

# What make hands on to the commands that it runs.
OF_MAKE = ("GIVEN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")

# What only some commands take. In the environment these are refused as on the command line: whoever
# set them meant something by it.
SOME = (
    *(*KERNEL, "M", "ARGS", "SEED", "V", "INSTALL_MOD_PATH", "MINUTES", "AGAIN", "DURATION"),
    *("ACCEPT", "DIR", "CMD", "CELLS", "JOIN"),
)

# What is said to the command that runs, and not to another that it starts.
OF_A_COMMAND = (*OF_MAKE, *SOME)


def takes(name: str, *variables: str) -> None:
    """Fails if a variable is given that the command `make NAME` doesn't take.

    The Makefile says in GIVEN which were on make's command line.
    """
    given = [*os.environ.get("GIVEN", "").split(), *(word for word in SOME if os.environ.get(word))]
    for word in dict.fromkeys(given):
        if word in TOOLS and "TOOLCHAIN" in variables:
            if os.environ.get("TOOLCHAIN") != "host":
                raise Fail(f"{word}= names a tool of this machine, and takes TOOLCHAIN=host")
        elif word not in (*variables, *ANY):
            known = f"it takes {', '.join(variables)}" if variables else "it takes none"
            raise Fail(f"make {name} does not take {word}=; {known}")
    check_text()
    places.check_module_dir()


def check_text() -> None:
    """Fails if what is given, or where this is, has a name that can't be shown."""
    for word in (*SOME, *ANY):
        value = os.environ.get(word, "")
        if not text.is_text(value):
            raise Fail(f"{word}={text.shown(value)} is not UTF-8; give it another name")
    for path in (places.checkout(), places.module_dir()):
        if not text.is_text(str(path)):
            raise Fail(f"{text.shown(str(path))} is not UTF-8; give the directory another name")


def flag(name: str) -> bool:
    """Whether a variable that is 1 or 0 is 1."""
    value = os.environ.get(name) or "0"
    if value not in ("0", "1"):
        raise Fail(f"{name}={value} is neither 1 nor 0")
    return value == "1"


def minutes() -> float | None:
    """How long that may take, by MINUTES, which can be left out; None if as long as it needs."""
    value = os.environ.get("MINUTES")
    if value and not value.isdecimal():
        raise Fail(f"MINUTES={value} is not a number of minutes")
    return float(value) if value else None


def args() -> list[str]:
    """The words of ARGS, quoted as for a shell."""
    try:
        return shlex.split(os.environ.get("ARGS", ""))
    except ValueError as error:
        raise Fail(f"ARGS can't be read ({error})")


def seed() -> str:
    """The number that SEED gives the random cases; empty if there is none."""
    given = os.environ.get("SEED", "")
    if given and (not given.isdecimal() or not 0 < int(given) < 1 << 64):
        raise Fail(f"SEED={given} is not a seed; it is the number that a random case has logged")
    return given
