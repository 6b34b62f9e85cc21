# SPDX-License-Identifier: GPL-2.0

"""Stage 2 for lean kernels: built from a source (source.py), the fragments in configs/ and those of
the modules (settings.py), with what these name and nothing else."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness import kdir
from harness import messages
from harness import places
from harness import process
from harness import settings
from harness.arch import Arch
from harness.flavour import Flavour
from harness.kernel import Kernel, Needs, fetch, selectors, short
from harness.messages import Fail
from harness.toolchain import Toolchain

# What a build directory and a source take on the disk.
GIGABYTES = 3

# A file of the build directory that is there when it has its .config.
CONFIGURED = "configured"

# A line of make's that stands for an object.
BUILT = re.compile(r"  (?:CC|AS|RUSTC|HOSTCC) ")

# A line of the shell's `times`; the last is about its children.
TIMES = re.compile(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s$")


@dataclass(frozen=True)
class Recipe:
    """What a lean kernel is made of; `name` says it, and is its place in the cache.

    `plain` is the same without the modules' own settings, where they have some.
    """

    source: Path
    arch: Arch
    flavour: Flavour
    name: str
    fragments: str
    plain: "Recipe | None" = None

    @property
    def selectors(self) -> tuple[str, ...]:
        """The words by which a module's files are selected for it (settings.py)."""
        return selectors(short((self.source / "version").read_text()), self.arch, self.flavour.name)

    @property
    def tree(self) -> Path:
        """The kernel's source tree."""
        return self.source / "tree"

    @property
    def build(self) -> Path:
        """Its build directory."""
        return places.bound("kernel") / self.name

    @property
    def make(self) -> list[str]:
        """The make command of its build, without a goal."""
        words = ["make", "-C", str(self.tree), f"O={self.build}", f"ARCH={self.arch.name}"]
        return [*words, *["LLVM=1"] * (not self.flavour.gcc)]

    @property
    def stamp(self) -> Path:
        """A file that is there when it is built."""
        return self.build / "finished.json"


def recipe(source: Path, arch: Arch, flavour: Flavour, toolchain: Toolchain) -> Recipe:
    """What makes a lean kernel from this source, of a flavour or plain.

    The modules' own settings come last, and so are those that count.
    """
    configs = Path(__file__).with_name("configs")
    names = ["base", arch.name, *[flavour.name] * bool(flavour.name)]
    version = (source / "version").read_text()
    lean = "".join((configs / f"{name}.config").read_text() for name in names)

    compilers = [toolchain.compilers()]
    if flavour.gcc:
        compilers.append(toolchain.output(["gcc", "--version"]))

    def of(fragments: str, plain: Recipe | None) -> Recipe:
        lines = [line for line in fragments.splitlines() if setting_name(line)]
        digest = places.key(version, *lines, *compilers)
        name = "-".join([version, *names[1:], digest])
        return Recipe(source, arch, flavour, name, fragments, plain)

    own = settings.fragments(selectors(short(version), arch, flavour.name))
    return of(lean + own, of(lean, None)) if own else of(lean, None)


def provide(made_of: Recipe, toolchain: Toolchain, needs: Needs) -> Kernel:
    """A lean kernel; configured and built if it isn't there, after what its guests need is."""
    build = made_of.build
    fetch(needs, made_of.selectors, made_of.arch, toolchain)
    if not made_of.stamp.exists():
        with places.lock(f"kernel-{made_of.name}"):
            if not made_of.stamp.exists():
                places.need_space(GIGABYTES, "a kernel's build")
                begin(made_of)
                configure(made_of, toolchain)
                compile_(made_of, toolchain)
    return Kernel(
        build,
        made_of.tree,
        made_of.arch,
        json.loads(made_of.stamp.read_text())["release"],
        made_of.flavour.name,
        made_of.name,
        toolchain,
        build / made_of.arch.image,
        kdir.read_config(build),
    )


def begin(made_of: Recipe) -> None:
    """Makes the build directory; a copy of the plain kernel's if that is built, so that only what
    the modules' settings change is built anew."""
    build, plain = made_of.build, made_of.plain
    if build.is_dir():
        return
    if not plain or not plain.stamp.exists():
        build.mkdir(parents=True)
        return
    with places.publish(build) as part:
        process.run_logged(
            ["cp", "-a", "--reflink=auto", f"{plain.build}/.", str(part)],
            places.logs() / f"{build.name}-copy.log",
            "copying the lean kernel",
        )
        for name in (plain.stamp.name, CONFIGURED):
            (part / name).unlink(missing_ok=True)


def configure(made_of: Recipe, toolchain: Toolchain) -> None:
    """Makes the build directory's .config, and sees that it has what is asked for.

    It is tinyconfig and the fragments in one pass, in which what nobody names is off. The kernel's
    own merge_config.sh takes three passes, and gives everything that a fragment makes visible its
    default.
    """
    build, tree, arch, asked = made_of.build, made_of.tree, made_of.arch, made_of.fragments
    if (build / CONFIGURED).exists():
        return
    log = places.logs() / f"{build.name}-config.log"
    tiny = [
        tree / "kernel/configs/tiny-base.config",
        tree / "kernel/configs/tiny.config",
        tree / "arch" / arch.srcarch / "configs/tiny.config",
    ]
    fragment = build / "fragment.config"
    lines = [line for file in tiny if file.exists() for line in file.read_text().splitlines()]
    # Kconfig warns of a symbol that is set twice.
    last = {setting_name(line): line for line in [*lines, *asked.splitlines()]}
    fragment.write_text("\n".join(line for name, line in last.items() if name) + "\n")

    progress = messages.Progress()
    progress.show("configuring")
    command = [*made_of.make, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"]
    process.run_logged(
        toolchain.argv(command, ro=[tree], rw=[build]), log, "configuring the kernel"
    )
    wrong = not_as_asked(asked, (build / ".config").read_text(), symbols(tree))
    if wrong:
        raise Fail(f"Kconfig would not have it as the fragments do: {', '.join(wrong)}; see {log}")
    (build / CONFIGURED).touch()
    progress.end("configured")


def symbols(tree: Path) -> set[str]:
    """The Kconfig symbols that a source has, with their prefix."""
    found = set()
    for file in tree.rglob("Kconfig*"):
        text = file.read_text(errors="replace")
        found |= set(re.findall(r"^\s*(?:menu)?config (\w+)$", text, re.MULTILINE))
    return {f"CONFIG_{name}" for name in found}


def not_as_asked(fragments: str, config: str, known: set[str]) -> list[str]:
    """The settings of the fragments that a .config doesn't have.

    `known` are the symbols of the source. One that it doesn't have was not invented yet, or has
    gone; a newer kernel's own is the default then.
    """
    have = config.splitlines()
    mentioned = {setting_name(line) for line in have}
    # Of settings of one symbol the last counts: a fragment may have another mind than one before.
    asked = {setting_name(line): line for line in fragments.splitlines()}
    wrong = []
    for name, line in asked.items():
        if not name or name not in known or line in have:
            continue
        # What is off may not be mentioned at all.
        if name in mentioned or not line.startswith("#"):
            wrong.append(line)
    return wrong


def setting_name(line: str) -> str:
    """The symbol that a line of a .config is about; empty for a comment."""
    found = re.match(r"(?:# )?(CONFIG_\w+)(?:=| is not set)", line)
    return found[1] if found else ""


def objects(fragments: str) -> int:
    """How many objects the fragments say that their kernel takes."""
    return sum(int(found) for found in re.findall(r"^# objects: (\d+)$", fragments, re.MULTILINE))


def compile_(made_of: Recipe, toolchain: Toolchain) -> None:
    """Builds the kernel and writes the stamp that says so; goes on where an earlier run stopped."""
    build, tree, arch = made_of.build, made_of.tree, made_of.arch
    expected = objects(made_of.fragments)
    log = places.logs() / f"{build.name}.log"
    messages.say(f"      building it, which takes some minutes; log: {log}")
    progress, built, cpu = messages.Progress(), 0, 0.0

    def on_line(line: str) -> None:
        nonlocal built, cpu
        if BUILT.match(line):
            built += 1
            progress.show(f"{built} of about {max(expected, built)} objects")
        elif times := TIMES.match(line):
            cpu = sum(60 * int(times[n]) + float(times[n + 1]) for n in (1, 3))

    # The shell tells the CPU time: bubblewrap, as it is used here, doesn't hand it on.
    command = [
        *["bash", "-c", '"$@" && times', "bash"],
        *made_of.make,
        *[f"-j{os.cpu_count() or 1}", "KBUILD_BUILD_USER=harness"],
        *["KBUILD_BUILD_HOST=guest", Path(arch.image).name, "modules"],
    ]
    argv = toolchain.argv(command, ro=[tree], rw=[build])
    process.run_logged(argv, log, "building the kernel", on_line)
    release = (build / "include/config/kernel.release").read_text().strip()
    made_of.stamp.write_text(json.dumps({"release": release, "cpu_seconds": round(cpu)}) + "\n")
    progress.end(f"{built} objects built in {cpu:.0f} CPU seconds")
