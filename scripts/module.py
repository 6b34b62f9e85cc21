# SPDX-License-Identifier: GPL-2.0

"""Stage 3: builds the modules against a kernel's build directory.

The sources are staged: copied to a build directory of their own in the cache, for each checkout and
kernel one. So the checkout stays clean, and objects of two kernels never mix.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import common
import kernel as kernels
from common import Fail
from kernel import Kernel

# What the kernel's build reads of the checkout.
FOLDERS = ("allocator", "tests-kunit", "bench")
SUFFIXES = (".rs", ".c", ".h", ".mk")

# Lines of make that are no diagnostics: what it is doing, and where.
CHATTER = re.compile(
    r"^(?:  [A-Z_]+ +(?:\[M\] *)?\S+( \S+)?$|make(?:\[\d+\])?: (?:Entering|Leaving) )"
)
WARNING = re.compile(r"\bwarning\b|^WARNING:", re.IGNORECASE)

# Where the kernel's modules_install puts the modules, below updates/; it may compress them. DKMS's
# are not there.
INSTALLED = ("rust_alloc_demo.ko*", "tests-kunit/rust_alloc_demo_kunit.ko*")

# The files of depmod's (kmod, tools/depmod.c).
DEPMOD = tuple(
    f"modules.{name}"
    for name in (
        *("alias", "alias.bin", "builtin.alias.bin", "builtin.bin", "dep", "dep.bin", "devname"),
        *("softdep", "symbols", "symbols.bin", "weakdep"),
    )
)

# What tells that a kernel was built anew in its directory.
KERNEL_FILES = ("include/config/auto.conf", "Module.symvers", "rust/libkernel.rmeta", "vmlinux")


@dataclass(frozen=True)
class Modules:
    """Built modules: the directory of the build, and the module for users."""

    dir: Path
    demo: Path

    def files(self) -> list[Path]:
        """All modules of the build: with CONFIG_KUNIT=y the suites' is one of them."""
        order = (self.dir / "modules.order").read_text().split()
        return [(self.dir / name).with_suffix(".ko") for name in order]


def is_source(path: Path) -> bool:
    """Whether the kernel's build reads the file; modpost leaves a C file of its own."""
    return path.name == "Kbuild" or path.suffix in SUFFIXES and not path.name.endswith(".mod.c")


def sources(top: Path) -> dict[str, bytes]:
    """What is to be built, by its name relative to `top`."""
    files = list(top.glob("*"))
    for folder in FOLDERS:
        files += (top / folder).rglob("*")
    return {
        str(file.relative_to(top)): file.read_bytes()
        for file in files
        if is_source(file) and file.is_file()
    }


def stage(files: dict[str, bytes], to: Path) -> None:
    """Makes `to` hold these sources. A file that is the same stays untouched, for make's sake."""
    to.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        file = to / name
        if not file.is_file() or file.read_bytes() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
    for file in to.rglob("*"):
        if is_source(file) and str(file.relative_to(to)) not in files:
            file.unlink()


def state(files: dict[str, bytes], kernel: Kernel, goal: Sequence[str]) -> str:
    """A digest of all that the build depends on."""
    digest = hashlib.sha256(repr((kernel.key, goal)).encode())
    for name in sorted(files):
        digest.update(f"\n{name} {len(files[name])}\n".encode() + files[name])
    for name in KERNEL_FILES:
        file = kernel.build / name
        if file.exists():
            stat = file.stat()
            digest.update(f"\n{name} {stat.st_mtime_ns} {stat.st_size}".encode())
    return digest.hexdigest()


def make(kernel: Kernel, src: Path, goal: Sequence[str], rw: Sequence[Path] = ()) -> list[str]:
    """The command that has the kernel's build do `goal` for the sources in `src`."""
    command = [
        *kernel.make(),
        f"M={src}",
        f"-j{os.cpu_count() or 1}",
        f"V={os.environ.get('V') or 0}",
        *goal,
    ]
    ro = [kernel.build] + ([kernel.source] if kernel.source else [])
    return kernel.toolchain.argv(command, ro=ro, rw=[src, *rw])


def build(
    kernel: Kernel,
    clippy: bool = False,
    werror: bool = False,
    bench: bool = False,
    debug: bool = False,
) -> Modules:
    """Builds what has changed; with `bench` that module too. With `clippy` it is checked as well.

    With `debug` the modules have debug information, whatever the kernel was built with.

    With `werror` a warning of any tool is a failure. What was compiled before would not warn
    again, so such builds have a directory of their own, which does not outlive a failure.
    """
    top = common.checkout()
    variant = f"{'clippy' * clippy}-{'werror' * werror}{'-bench' * bench}{'-debug' * debug}"
    where = common.cache() / "module" / common.key(str(top), kernel.key, variant)
    src, stamp = where / "src", where / "stamp"
    goal = [
        *["CLIPPY=1"] * clippy,
        *["RUST_ALLOC_DEMO_BENCH=m"] * bench,
        *["KCFLAGS=-g", "KRUSTFLAGS=-Cdebuginfo=2"] * debug,
        "modules",
    ]

    with common.lock(f"module-{where.name}"):
        files = sources(top)
        now = state(files, kernel, goal)
        if not stamp.exists() or stamp.read_text() != now:
            stamp.unlink(missing_ok=True)
            stage(files, src)
            try:
                run(
                    make(kernel, src, goal),
                    src,
                    common.logs() / f"module-{kernel.release}.log",
                    werror,
                )
            except Fail:
                if werror:
                    shutil.rmtree(where)
                raise
            stamp.write_text(now)

    return Modules(src, src / "rust_alloc_demo.ko")


def run(command: list[str], src: Path, log: Path, werror: bool) -> None:
    """Runs a build and shows its diagnostics, with the files' names in the checkout."""
    shown: list[str] = []

    def on_line(line: str) -> None:
        line = re.sub(r"\b[\w-]+/\.\./", "", line.replace(f"{src}/", ""))
        if os.environ.get("V") == "1":
            common.say(line)
        elif not CHATTER.match(line):
            shown.append(line)

    try:
        common.run_logged(command, log, "the modules' build", on_line, quoting=False)
    finally:
        for line in shown:
            print(line, file=sys.stderr)
    if werror and any(WARNING.search(line) for line in shown):
        raise Fail(f"warnings are errors here, see above; the complete log is {log}")


def install_root() -> Path:
    """The directory that has lib/modules."""
    return Path(os.environ.get("INSTALL_MOD_PATH") or "/").absolute()


def install(kernel: Kernel) -> None:
    """Installs the modules by the kernel's own modules_install, where INSTALL_MOD_PATH says."""
    root = install_root()
    to = root / "lib/modules" / kernel.release
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fail(f"can't write to {to} ({error.strerror}); become root, or set INSTALL_MOD_PATH=")
    modules = build(kernel)
    goal = [f"INSTALL_MOD_PATH={'' if root == Path('/') else root}", "modules_install"]
    run(
        make(kernel, modules.dir, goal, rw=[to]),
        modules.dir,
        common.logs() / "modules_install.log",
        werror=False,
    )
    depmod(kernel)
    common.say(f"installed the modules under {to}")


def uninstall(kernel: Kernel) -> None:
    """Removes what `install` put there, and the folders that are empty without it."""
    root = install_root()
    to = root / "lib/modules" / kernel.release
    ours = sorted(file for name in INSTALLED for file in (to / "updates").glob(name))
    if not ours:
        raise Fail(f"there is no module of this project under {to / 'updates'}")
    try:
        for file in ours:
            file.unlink()
    except OSError as error:
        raise Fail(f"can't remove {file} ({error.strerror}); become root, or set INSTALL_MOD_PATH=")
    if any(to.rglob("*.ko*")):
        depmod(kernel)
    else:
        # What depmod made of these modules alone. The kernel's own lists are not depmod's.
        for name in DEPMOD:
            (to / name).unlink(missing_ok=True)
    for folder in sorted({parent for file in ours for parent in file.parents}, reverse=True):
        if folder.is_relative_to(root) and folder != root and not any(folder.iterdir()):
            folder.rmdir()
    common.say(f"removed {len(ours)} modules from {to}")


def depmod(kernel: Kernel) -> None:
    """Has modprobe know of what has changed, as the kernel's modules_install does.

    That does it only where there is a System.map, which a headers directory has not.
    """
    root = install_root()
    to = root / "lib/modules" / kernel.release
    if (to / "modules.dep").exists():
        argv = kernel.toolchain.argv(["depmod", "-b", str(root), kernel.release], rw=[to])
        common.run_logged(argv, common.logs() / "depmod.log", "depmod")


def main() -> None:
    """`make`, `make modules_install` and `make modules_uninstall`."""
    kernel = kernels.select(1, 3, need_kunit=False, need_image=False)
    if sys.argv[1:] in (["install"], ["uninstall"]):
        (install if sys.argv[1] == "install" else uninstall)(kernel)
        return
    common.step(3, 3, f"modules for Linux {kernel.release}")
    modules = build(kernel)
    to = common.checkout() / modules.demo.name
    shutil.copyfile(modules.demo, to)
    common.say(f"built {to.name} for Linux {kernel.release}")


if __name__ == "__main__":
    common.main(main)
