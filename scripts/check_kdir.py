# SPDX-License-Identifier: GPL-2.0

"""`make check-kdir`: whether KDIR can build modules, else why and what mends it; and how to."""

import os
import shlex
import sys
from pathlib import Path

from harness import arch as arches
from harness import command
from harness import compiler
from harness import kdir
from harness import messages
from harness import module
from harness import places
from harness import variables
from harness.messages import Fail
from harness.toolchain import Toolchain


def main() -> None:
    """Checks KDIR, or the running kernel's build directory if it is not set.

    With `host` it is for this machine's own tools, and no others are looked for.
    """
    variables.takes("check-kdir", "KDIR", "ARCH", "TOOLCHAIN", "M")
    running = Path("/lib/modules", os.uname().release, "build")
    path = Path(os.environ.get("KDIR") or running)
    rust = module.has_rust() if os.environ.get("M") else True
    what = "Rust modules" if rust else "modules in C"
    tree = kdir.inspect(path, rust)
    kdir.need_arch(path, tree, arches.selected())
    if sys.argv[1:] == ["host"]:
        kdir.need_host(tree)
        messages.say(f"{path}: this machine can build {what} for Linux {tree.release}")
        return
    toolchain = kdir.matching_toolchain(tree, rust)
    kdir.notice_if_newer(tree.release)
    messages.say(f"{path}: Linux {tree.release} ({tree.arch.name}) can build {what}")
    whose = "the host" if toolchain.root is None else "the toolchain"
    messages.say(f"  rustc: {tree.rustc}, {whose}'s" if rust else f"  compiler: {tree.compiler}")
    for name, kunit in (("make test", True), ("make demo", False)):
        try:
            kdir.need_image(tree)
            if kunit:
                kdir.need_kunit(tree)
            messages.say(f"  {name}: yes")
        except Fail as fail:
            messages.say(f"  {name}: no; {fail}")
    top = places.module_dir()
    messages.say("this builds the modules in place, with the same tools:")
    messages.say(f"  {shlex.join(in_place(tree, toolchain, top))}")


def in_place(tree: kdir.Tree, toolchain: Toolchain, top: Path) -> list[str]:
    """The command line that builds the modules where they are."""
    make = ["make", "-C", str(tree.build), f"ARCH={tree.arch.name}"]
    make += [*compiler.make_words(tree.config), f"M={top}", *tree.arch.make, "modules"]
    if toolchain.root is None:
        return make
    ro = [tree.build, *([tree.source] if tree.source else [])]
    return toolchain.argv(make, ro=ro, rw=[top])


if __name__ == "__main__":
    command.main(main)
