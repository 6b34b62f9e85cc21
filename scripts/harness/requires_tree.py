# SPDX-License-Identifier: GPL-2.0

"""What a directory that KDIR= names has to be, and what has to be in it, for modules to be built.

It needs what an external module's build reads, so a build directory, a source tree that was built
in place and a distribution's headers directory all do.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from harness import kdir
from harness import text
from harness.arch import ARCHES
from harness.requirement import (
    BUILD,
    DIRECT,
    READY,
    RUST,
    Requirement,
    Subject,
    Words,
    has,
    listed,
    unless,
)

# The crates that a module's build loads, as files of rust/; on distributions that ship them, these
# are all there is. Which more it takes the kernel's own scripts/Makefile.build says.
METADATA = (
    "libcore.rmeta",
    "libcompiler_builtins.rmeta",
    "libbindings.rmeta",
    "libbuild_error.rmeta",
    "libffi.rmeta",
    "libuapi.rmeta",
    "libkernel.rmeta",
    "libmacros.so",
)

# The bitcode of C's inline functions that modules in Rust are linked with, if the kernel is.
HELPERS = "rust/helpers/helpers_module.bc"

# The rules of a module's build, which include others; and what it reads of what the kernel's own
# build made, beside the headers.
ENTRIES = tuple(f"scripts/Makefile.{name}" for name in ("build", "modpost", "modfinal"))
INCLUDE = re.compile(r"include \$\(srctree\)/(scripts/\S+)$")
CONDITION, END = re.compile(r" *ifn?(?:def|eq)\b"), re.compile(r" *endif\b")
READ = ("include/generated/autoconf.h",)
READ_BY_RUST = ("include/generated/rustc_cfg",)

# Where the linker's script for modules is; the kernel's build takes the first that is there.
LINKER_SCRIPTS = ("scripts/module.lds", "arch/{}/module.lds")

# What rustc is told to compile for, where that is no target of its own; and where an architecture's
# rules name its target.
TARGET = "scripts/target.json"
TARGETS = re.compile(
    r"^\s*KBUILD_RUSTFLAGS\s*\+=.*?--target=(?:\$\(objtree\)/)?(\S+)", re.MULTILINE
)
ARCH_RULES = {"um": "arch/x86/Makefile.um"}

# Links of a distribution's headers to what another package has.
LINKS = ("rust", "scripts", "tools", "source")

# Packages of a kernel's in Debian and Ubuntu. What a link is to is in a directory of their name.
PACKAGE = re.compile(r"linux-(?:headers|kbuild|lib-rust)-[^/]+")


def path_is_text(subject: Subject) -> Words | None:
    """A name that is not UTF-8 can't be shown, and make's words are text."""
    return unless(text.is_text(f"{subject.path}{subject.path.resolve()}"))


def path_is_a_word(subject: Subject) -> Words | None:
    """The build is given the path to which links lead."""
    found = text.SPECIAL.findall(str(subject.path.resolve()))
    return listed("characters", [f"`{one}`" for one in dict.fromkeys(found)])


def package_of(target: Path) -> str:
    """The package that brings what a link is to, in words."""
    found = PACKAGE.search(str(target))
    return found[0] if found else "with the kernel's headers"


def no_dangling_path(subject: Subject) -> Words | None:
    """/lib/modules/RELEASE/build is a link that the kernel's package has, to what the headers'
    has."""
    path = subject.path
    if path.exists() or not path.is_symlink():
        return None
    target = path.readlink()
    return {"target": str(target), "package": package_of(target)}


def links(subject: Subject) -> Words | None:
    """In Debian's headers `scripts` and `tools` are linux-kbuild's, in Ubuntu's `rust` is
    linux-lib-rust's."""
    build = subject.path.resolve()
    for name in LINKS:
        link = build / name
        if link.is_symlink() and not link.exists():
            target = link.readlink()
            return {"name": name, "target": str(target), "package": package_of(target)}
    return None


def kernel_tree(subject: Subject) -> Words | None:
    """A directory with a Makefile, and with what configures a kernel or came of that."""
    build = subject.path.resolve()
    some = ("include/config/auto.conf", "Kconfig", ".config")
    return unless((build / "Makefile").is_file() and any((build / name).exists() for name in some))


def configured(subject: Subject) -> Words | None:
    """What the kernel's build makes of .config first of all."""
    build = subject.path.resolve()
    if has(build / "include/config/auto.conf"):
        return None
    built = (build / ".config").exists()
    return {"state": "was not built yet" if built else "was never configured"}


def supported_arch(subject: Subject) -> Words | None:
    """By the symbols of its configuration."""
    return unless(kdir.arch_of(kdir.read_config(subject.path.resolve())))


def asked_arch(subject: Subject) -> Words | None:
    """If ARCH= asks for one."""
    have, asked = subject.tree.arch, subject.arch
    return {"arch": have.name, "asked": asked.name} if asked and asked != have else None


def new_enough(subject: Subject) -> Words | None:
    """One of unknown release is given a try."""
    release = subject.tree.release
    return {"release": release} if kdir.is_too_old(release) else None


def source_there(subject: Subject) -> Words | None:
    """A build directory's Makefile includes its source's."""
    included = kdir.included_source(subject.tree.build)
    if included is None or (included / "Makefile").is_file():
        return None
    return {"target": str(included), "package": package_of(included)}


def where_it_was_built(subject: Subject) -> Words | None:
    """A build directory's Makefile names itself, since 6.13, and make goes there."""
    build = subject.tree.build
    found = re.search(
        r"^(?:export )?KBUILD_OUTPUT *:?= *(/\S+)$", (build / "Makefile").read_text(), re.MULTILINE
    )
    if not found or Path(found[1]).resolve() == build:
        return None
    return {"other": found[1]}


def read_files(subject: Subject) -> Words | None:
    """Those that there are whatever the configuration is, and rustc's target."""
    names = [*rules(subject), *READ]
    if subject.rust:
        names += READ_BY_RUST
        names += [TARGET] if TARGET in targets(subject) else []
    missing = [name for name in names if not subject.file(name)]
    scripts = [name.format(subject.tree.arch.srcarch) for name in LINKER_SCRIPTS]
    if not any(subject.file(name) for name in scripts):
        missing.append(scripts[0])
    return listed("files", missing)


def rules(subject: Subject) -> list[str]:
    """The rules of a module's build, with those that they include on no condition."""
    found = list(ENTRIES)
    for name in found:
        depth = 0
        for line in subject.content(name).splitlines():
            depth += bool(CONDITION.match(line)) - bool(END.match(line))
            included = INCLUDE.match(line)
            if included and not depth and included[1] not in found:
                found.append(included[1])
    return found


def targets(subject: Subject) -> list[str]:
    """What rustc may be told to compile for, by the rules of the architecture."""
    srcarch = subject.tree.arch.srcarch
    return TARGETS.findall(subject.content(ARCH_RULES.get(srcarch, f"arch/{srcarch}/Makefile")))


def crates(subject: Subject) -> list[str]:
    """The crates that a module's build names."""
    return re.findall(r"--extern (\w+)", subject.content("scripts/Makefile.build"))


def metadata(subject: Subject) -> Words | None:
    """The crates as files. A crate is a library, or one of macros."""
    folder = subject.tree.build / "rust"

    def missing() -> Iterator[str]:
        have = {file.stem for file in folder.glob("lib*.*")}
        yield from (name for name in METADATA if not (folder / name).is_file())
        for name in dict.fromkeys(crates(subject)):
            if f"lib{name}" not in have and not any(f"lib{name}." in file for file in METADATA):
                yield f"lib{name}.rmeta or .so"

    return listed("files", list(missing()))


def helpers(subject: Subject) -> Words | None:
    """Only a full build makes them."""
    asked = "RUST_INLINE_HELPERS" in subject.tree.config
    return unless(not asked or has(subject.tree.build / HELPERS))


ROWS = (
    Requirement(
        name="a path in UTF-8",
        of=BUILD,
        says="its path is not UTF-8",
        mend="give the directory another name",
        source="(make's words are text)",
        check=path_is_text,
        final=True,
    ),
    Requirement(
        name="a path that is one word",
        of=BUILD,
        says="its path has {characters}, which make or the shell takes for something else",
        mend="give the directory another name",
        source="Makefile, `abs_srctree`",
        check=path_is_a_word,
        final=True,
    ),
    Requirement(
        name="no dangling path",
        of=BUILD,
        says="it is a link to {target}, which is not there",
        mend="install the package {package}",
        source="scripts/package/builddeb",
        check=no_dangling_path,
        final=True,
    ),
    Requirement(
        name="a directory",
        of=BUILD,
        says="there is no such directory",
        mend="name a kernel's, or install the package with its headers, which is"
        " linux-headers-RELEASE in Debian",
        source="Makefile",
        check=lambda subject: unless(subject.path.is_dir()),
        final=True,
    ),
    Requirement(
        name="a kernel tree",
        of=BUILD,
        says="it is not a kernel tree",
        mend="name a kernel's source tree that was built, its O= build directory, or"
        " /lib/modules/RELEASE/build",
        source="Makefile",
        check=kernel_tree,
        final=True,
    ),
    Requirement(
        name="configured",
        of=BUILD,
        says="this kernel {state} (it has no include/config/auto.conf)",
        mend="if it was built with O=DIR, name that directory, else configure and build it first",
        source="Makefile, `include/config/auto.conf`",
        check=configured,
        final=True,
    ),
    Requirement(
        name="an architecture",
        of=BUILD,
        says="this kernel is for an architecture that is not supported",
        mend=f"it can be {', '.join(ARCHES)}",
        source="arch/*/Kconfig",
        check=supported_arch,
        final=True,
    ),
    Requirement(
        name="ARCH=",
        of=BUILD,
        says="it is for {arch}, which ARCH={asked} is not",
        mend="leave ARCH unset",
        source="Makefile, `SRCARCH`",
        check=asked_arch,
        final=True,
    ),
    Requirement(
        name="a version",
        of=BUILD,
        says="Linux {release} is too old",
        mend=kdir.too_old(),
        source="rust/kernel/alloc.rs, `Allocator`",
        check=new_enough,
        final=True,
    ),
    Requirement(
        name="modules",
        of=BUILD,
        says="this kernel can't load modules",
        mend="set CONFIG_MODULES=y and rebuild it",
        source="kernel/module/Kconfig, `MODULES`",
        check=lambda subject: unless("MODULES" in subject.tree.config),
        final=True,
    ),
    Requirement(
        name="Rust that was available",
        of=RUST,
        says="this kernel was built without Rust (no CONFIG_RUST), for which it missed something",
        mend="`make LLVM=1 rustavailable` in its source tree says what; then set CONFIG_RUST=y and"
        " rebuild it",
        source="init/Kconfig, `RUST_IS_AVAILABLE`",
        check=lambda subject: unless(
            "RUST" in subject.tree.config or "RUST_IS_AVAILABLE" in subject.tree.config
        ),
        final=True,
    ),
    Requirement(
        name="Rust",
        of=RUST,
        says="this kernel was built without Rust (no CONFIG_RUST)",
        mend="set CONFIG_RUST=y and rebuild it",
        source="init/Kconfig, `RUST`",
        check=lambda subject: unless("RUST" in subject.tree.config),
        final=True,
    ),
    Requirement(
        name="no dangling links",
        of=BUILD,
        says="its `{name}` is a link to {target}, which is not there",
        mend="install the package {package}",
        source="scripts/package/install-extmod-build",
        check=links,
        final=True,
    ),
    Requirement(
        name="the source that it was built from",
        of=DIRECT,
        says="its Makefile includes that of {target}, which is not there",
        mend="bring that back (a distribution has it in the package {package}), or build the kernel"
        " anew",
        source="Makefile, `outputmakefile`",
        check=source_there,
        final=True,
    ),
    Requirement(
        name="where it was built",
        of=DIRECT,
        says="its Makefile is that of {other}, from which it was moved or copied, and make would go"
        " there",
        mend="name that directory, or move it back there",
        source="Makefile, `KBUILD_OUTPUT`, since 6.13",
        check=where_it_was_built,
        final=True,
    ),
    Requirement(
        name="Module.symvers",
        of=BUILD,
        says="it has no Module.symvers, so the kernel's build did not end",
        mend="run make there once more",
        source="scripts/Makefile.modpost",
        check=lambda subject: unless(has(subject.tree.build / "Module.symvers")),
    ),
    Requirement(
        name="files of the build",
        of=DIRECT,
        says="it lacks {files}, which a module's build reads",
        mend="`make modules_prepare` in the kernel's build directory makes them; or install the"
        " kernel's headers anew",
        source="scripts/Makefile.build, scripts/Makefile.modfinal; arch/x86/Makefile",
        check=read_files,
    ),
    Requirement(
        name="metadata",
        of=READY,
        says="Rust metadata is not all there (rust/{files}), which shows as E0463, can't find"
        " crate",
        mend="build the kernel with this configuration, or copy rust/*.rmeta and rust/*.so from"
        " where it was built",
        source="scripts/Makefile.build, `rust_common_cmd`",
        check=metadata,
    ),
    Requirement(
        name="inline helpers",
        of=READY,
        says=f"it lacks {HELPERS}, which modules are linked with (CONFIG_RUST_INLINE_HELPERS)",
        mend="copy it from where the kernel was built",
        source="scripts/Makefile.build, `cmd_rustc_o_rs`, in 7.3",
        check=helpers,
    ),
)
