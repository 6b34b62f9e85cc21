# SPDX-License-Identifier: GPL-2.0

"""`make rust-analyzer`: writes rust-project.json, with which an editor knows the kernel and us.

The kernel's own script makes it (`make M=dir rust-analyzer`); what it can't know of an out-of-tree
module in a toolchain of its own is added from the module's build. With `server` this is the
language server itself, that of the toolchain: it alone can load the kernel's macros, which the
toolchain's rustc compiled.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import own
from harness import command
from harness import guest
from harness import messages
from harness import module
from harness import places
from harness import saved_command
from harness import stages
from harness import variables
from harness.kernel import Kernel
from harness.kernel import Needs
from harness.messages import Fail
from harness.toolchain import Toolchain

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
    log = places.logs() / "rust-analyzer.log"
    goal = [f"src={kernel.source}/rust", "rust-analyzer"]
    module.run(module.make(kernel, src, goal), src, log, werror=False)
    found: Json = json.loads((src / PROJECT).read_text())
    return found


def add_alloc(crates: list[Json], crate: Json, made: Path, place: Callable[[str], str]) -> None:
    """Adds the crates that allocator/alloc_crate.mk has built for this one, and makes it know them.

    They are beside its object file, each with the command that it was compiled by.
    """
    numbers = {one["display_name"]: number for number, one in enumerate(crates)}
    core = {"crate": numbers["core"], "name": "core"}
    mine: list[Json] = []
    found = {
        file: saved_command.words_of(file)
        for file in (made.parent / "alloc_crate").glob(".*.o.cmd")
    }
    # Each is told of all before it, and so of one more than that was.
    order = {file: len(saved_command.values(found[file], "--extern")) for file in found}
    for file in sorted(found, key=lambda file: (file.name != ".alloc.o.cmd", order[file])):
        words = found[file]
        name = file.name.removeprefix(".").removesuffix(".o.cmd")
        [root] = {word.rstrip(";") for word in words if word.rstrip(";").endswith("/src/lib.rs")}
        one = {
            "display_name": name,
            "root_module": place(root),
            "is_workspace_member": False,
            "is_proc_macro": False,
            "edition": saved_command.values(words, "--edition")[-1],
            "deps": [core, *mine],
            "cfg": saved_command.values(words, "--cfg"),
            "env": {},
        }
        mine.append({"crate": len(crates), "name": name})
        crates.append(one)
    crate["deps"] += mine


def adapt(project: Json, src: Path, top: Path, root: Path | None, built: Path) -> Json:
    """Makes the file right for an editor on the host.

    `src` stands for the modules' directory `top`, and /usr is that of the toolchain's root. The
    modules' crates, which come last and which no other depends on, get the cfgs that they were
    compiled with in `built`, and they alone are the workspace: an editor looks for errors there.
    All files of the directory are of each, as a crate may have modules outside its root's folder.
    What is named as an object in a Kbuild but is in C is no crate, whatever Rust file has its
    name, nor is what the build didn't make.
    """

    def place(name: str) -> str:
        path = top / name
        for copy in (src, built):
            if path.is_relative_to(copy):
                return str(top / path.relative_to(copy))
        if root and path.is_relative_to("/usr"):
            return f"{root}{path}"
        return str(path)

    crates: list[Json] = []
    alloc: list[tuple[Json, Path]] = []
    for crate in project["crates"]:
        crate["root_module"] = place(crate["root_module"])
        crate["is_workspace_member"] = Path(crate["root_module"]).is_relative_to(top)
        if crate["is_workspace_member"]:
            source = built / Path(crate["root_module"]).relative_to(top)
            made = source.with_name(f".{source.stem}.o.cmd")
            if source.with_suffix(".c").exists() or not made.exists():
                continue
            cfgs = saved_command.values(saved_command.words_of(made), "--cfg")
            crate["cfg"] = list(dict.fromkeys([*crate["cfg"], *cfgs]))
            if any(cfg.startswith("alloc_crate=") for cfg in cfgs):
                alloc.append((crate, made))
            crate["source"] = {"include_dirs": [str(top)], "exclude_dirs": []}
        crates.append(crate)
    # Behind all others, whose numbers stay what they are.
    for crate, made in alloc:
        add_alloc(crates, crate, made, place)
    return {**project, "crates": crates, "sysroot": place(project["sysroot"])}


def write() -> None:
    """Writes the file for the kernel that is selected."""
    variables.takes("rust-analyzer", *variables.KERNEL, "M", "V")
    top = places.module_dir()
    kernel, modules = stages.build(STEPS, Needs(), more=own.everything())
    if kernel.source is None:
        raise Fail(
            f"KDIR={kernel.build} has no source of the kernel crate to look into; name a build"
            " directory, or leave KDIR unset"
        )
    with guest.run_directory("rust-analyzer") as run:
        src = run / "src"
        module.stage(module.sources(top), src)
        made = adapt(ask_kernel(kernel, src), src, top, kernel.toolchain.root, modules.dir)
    (top / PROJECT).write_text(json.dumps(made, indent=4) + "\n")
    messages.say(f"wrote {top / PROJECT} for Linux {kernel.release}")
    if kernel.toolchain.root:
        launcher = places.checkout() / LAUNCHER
        messages.say(f"have your editor run {launcher}, which can expand the kernel's macros")


def serve(words: Sequence[str]) -> None:
    """Becomes the rust-analyzer of the toolchain, with all that the file names at its place."""
    # An editor starts it in the directory that it has open.
    top = Path.cwd() if (Path.cwd() / PROJECT).exists() else places.module_dir()
    if not (top / PROJECT).exists():
        raise Fail(f"there is no {PROJECT}; run `make rust-analyzer` first")
    project = json.loads((top / PROJECT).read_text())
    usr = Path(project["sysroot"])
    root = usr.parent if usr.is_relative_to(places.stage("toolchain")) else None
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
    command.main(main)
