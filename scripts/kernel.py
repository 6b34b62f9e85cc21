# SPDX-License-Identifier: GPL-2.0

"""Stage 2: a kernel to build modules against and to boot.

Either one that is provisioned, from a source (source.py) and the fragments in tests-kunit/configs/,
or the user's own that KDIR= names.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import arch as arches
import common
import kdir
import source as sources
import toolchain as toolchains
from arch import Arch
from common import Fail
from toolchain import Toolchain

# What a build directory and a source take on the disk.
GIGABYTES = 3

# A line of make's that stands for an object.
BUILT = re.compile(r"  (?:CC|AS|RUSTC|HOSTCC) ")

# A line of the shell's `times`; the last is about its children.
TIMES = re.compile(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s$")


@dataclass(frozen=True)
class Kernel:
    """A kernel's build directory and what goes with it.

    `source` is its source tree, where the build directory has one; `image` what can be booted.
    """

    build: Path
    source: Path | None
    arch: Arch
    release: str
    key: str
    toolchain: Toolchain
    image: Path | None
    config: Mapping[str, str]

    def make(self) -> list[str]:
        """The make command of its build, without a goal."""
        llvm = ["LLVM=1"] if "CC_IS_CLANG" in self.config else []
        return ["make", "-C", str(self.build), f"ARCH={self.arch.name}", *llvm]


def select(first: int, of: int, need_kunit: bool, need_image: bool) -> Kernel:
    """The kernel that KDIR=, KERNEL=, KERNEL_TARBALL= and ARCH= ask for, with its toolchain.

    These are steps `first` and the next. Fails if the kernel can't do what is needed of it.
    """
    arch = arches.selected()
    config = arches.selected_config(arch or arches.ARCHES[arches.DEFAULT])
    ways = ("KDIR", "KERNEL", "KERNEL_TARBALL")
    named = [name for name in ways if os.environ.get(name)]
    if len(named) > 1:
        raise Fail(f"{'= and '.join(named)}= all name a kernel; use one of them")
    own, version, tarball = (os.environ.get(name) for name in ways)
    if version:
        check_version(version)
    if tarball and not Path(tarball).is_file():
        raise Fail(f"KERNEL_TARBALL={tarball}: there is no such file")

    if own:
        if config:
            raise Fail("KDIR= names a kernel that has its configuration; leave MTE and DEBUG unset")
        return select_own(Path(own), arch, first, of, need_kunit, need_image)
    common.step(first, of, "toolchain")
    toolchain = toolchains.provide()
    source = sources.provide(version, Path(tarball) if tarball else None, toolchain)
    arch = arch or arches.ARCHES[arches.DEFAULT]
    title = f"{(source / 'version').read_text()}, {arch.name}{' ' * bool(config)}{config}"
    common.step(first + 1, of, f"kernel: Linux {title}")
    kernel = provide(recipe(source, arch, config, toolchain), toolchain)
    kdir.notice_if_newer(kernel.release)
    return kernel


def check_version(version: str) -> None:
    """Fails if KERNEL= can't be a version that is supported."""
    if not re.fullmatch(r"\d+\.\d+", version):
        raise Fail(f"KERNEL={version} is not a version; it is like {sources.DEFAULT}, the default")
    if kdir.is_too_old(version):
        raise Fail(f"KERNEL={version} is too old; {kdir.too_old()}")


def select_own(
    path: Path, arch: Arch | None, first: int, of: int, need_kunit: bool, need_image: bool
) -> Kernel:
    """The user's own kernel, if it will do."""
    tree = kdir.inspect(path)
    if arch and tree.arch != arch:
        raise Fail(f"KDIR={path} is for {tree.arch.name}, which ARCH={arch.name} is not")
    if need_kunit:
        kdir.need_kunit(tree)
    if need_image:
        kdir.need_image(tree)
    common.step(first, of, f"toolchain: {tree.rustc}")
    toolchain = kdir.matching_toolchain(tree)
    common.step(first + 1, of, f"kernel: Linux {tree.release} in {path}")
    kdir.notice_if_newer(tree.release)
    return Kernel(
        tree.build,
        tree.source,
        tree.arch,
        tree.release,
        common.key(str(tree.build)),
        toolchain,
        tree.image if tree.image.exists() else None,
        tree.config,
    )


@dataclass(frozen=True)
class Recipe:
    """What a lean kernel is made of; `name` says it, and is its place in the cache."""

    source: Path
    arch: Arch
    name: str
    fragments: str

    @property
    def tree(self) -> Path:
        """The kernel's source tree."""
        return self.source / "tree"

    @property
    def build(self) -> Path:
        """Its build directory."""
        return common.cache() / "kernel" / self.name

    @property
    def stamp(self) -> Path:
        """A file that is there when it is built."""
        return self.build / "finished.json"


def recipe(source: Path, arch: Arch, config: str, toolchain: Toolchain) -> Recipe:
    """What makes a lean kernel from this source; `config` is empty, or a fragment on top."""
    configs = common.checkout() / "tests-kunit/configs"
    names = ["base", arch.name, *[config] * bool(config)]
    fragments = "".join((configs / f"{name}.config").read_text() for name in names)
    version = (source / "version").read_text()
    settings = [line for line in fragments.splitlines() if setting_name(line)]
    digest = common.key(version, *settings, toolchain.compilers())
    return Recipe(source, arch, "-".join([version, *names[1:], digest]), fragments)


def provide(made_of: Recipe, toolchain: Toolchain) -> Kernel:
    """A lean kernel; configured and built if it isn't there."""
    build = made_of.build
    if not made_of.stamp.exists():
        with common.lock(f"kernel-{made_of.name}"):
            if not made_of.stamp.exists():
                common.need_space(GIGABYTES, "a kernel's build")
                build.mkdir(parents=True, exist_ok=True)
                configure(made_of, toolchain)
                compile_(made_of, toolchain)
    return Kernel(
        build,
        made_of.tree,
        made_of.arch,
        json.loads(made_of.stamp.read_text())["release"],
        made_of.name,
        toolchain,
        build / made_of.arch.image,
        kdir.read_config(build),
    )


def configure(made_of: Recipe, toolchain: Toolchain) -> None:
    """Makes the build directory's .config, and sees that it has what is asked for.

    It is tinyconfig and the fragments in one pass, in which what nobody names is off. The kernel's
    own merge_config.sh takes three passes, and gives everything that a fragment makes visible its
    default.
    """
    build, tree, arch, asked = made_of.build, made_of.tree, made_of.arch, made_of.fragments
    if (build / "configured").exists():
        return
    log = common.logs() / f"{build.name}-config.log"
    tiny = [
        tree / "kernel/configs/tiny-base.config",
        tree / "kernel/configs/tiny.config",
        tree / "arch" / arch.srcarch / "configs/tiny.config",
    ]
    fragment = build / "fragment.config"
    fragment.write_text("".join(file.read_text() for file in tiny if file.exists()) + asked)

    progress = common.Progress()
    progress.show("configuring")
    command = [
        "make",
        "-C",
        str(tree),
        f"O={build}",
        f"ARCH={arch.name}",
        "LLVM=1",
        f"KCONFIG_ALLCONFIG={fragment}",
        "allnoconfig",
    ]
    common.run_logged(toolchain.argv(command, ro=[tree], rw=[build]), log, "configuring the kernel")
    wrong = not_as_asked(asked, (build / ".config").read_text(), symbols(tree))
    if wrong:
        raise Fail(f"Kconfig would not have it as the fragments do: {', '.join(wrong)}; see {log}")
    (build / "configured").touch()
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
    wrong = []
    for line in fragments.splitlines():
        name = setting_name(line)
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
    log = common.logs() / f"{build.name}.log"
    common.say(f"      building it, which takes some minutes; log: {log}")
    progress, built, cpu = common.Progress(), 0, 0.0

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
        *["make", "-C", str(tree), f"O={build}", f"ARCH={arch.name}", "LLVM=1"],
        *[f"-j{os.cpu_count() or 1}", "KBUILD_BUILD_USER=rust_alloc_demo"],
        *["KBUILD_BUILD_HOST=guest", Path(arch.image).name, "modules"],
    ]
    argv = toolchain.argv(command, ro=[tree], rw=[build])
    common.run_logged(argv, log, "building the kernel", on_line)
    release = (build / "include/config/kernel.release").read_text().strip()
    made_of.stamp.write_text(json.dumps({"release": release, "cpu_seconds": round(cpu)}) + "\n")
    progress.end(f"{built} objects built in {cpu:.0f} CPU seconds")


def main() -> None:
    """Provides the kernel and prints where it is."""
    kernel = select(1, 2, need_kunit=False, need_image=False)
    common.say(f"{kernel.build}: Linux {kernel.release}, {kernel.arch.name}")


if __name__ == "__main__":
    common.main(main)
