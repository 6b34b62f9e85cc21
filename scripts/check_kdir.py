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
from harness import requirements
from harness import variables
from harness.messages import Fail
from harness.requirement import Subject
from harness.toolchain import Toolchain


def main() -> None:
    """Checks KDIR, or the running kernel's build directory if it is not set."""
    variables.takes("check-kdir", "KDIR", "KERNEL_SOURCE", "ARCH", "TOOLCHAIN", "M")
    rust = module.has_rust() if os.environ.get("M") else True
    what = "Rust modules" if rust else "modules in C"
    subject = Subject(kdir.named(), rust, arches.selected())
    *others, last = [*requirements.wrong(subject)] or [""]
    for said in others:
        print(f"error: {said}", file=sys.stderr)
    if last:
        raise Fail(last)
    tree, toolchain = subject.tree, subject.toolchain
    kdir.notice_if_newer(tree.release)
    messages.say(f"{subject.path}: Linux {tree.release} ({tree.arch.name}) can build {what}")
    whose = "the host" if toolchain.root is None else "the toolchain"
    messages.say(f"  rustc: {tree.rustc}, {whose}'s" if rust else f"  compiler: {tree.compiler}")
    if subject.making:
        messages.say(
            "  Rust metadata: not there; whatever builds a module makes it first, from the kernel's"
            " source"
        )
    for name, test in (("make test", True), ("make demo", False)):
        for said in [*requirements.wrong_in_guest(subject, test)] or [""]:
            messages.say(f"  {name}: no; {said}" if said else f"  {name}: yes")
    if subject.making:
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
