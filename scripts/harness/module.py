# SPDX-License-Identifier: GPL-2.0

"""Stage 3: builds modules against a kernel's build directory.

The sources are staged: copied to a build directory of their own in the cache, for each directory of
modules and each kernel one. So nothing is written to that directory, whatever its name, and objects
of two kernels never mix.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import ko as kos
from harness import messages
from harness import places
from harness import process
from harness.kernel import Kernel
from harness.ko import Ko
from harness.messages import Fail

# What the kernel's build and editors leave, which is no source.
BUILT = re.compile(
    r".*\.(?:o|ko|mod|mod\.c|cmd|a|d|order|symvers|rmeta|ll|pyc)$|rust-project\.json$"
)

# A file in directories that are made, as cargo's target/ (the Cache Directory Tagging
# Specification); and the name of another.
TAG = "CACHEDIR.TAG"
NODE = "node_modules"

# More than any module has; a directory with more is another one than was meant.
FILES_MAX = 20_000
BYTES_MAX = 256 << 20

# Lines of make that are no diagnostics: what it is doing, and where; and what resolve_btfids says
# of each module that gets BTF (tools/bpf/resolve_btfids, 7.3).
CHATTER = re.compile(
    r"^(?:  [A-Z_]+ +(?:\[M\] *)?\S+( \S+)?$|make(?:\[\d+\])?: (?:Entering|Leaving) "
    r"|Skipping BTF generation for |Cannot find \.BTF_ids or symbols sections"
    r"|Dumped \d+ bytes of data to )"
)

# What rustc says in each call of flags that the kernel's build gives it (arch/s390/Makefile and
# arch/powerpc/Makefile, 7.3; rustc 1.96), and how many warnings there were.
OF_FLAGS = re.compile(
    r"warning: (?:unknown and )?unstable feature specified for `-Ctarget-feature`: .*\n"
    r"(?: .*\n)*\n?"
    r"|warning: \d+ warnings? emitted\n\n?"
)
WARNING = re.compile(r"\bwarning\b|^WARNING:", re.IGNORECASE | re.MULTILINE)

# A folder and back, in the name of a file: `tests-kunit/../allocator`.
UP_AGAIN = re.compile(r"\b[\w-]+/\.\./")

# What suites in C are made by (include/kunit/test.h), and what modpost says where there is no
# KUnit.
C_SUITES = re.compile(r"\bkunit_test(?:_init_section)?_suites?\(")
NO_KUNIT = re.compile(r"modpost: .*'(?:__)?kunit_\w+' undefined")

# How make says that its decisions may be wrong (gnumake, file_mtime_1() and check_times()).
SKEW = re.compile(r"make(?:\[\d+\])?: .*(?:has modification time .* in the future|Clock skew)")

# A file that says which build of which kernel a build directory's objects are for.
KERNEL = "kernel"

# What tells that a kernel was built anew in its directory.
KERNEL_FILES = ("include/config/auto.conf", "Module.symvers", "rust/libkernel.rmeta", "vmlinux")


@dataclass(frozen=True)
class Modules:
    """Built modules, in the order in which the build names them; `dir` is that of the build."""

    dir: Path
    all: tuple[Ko, ...]
    # Those of the kernel's own that they may need.
    kernels: tuple[Ko, ...] = ()

    def plain(self) -> list[Ko]:
        """The modules without suites, or all where each has some."""
        return [ko for ko in self.all if not ko.suites] or list(self.all)

    def testing(self) -> list[Ko]:
        """The modules with suites."""
        return [ko for ko in self.all if ko.suites]

    def in_order(self, wanted: Sequence[Ko]) -> list[Ko]:
        """The modules to load for these: what they need comes before them."""
        return kos.in_order(wanted, [*self.all, *self.kernels])


def walk(below: Path, seen: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files below a directory that may be sources; links are followed, but never in circles.

    The harness itself is not part of a module that has it as a submodule.
    """
    real = below.resolve()
    if real in seen or seen and real == places.checkout():
        return
    for path in sorted(below.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if path.name != NODE and not (path / TAG).exists():
                yield from walk(path, (*seen, real))
        elif path.is_file() and not BUILT.match(path.name):
            yield path


def sources(top: Path) -> dict[str, bytes]:
    """What is to be built, by its name relative to `top`."""
    found: dict[str, bytes] = {}
    size = 0
    for file in walk(top):
        size += file.stat().st_size
        if len(found) == FILES_MAX or size > BYTES_MAX:
            raise Fail(
                f"{top} has more than {FILES_MAX} files or {BYTES_MAX >> 20} MiB; M= names the"
                " directory of a module, which has its sources and not much else"
            )
        found[str(file.relative_to(top))] = file.read_bytes()
    return found


def has_rust() -> bool:
    """Whether the modules that are selected have a source in Rust."""
    top = places.module_dir()
    return any(file.suffix == ".rs" for file in walk(top))


def wants_kunit() -> bool:
    """Whether modules in C seem to have suites, which don't link without KUnit."""
    files = (file for file in walk(places.module_dir()) if file.suffix == ".c")
    return not has_rust() and any(
        C_SUITES.search(file.read_text(errors="replace")) for file in files
    )


def stage(files: dict[str, bytes], to: Path) -> None:
    """Makes `to` hold these sources. A file that is the same stays untouched, for make's sake."""
    to.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        file = to / name
        if not file.is_file() or file.read_bytes() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
    for file in list(walk(to)):
        if str(file.relative_to(to)) not in files:
            file.unlink()


def built_of(top: Path) -> Path:
    """Where all is that was built of the modules in a directory."""
    return places.bound("module") / places.key(str(top))


def state(files: dict[str, bytes], built_for: str, goal: Sequence[str]) -> str:
    """A digest of all that the build depends on."""
    digest = hashlib.sha256(repr((built_for, goal)).encode())
    for name in sorted(files):
        digest.update(f"\n{name} {len(files[name])}\n".encode() + files[name])
    return digest.hexdigest()


def state_of(kernel: Kernel) -> str:
    """What tells one build of a kernel from another in its place."""
    stats = {
        name: (kernel.build / name).stat()
        for name in KERNEL_FILES
        if (kernel.build / name).exists()
    }
    times = [f"{name} {stat.st_mtime_ns} {stat.st_size}" for name, stat in stats.items()]
    return "\n".join([kernel.key, *times])


def begin(where: Path, built_for: str) -> None:
    """Has a build begin anew where make would take old objects for new ones.

    It goes by the times of files. They tell nothing if the clock went back since, or if the
    kernel's own files were replaced, which may be older than what they replace.
    """
    if where.is_dir():
        newest = max(path.lstat().st_mtime for path in [where, *where.rglob("*")])
        if newest >= time.time():
            messages.say("      the clock went back since these modules were built: building anew")
            shutil.rmtree(where)
        elif (where / KERNEL).exists() and (where / KERNEL).read_text() != built_for:
            shutil.rmtree(where)
    (where / "src").mkdir(parents=True, exist_ok=True)
    (where / KERNEL).write_text(built_for)


def make(kernel: Kernel, src: Path, goal: Sequence[str], rw: Sequence[Path] = ()) -> list[str]:
    """The command that has the kernel's build do `goal` for the sources in `src`."""
    command = [
        *kernel.make(),
        f"M={src}",
        f"-j{os.cpu_count() or 1}",
        f"V={os.environ.get('V') or 0}",
        *kernel.arch.make,
        *goal,
    ]
    return kernel.toolchain.argv(command, ro=kernel.trees(), rw=[src, *rw])


def build(
    kernel: Kernel,
    *,
    clippy: bool = False,
    werror: bool = False,
    debug: bool = False,
    more: Sequence[str] = (),
    top: Path | None = None,
    log: Path | None = None,
) -> Modules:
    """Builds what has changed. With `clippy` it is checked as well; `more` are words for make.

    With `debug` the modules have debug information, whatever the kernel was built with.

    With `werror` a warning of any tool is a failure. What was compiled before would not warn
    again, so such builds have a directory of their own, which does not outlive a failure.

    `top` is the directory of the modules, if it is not the one that is selected, and `log` where
    the build's output goes, if not to the other logs.
    """
    top = top or places.module_dir()
    words = [
        *["CLIPPY=1"] * clippy,
        *["KCFLAGS=-g", "KRUSTFLAGS=-Cdebuginfo=2"] * debug,
        *more,
    ]
    variant = places.key(str(top), kernel.key, str(werror), *words)
    where = built_of(top) / variant
    src, stamp = where / "src", where / "modules.json"
    goal = [*words, "modules"]

    log = log or places.results("logs", top) / f"module-{kernel.release}.log"
    with places.lock(f"module-{where.name}"):
        files, built_for = sources(top), state_of(kernel)
        now = state(files, built_for, goal)
        modules, made = known(stamp)
        if made != now:
            stamp.unlink(missing_ok=True)
            begin(where, built_for)
            stage(files, src)
            try:
                run(make(kernel, src, goal), src, log, werror)
            except Fail as fail:
                if werror:
                    shutil.rmtree(where)
                if not kernel.has_kunit and NO_KUNIT.search(log.read_text()):
                    raise Fail(
                        f"{fail}; the modules use KUnit, which Linux {kernel.release} does not"
                        f" have: KERNEL={kernel.version} is a lean kernel that has it"
                    ) from fail
                raise
            try:
                modules = kos.read(listed(src), kernel.toolchain)
            except Fail:
                # As make would not make them again.
                shutil.rmtree(where)
                raise
            if not modules:
                raise Fail(
                    f"{top}: the build made no module; its Kbuild must add one to obj-m, as in"
                    " `obj-m += hello.o`"
                )
            text = {"state": now, "modules": [ko.as_json() for ko in modules]}
            stamp.write_text(json.dumps(text, indent=1))
    return Modules(src, tuple(modules), kernels_own(modules, kernel))


def known(stamp: Path) -> tuple[list[Ko], str]:
    """The modules of the last build, and in which state it was made; nothing if they have changed.

    What was built is removed then: make would take it for what it made.
    """
    if not stamp.exists():
        return [], ""
    made = json.loads(stamp.read_text())
    modules = [kos.from_json(one) for one in made["modules"]]
    if all(ko.is_unchanged() for ko in modules):
        return modules, made["state"]
    shutil.rmtree(stamp.parent)
    return [], ""


def listed(build: Path) -> list[Path]:
    """The modules that a build made."""
    order = build / "modules.order"
    names = order.read_text().split() if order.exists() else []
    return [(build / name).with_suffix(".ko") for name in names]


def kernels_own(modules: Sequence[Ko], kernel: Kernel) -> tuple[Ko, ...]:
    """Those modules of the kernel's own build that these need, and what those need in turn."""
    have = {kos.canonical(ko.name) for ko in modules}
    found: list[Ko] = []
    missing = {kos.canonical(name) for ko in modules for name in ko.depends} - have
    files = {kos.canonical(file.stem): file for file in listed(kernel.build)} if missing else {}
    while missing:
        have |= missing
        own = kos.read([files[name] for name in sorted(missing & set(files))], kernel.toolchain)
        found += own
        missing = {kos.canonical(name) for ko in own for name in ko.depends} - have
    return tuple(found)


def run(command: list[str], src: Path, log: Path, werror: bool) -> None:
    """Runs a build and shows its diagnostics, with the files' names in the user's directory."""
    shown: list[str] = []
    skew = ""

    def on_line(line: str) -> None:
        nonlocal skew
        skew = skew or (line if SKEW.match(line) else "")
        line = line.replace(f"{src}/", "")
        while (plain := UP_AGAIN.sub("", line)) != line:
            line = plain
        if os.environ.get("V") == "1":
            messages.say(line)
        elif not CHATTER.match(line):
            shown.append(line)

    try:
        process.run_logged(command, log, "the modules' build", on_line, quoting=False)
    finally:
        diagnostics = OF_FLAGS.sub("", "".join(f"{line}\n" for line in shown))
        sys.stderr.write(diagnostics)
    if skew:
        raise Fail(
            "by this machine's clock files are of the future, so make can't tell what is to be"
            f" built ({skew}); set the clock, or touch the kernel's files"
        )
    if werror and WARNING.search(diagnostics):
        raise Fail(f"warnings are errors here, see above; the complete log is {log}")
