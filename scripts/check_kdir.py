# SPDX-License-Identifier: GPL-2.0

"""`make check-kdir`: whether KDIR can build modules, else why and what mends it; and how to."""

import os
import shlex
from pathlib import Path

from harness import arch as arches
from harness import command
from harness import compiler
from harness import host
from harness import kdir
from harness import messages
from harness import metadata
from harness import module
from harness import places
from harness import variables
from harness.messages import Fail
from harness.toolchain import Toolchain


def main() -> None:
    """Checks KDIR, or the running kernel's build directory if it is not set."""
    variables.takes("check-kdir", "KDIR", "KERNEL_SOURCE", "ARCH", "TOOLCHAIN", "M")
    path = kdir.named()
    rust = module.has_rust() if os.environ.get("M") else True
    what = "Rust modules" if rust else "modules in C"
    tree = kdir.inspect(path, rust)
    kdir.need_arch(path, tree, arches.selected())
    toolchain = host.matching_toolchain(tree, rust)
    making = rust and not tree.metadata
    if making:
        metadata.package_version(tree, toolchain)
    kdir.notice_if_newer(tree.release)
    messages.say(f"{path}: Linux {tree.release} ({tree.arch.name}) can build {what}")
    whose = "the host" if toolchain.root is None else "the toolchain"
    messages.say(f"  rustc: {tree.rustc}, {whose}'s" if rust else f"  compiler: {tree.compiler}")
    if making:
        messages.say(
            "  Rust metadata: not there; whatever builds a module makes it first, from the kernel's"
            " source"
        )
    for name, kunit in (("make test", True), ("make demo", False)):
        try:
            kdir.need_image(tree)
            if kunit:
                kdir.need_kunit(tree, rust)
            messages.say(f"  {name}: yes")
        except Fail as fail:
            messages.say(f"  {name}: no; {fail}")
    if making:
        messages.say("`make metadata` makes it now, and prints the directory to use as KDIR then")
        return
    top = places.module_dir()
    messages.say("this builds the modules in place, with the same tools:")
    messages.say(f"  {shlex.join(in_place(tree, toolchain, top))}")


def in_place(tree: kdir.Tree, toolchain: Toolchain, top: Path) -> list[str]:
    """The command line that builds the modules where they are."""
    make = compiler.make(tree.build, tree.arch.name, tree.config)
    make += [f"M={top}", *tree.arch.make, "modules"]
    if toolchain.root is None:
        return make
    return toolchain.argv(make, ro=kdir.trees(tree.build, tree.source), rw=[top])


if __name__ == "__main__":
    command.main(main)
