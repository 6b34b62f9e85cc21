# SPDX-License-Identifier: GPL-2.0

"""`make rust-analyzer`: writes rust-project.json, with which an editor knows the kernel and us.

The kernel's own script makes it (`make M=dir rust-analyzer`); what it can't know of an out-of-tree
module in a toolchain of its own is added. With `server` this is the language server itself, that of
the toolchain: it alone can load the kernel's macros, which the toolchain's rustc compiled.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import common
import guest
import kernel as kernels
import module
from common import Fail
from kernel import Kernel
from toolchain import Toolchain

STEPS = 3
PROJECT = "rust-project.json"
LAUNCHER = "scripts/rust-analyzer"

# A crate or the whole of a rust-project.json, as JSON has it.
Json = dict[str, Any]


def ask_kernel(kernel: Kernel, src: Path) -> Json:
    """What the kernel's script writes for the sources in `src`.

    Linux 6.12 doesn't find its own rust/ for a module if it was built with O=; newer ones name it
    as it is named here (Makefile, rust-analyzer).
    """
    log = common.logs() / "rust-analyzer.log"
    goal = [f"src={kernel.source}/rust", "rust-analyzer"]
    module.run(module.make(kernel, src, goal), src, log, werror=False)
    found: Json = json.loads((src / PROJECT).read_text())
    return found


def cfgs(kernel: Kernel, src: Path) -> list[str]:
    """The cfgs that the kernel's build gives a module, and those that our Kbuild adds."""
    ask = src / "ask"
    ask.mkdir()
    (ask / "allocator").symlink_to(src / "allocator")
    question = "$(info asked: $(KBUILD_RUSTFLAGS_MODULE) $(RUSTFLAGS_rust_alloc_demo.o))"
    (ask / "Kbuild").write_text((src / "Kbuild").read_text() + f"\n{question}\nobj-m :=\n")
    log = common.logs() / "rust-analyzer-cfgs.log"
    common.run_logged(module.make(kernel, ask, ["modules"], rw=[src]), log, "asking for the cfgs")
    asked = re.search(r"^asked: (.*)$", log.read_text(), re.MULTILINE)
    words = shlex.split(asked[1]) if asked else []
    return [word for flag, word in zip(words, words[1:]) if flag == "--cfg"]


def adapt(project: Json, src: Path, top: Path, root: Path | None, more: Sequence[str]) -> Json:
    """Makes the file right for an editor on the host.

    `src` stands for the checkout `top`, and /usr is that of the toolchain's root. The crates of
    ours, which come last and on which no other depends, get `more` as cfgs, and they alone are the
    workspace: an editor looks for errors there. All files of the checkout are of each, as a crate
    may have modules outside its root's folder. What is named as an object in a Kbuild but is in C
    is no crate, whatever Rust file has its name.
    """

    def place(name: str) -> str:
        path = top / name
        if path.is_relative_to(src):
            return str(top / path.relative_to(src))
        if root and path.is_relative_to("/usr"):
            return f"{root}{path}"
        return str(path)

    crates = []
    for crate in project["crates"]:
        crate["root_module"] = place(crate["root_module"])
        crate["is_workspace_member"] = Path(crate["root_module"]).is_relative_to(top)
        if crate["is_workspace_member"]:
            if Path(crate["root_module"]).with_suffix(".c").exists():
                continue
            crate["cfg"] = [*crate["cfg"], *more]
            crate["source"] = {"include_dirs": [str(top)], "exclude_dirs": []}
        crates.append(crate)
    return {**project, "crates": crates, "sysroot": place(project["sysroot"])}


def write() -> None:
    """Writes the file for the kernel that is selected."""
    top = common.checkout()
    kernel = kernels.select(1, STEPS, need_kunit=False, need_image=False)
    if kernel.source is None:
        raise Fail(
            f"KDIR={kernel.build} has no source of the kernel crate to look into; name a build"
            " directory, or leave KDIR unset"
        )
    common.step(3, STEPS, PROJECT)
    with guest.run_directory("rust-analyzer") as run:
        src = run / "src"
        module.stage(module.sources(top), src)
        made = ask_kernel(kernel, src)
        made = adapt(made, src, top, kernel.toolchain.root, cfgs(kernel, src))
    (top / PROJECT).write_text(json.dumps(made, indent=4) + "\n")
    common.say(f"wrote {PROJECT} for Linux {kernel.release}")
    if kernel.toolchain.root:
        common.say(f"have your editor run {top / LAUNCHER}, which can expand the kernel's macros")


def serve(words: Sequence[str]) -> None:
    """Becomes the rust-analyzer of the toolchain, with all that the file names at its place."""
    top = common.checkout()
    if not (top / PROJECT).exists():
        raise Fail(f"there is no {PROJECT}; run `make rust-analyzer` first")
    project = json.loads((top / PROJECT).read_text())
    usr = Path(project["sysroot"])
    root = usr.parent if usr.is_relative_to(common.cache() / "toolchain") else None
    if root and not root.is_dir():
        raise Fail(f"the toolchain that {PROJECT} names is gone; run `make rust-analyzer` again")
    [crate] = [crate for crate in project["crates"] if crate["display_name"] == "kernel"]
    source, build = Path(crate["root_module"]).parents[2], Path(crate["env"]["OBJTREE"])
    argv = Toolchain(root, "").argv(
        ["rust-analyzer", *words], ro=[top, source, build, *([root] if root else [])], cwd=top
    )
    sys.exit(subprocess.run(argv, check=False).returncode)


def main() -> None:
    """`make rust-analyzer`, and the server."""
    if sys.argv[1:2] == ["server"]:
        serve(sys.argv[2:])
    write()


if __name__ == "__main__":
    common.main(main)
