# SPDX-License-Identifier: GPL-2.0

"""Stage 2: a kernel to build modules against and to boot.

Either one that is provisioned, from the source package KERNEL= names and the fragments in
tests-kunit/configs/, or the user's own that KDIR= names.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import common
import kdir
import toolchain as toolchains
from common import Fail
from toolchain import Toolchain

DEFAULT = "7.3"
ARCHES = {"x86_64": "arch/x86/boot/bzImage"}
SRCARCHES = {"x86_64": "x86"}

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
    arch: str
    release: str
    key: str
    toolchain: Toolchain
    image: Path | None
    clang: bool = True

    def make(self) -> list[str]:
        """The make command of its build, without a goal."""
        return ["make", "-C", str(self.build), f"ARCH={self.arch}", *["LLVM=1"] * self.clang]


def select(first: int, of: int, need_kunit: bool, need_image: bool) -> Kernel:
    """The kernel that KDIR=, KERNEL= and ARCH= ask for, with its toolchain.

    These are steps `first` and the next. Fails if the kernel can't do what is needed of it.
    """
    arch = os.environ.get("ARCH") or "x86_64"
    if arch not in ARCHES:
        raise Fail(f"ARCH={arch} is not supported; it can be {', '.join(ARCHES)}")
    if os.environ.get("DEBUG"):
        raise Fail("DEBUG= is not there yet; there is no kernel with sanitizers to select")
    own, version = os.environ.get("KDIR"), os.environ.get("KERNEL")
    if own and version:
        raise Fail("KDIR= and KERNEL= both name a kernel; use one of them")
    if version and not re.fullmatch(r"\d+\.\d+", version):
        raise Fail(f"KERNEL={version} is not a version; it is like {DEFAULT}, the default")
    if version and kdir.is_too_old(version):
        raise Fail(f"KERNEL={version} is too old; {kdir.too_old()}")

    if own:
        return select_own(Path(own), arch, first, of, need_kunit, need_image)
    common.step(first, of, "toolchain")
    toolchain = toolchains.provide()
    source = provide_source(version, toolchain)
    common.step(first + 1, of, f"kernel: Linux {(source / 'version').read_text()}")
    return provide(source, arch, toolchain)


def select_own(
    path: Path, arch: str, first: int, of: int, need_kunit: bool, need_image: bool
) -> Kernel:
    """The user's own kernel, if it will do."""
    tree = kdir.inspect(path)
    if tree.arch != arch:
        raise Fail(f"KDIR={path} is for {tree.arch}; ARCH= can be {', '.join(ARCHES)}")
    if need_kunit:
        kdir.need_kunit(tree)
    image = tree.build / ARCHES[arch]
    if need_image:
        kdir.need_image(tree, image)
    common.step(first, of, f"toolchain: {tree.rustc}")
    toolchain = kdir.matching_toolchain(tree)
    common.step(first + 1, of, f"kernel: Linux {tree.release} in {path}")
    return Kernel(
        tree.build,
        tree.source,
        arch,
        tree.release,
        common.key(str(tree.build)),
        toolchain,
        image if image.exists() else None,
        tree.clang,
    )


def provide_source(version: str | None, toolchain: Toolchain) -> Path:
    """The directory with a kernel's `tree` and `version`; fetched if it isn't there."""
    base = common.cache() / "source"
    replaced = base / "default"
    wanted = version or (replaced.read_text() if replaced.exists() else DEFAULT)
    if (base / wanted).is_dir():
        return base / wanted
    with common.lock("source"):
        if not (base / wanted).is_dir():
            found = fetch(base, wanted, version is not None, toolchain)
            if found != wanted:
                replaced.write_text(found)
                wanted = found
    return base / wanted


def fetch(base: Path, wanted: str, named: bool, toolchain: Toolchain) -> str:
    """Fetches and unpacks the Debian package of a kernel's source; returns which it was."""
    if toolchain.root is None:
        raise Fail(
            "TOOLCHAIN=host: kernel sources come through the toolchain's root; name a kernel of"
            " your own by KDIR=, or leave TOOLCHAIN unset"
        )
    base.mkdir(exist_ok=True)
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any"]
    log = common.logs() / "source.log"
    common.say("      looking up the kernel's source package")
    common.run_logged(
        toolchain.argv([*apt, "update"], network=True), log, "reaching the package archive"
    )
    names = toolchain.output(["apt-cache", "pkgnames", "linux-source-"]).split()
    versions = [name.removeprefix("linux-source-") for name in names]
    found = sorted(
        (
            name
            for name in versions
            if re.fullmatch(r"\d+\.\d+", name) and not kdir.is_too_old(name)
        ),
        key=lambda name: [int(part) for part in name.split(".")],
    )
    if wanted not in found:
        if named or not found:
            raise Fail(
                f"the archive has no linux-source-{wanted}; KERNEL= can be"
                f" {', '.join(found) or 'none'}"
            )
        common.say(
            f"      the archive has no linux-source-{wanted} any more; taking {found[-1]},"
            " its newest"
        )
        wanted = found[-1]
        if (base / wanted).is_dir():
            return wanted

    with common.publish(base / wanted) as part:
        progress = common.Progress()
        progress.show(f"fetching linux-source-{wanted}")
        script = (
            f"cd '{part}' && {' '.join(apt)} download linux-source-{wanted}"
            " && dpkg-deb -f linux-source-*.deb Version | tr -d '\\n' >version"
            " && echo unpacking && dpkg-deb --fsys-tarfile linux-source-*.deb | tar -x"
            " && rm linux-source-*.deb && mkdir tree"
            " && tar -xf usr/src/linux-source-*.tar.xz -C tree --no-same-owner"
            " --strip-components=1 && rm -r usr"
        )
        common.run_logged(
            toolchain.argv(["bash", "-e", "-o", "pipefail", "-c", script], rw=[part], network=True),
            log,
            f"fetching linux-source-{wanted}",
            lambda line: progress.show(line or "unpacking"),
        )
        progress.end(f"source of Linux {(part / 'version').read_text()} fetched")
    return wanted


def provide(source: Path, arch: str, toolchain: Toolchain) -> Kernel:
    """A lean kernel from this source; configured and built if it isn't there."""
    configs = common.checkout() / "tests-kunit/configs"
    texts = [(configs / f"{name}.config").read_text() for name in ("base", arch)]
    version = (source / "version").read_text()
    settings = [line for text in texts for line in text.splitlines() if setting_name(line)]
    name = f"{version}-{arch}-{common.key(version, *settings, toolchain.key)}"
    build = common.cache() / "kernel" / name
    stamp = build / "finished.json"
    if not stamp.exists():
        with common.lock(f"kernel-{name}"):
            if not stamp.exists():
                build.mkdir(parents=True, exist_ok=True)
                configure(source / "tree", build, arch, "".join(texts), toolchain)
                compile_(source / "tree", build, arch, sum(map(objects, texts)), toolchain, stamp)
    return Kernel(
        build,
        source / "tree",
        arch,
        json.loads(stamp.read_text())["release"],
        name,
        toolchain,
        build / ARCHES[arch],
    )


def configure(tree: Path, build: Path, arch: str, asked: str, toolchain: Toolchain) -> None:
    """Makes the build directory's .config, and sees that it has what is asked for.

    It is tinyconfig and the fragments in one pass, in which what nobody names is off. The kernel's
    own merge_config.sh takes three passes, and gives everything that a fragment makes visible its
    default.
    """
    if (build / "configured").exists():
        return
    log = common.logs() / f"{build.name}-config.log"
    tiny = [
        tree / "kernel/configs/tiny-base.config",
        tree / "kernel/configs/tiny.config",
        tree / "arch" / SRCARCHES[arch] / "configs/tiny.config",
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
        f"ARCH={arch}",
        "LLVM=1",
        f"KCONFIG_ALLCONFIG={fragment}",
        "allnoconfig",
    ]
    common.run_logged(toolchain.argv(command, ro=[tree], rw=[build]), log, "configuring the kernel")
    wrong = not_as_asked(asked, (build / ".config").read_text())
    if wrong:
        raise Fail(f"Kconfig would not have it as the fragments do: {', '.join(wrong)}; see {log}")
    (build / "configured").touch()
    progress.end("configured")


def not_as_asked(fragments: str, config: str) -> list[str]:
    """The settings of the fragments that a .config doesn't have."""
    have = set(config.splitlines())
    known = {setting_name(line) for line in have}
    wrong = []
    for line in fragments.splitlines():
        name = setting_name(line)
        # A symbol that this kernel doesn't have is as good as not set.
        if name and line not in have and (name in known or not line.startswith("#")):
            wrong.append(line)
    return wrong


def setting_name(line: str) -> str:
    """The symbol that a line of a .config is about; empty for a comment."""
    found = re.match(r"(?:# )?(CONFIG_\w+)(?:=| is not set)", line)
    return found[1] if found else ""


def objects(fragment: str) -> int:
    """How many objects a fragment says that its kernel takes."""
    found = re.search(r"^# objects: (\d+)$", fragment, re.MULTILINE)
    return int(found[1]) if found else 0


def compile_(
    tree: Path, build: Path, arch: str, expected: int, toolchain: Toolchain, stamp: Path
) -> None:
    """Builds the kernel and writes the stamp that says so; goes on where an earlier run stopped."""
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
        *["make", "-C", str(tree), f"O={build}", f"ARCH={arch}", "LLVM=1"],
        *[f"-j{os.cpu_count() or 1}", "KBUILD_BUILD_USER=rust_alloc_demo"],
        *["KBUILD_BUILD_HOST=guest", Path(ARCHES[arch]).name, "modules"],
    ]
    argv = toolchain.argv(command, ro=[tree], rw=[build])
    common.run_logged(argv, log, "building the kernel", on_line)
    release = (build / "include/config/kernel.release").read_text().strip()
    stamp.write_text(json.dumps({"release": release, "cpu_seconds": round(cpu)}) + "\n")
    progress.end(f"{built} objects built in {cpu:.0f} CPU seconds")


def main() -> None:
    """Provides the kernel and prints where it is."""
    kernel = select(1, 2, need_kunit=False, need_image=False)
    common.say(f"{kernel.build}: Linux {kernel.release}, {kernel.arch}")


if __name__ == "__main__":
    common.main(main)
