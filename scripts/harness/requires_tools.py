# SPDX-License-Identifier: GPL-2.0

"""What has to be where modules are built for a directory that KDIR= names, and has to run there:
the compilers that the kernel was built with, and the kernel's own programs.

All of it is asked, not looked at, and each program once, in one start of the sandbox.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from harness import answers as asked
from harness import compiler
from harness import debian
from harness import host
from harness import own_tools
from harness import requires_tree
from harness import signing
from harness.answers import Answer, Command
from harness.requirement import (
    BUILD,
    DIRECT,
    MAKING,
    READY,
    RUST,
    Requirement,
    Subject,
    Words,
    listed,
    unless,
)

# The kernel's own programs that a module's build runs, and the symbols with which it does. The last
# is run only if there is a vmlinux as well.
TYPES = "tools/bpf/resolve_btfids/resolve_btfids"
PROGRAMS = {
    "scripts/basic/fixdep": (),
    "scripts/mod/modpost": (),
    "scripts/recordmcount": ("FTRACE_MCOUNT_USE_RECORDMCOUNT", "HAVE_C_RECORDMCOUNT"),
    "tools/objtool/objtool": ("OBJTOOL",),
    TYPES: ("DEBUG_INFO_BTF_MODULES",),
}

# Debian's modpost is one that starts another, by the kind of its objects.
BEHIND = "{}.real-*"

# A crate that has those in it which a module's build names, and how rustc is told to load them. It
# writes nothing.
CRATE = "#![no_std]\n{}"
RUSTC = (
    *("env", "RUSTC_BOOTSTRAP=1", "rustc", "--edition=2021", "--crate-type=rlib"),
    *("--crate-name=probe", "--emit=dep-info=-", "-Zunstable-options", "--sysroot=/dev/null", "-"),
)

# What rustc says of a target that it can't read, or of crates that it can't load: not there, of
# another rustc or of another build, not metadata; or what the dynamic loader does of a library of
# macros. Other errors of so small a crate are none of metadata.
UNREADABLE = re.compile(
    r"error(?:\[E0(?:460|463|514|786)\])?: (.*(?:target specification|crate|\.so\b).*)"
)
OTHER_TARGET = "E0461"


def answers(subject: Subject) -> Mapping[str, Answer]:
    """What is asked, and what was answered, the first time for all of it."""
    if not subject.answers:
        commands = host.questions(subject.tree, subject.rust)
        commands |= {str(file): Command([str(file)]) for file in programs(subject)}
        commands |= loads(subject)
        subject.answers.update(asked.ask(subject.toolchain, commands, subject.trees))
    return subject.answers


def needed(subject: Subject) -> Iterator[str]:
    """The kernel's programs that the build runs; where metadata is to be made, it is made with
    programs of its own."""
    if subject.making:
        return
    for name, symbols in PROGRAMS.items():
        if all(symbol in subject.tree.config for symbol in symbols):
            if name != TYPES or host.gets_types(subject.tree):
                yield name


def programs(subject: Subject) -> list[Path]:
    """Those that are there, with the one that signs if modules must be."""
    names = [*needed(subject)]
    names += [signing.PROGRAM] if signing.enforced(subject.tree.config) else []
    found = [subject.tree.build / name for name in names]
    found += [file for one in found for file in one.parent.glob(BEHIND.format(one.name))]
    return [file for file in found if file.is_file()]


def loads(subject: Subject) -> dict[str, Command]:
    """The commands that load the crates, for each target that it may be."""
    if not subject.rust or subject.making:
        return {}
    names = dict.fromkeys(["kernel", *requires_tree.crates(subject)])
    source = CRATE.format("".join(f"extern crate {name};\n" for name in names))
    words = [*RUSTC, "-L", str(subject.tree.build / "rust")]
    words += [f"--extern={name}" for name in names]
    found = {}
    for target in requires_tree.targets(subject):
        file = subject.tree.build / target
        place = str(file) if target == requires_tree.TARGET else target
        found[f"load {target}"] = Command([*words, f"--target={place}"], source)
    return found


def has_config(subject: Subject) -> Words | None:
    """The metadata's build is configured by it."""
    return unless((subject.tree.build / ".config").is_file())


def source_known(subject: Subject) -> Words | None:
    """That of a distribution's kernel is found by its release."""
    release = subject.tree.release
    if os.environ.get("KERNEL_SOURCE") or debian.package_version(release, subject.toolchain):
        return None
    return {"release": release}


def tools(subject: Subject) -> Words | None:
    """The tools that are not there, and what has them."""
    said = answers(subject)
    missing = host.lacking(subject.tree, subject.rust, subject.toolchain, said)
    if not missing:
        return None
    hints = [f" ({hint})" for hint in own_tools.other_versions(list(missing))]
    return {
        "compiler": "clang" if subject.tree.clang else "gcc",
        "tools": "".join([", ".join(missing), *hints]),
        "packages": " ".join(dict.fromkeys(missing.values())),
    }


def tools_work(subject: Subject) -> Words | None:
    """A tool that is there may be a link to a chooser which has nothing to choose from."""
    said = answers(subject)
    for tool in host.tools(subject.tree, subject.rust):
        if said[tool].code and not said[tool].missing:
            return {"tool": tool, "where": subject.whose, "said": said[tool].complaint}
    return None


def same_rustc(subject: Subject) -> Words | None:
    """rustc reads the metadata of its own version only."""
    built, said = subject.tree.rustc, answers(subject)["rustc"]
    if said.version == built:
        return None
    found = f"{subject.whose} has {said.version or 'none'}"
    if subject.toolchain.root and not os.environ.get("TOOLCHAIN"):
        own = host.rustc(host.HOST)
        told = "none" if own.missing else own.version or f"one that fails ({own.complaint})"
        found = f"this machine has {told}, {found}"
    return {"built": built or "an unknown rustc", "found": found}


def compared(subject: Subject, fits: Callable[[str, str], bool]) -> Words | None:
    """Whether the compiler that is here fits the kernel's, by what both say of their version."""
    built = subject.tree.compiler
    have = answers(subject)[compiler.command(subject.tree.config)].version
    return None if fits(have, built) else {"built": built, "have": have, "where": subject.whose}


def no_older_compiler(subject: Subject) -> Words | None:
    """The kernel's options were chosen for the compiler that it was built with; an older one may
    not have them all. Of any other difference the kernel's own Makefile warns."""
    return compared(subject, lambda have, built: compiler.major(have) >= compiler.major(built))


def same_compiler_for_plugins(subject: Subject) -> Words | None:
    """gcc loads a plugin only if that was built with it."""
    plugins = "GCC_PLUGINS" in subject.tree.config
    return compared(subject, lambda have, built: not plugins or have == built)


def same_compilers(subject: Subject) -> Words | None:
    """Metadata is the kernel's only if the very same tools make it."""
    config, said = subject.tree.config, answers(subject)
    asked_of = {"BINDGEN": "bindgen", "CC": compiler.command(config)}
    for symbol, tool in asked_of.items():
        built = config.get(f"{symbol}_VERSION_TEXT", "").strip('"')
        if built and said[tool].version != built:
            return {"built": built, "have": said[tool].version, "where": subject.whose}
    return None


def llvm_of_rustc(subject: Subject) -> Words | None:
    """Modules are linked from bitcode, which an LLVM that is older than its writer can't read."""
    if "RUST_INLINE_HELPERS" not in subject.tree.config:
        return None
    said = answers(subject)
    found = {}
    for tool in ("rustc", "llvm-link", compiler.command(subject.tree.config)):
        number = re.search(r"(?:LLVM version:?|clang version) (\d+)", said[tool].out)
        found[tool] = number[1] if number else "unknown"
    if len(set(found.values())) == 1:
        return None
    told = ", ".join(f"{tool} is of LLVM {number}" for tool, number in found.items())
    return {"found": told, "where": subject.whose}


def programs_there(subject: Subject) -> Words | None:
    """Those that a module's build starts."""
    build = subject.tree.build
    return listed("programs", [name for name in needed(subject) if not (build / name).is_file()])


def programs_start(subject: Subject) -> Words | None:
    """They may be for another machine, or need a newer C library than there is."""
    said = answers(subject)
    for file in programs(subject):
        if why := said[str(file)].unstartable:
            name = str(file.relative_to(subject.tree.build))
            return {"program": name, "where": subject.whose, "said": why}
    return None


def metadata_loads(subject: Subject) -> Words | None:
    """By rustc itself, which loads what a module's build would, if all of that is there."""
    said = [answer for name, answer in answers(subject).items() if name.startswith("load ")]
    failed = [answer for answer in said if answer.code]
    others = (same_rustc, requires_tree.metadata, requires_tree.read_files)
    if len(failed) < len(said) or any(other(subject) for other in others):
        return None
    for answer in failed:
        found = UNREADABLE.search(answer.err)
        if found and OTHER_TARGET not in answer.err:
            return {"said": found[1].replace(f"{subject.tree.build}/", "")}
    return None


ROWS = (
    Requirement(
        name=".config",
        of=MAKING,
        says="it has no Rust metadata, and no .config by which that could be made from the"
        " kernel's source",
        mend="install the kernel's headers anew",
        source="scripts/package/install-extmod-build",
        check=has_config,
    ),
    Requirement(
        name="a source for metadata",
        of=MAKING,
        says="it has no Rust metadata (rust/libkernel.rmeta), which can be made from the kernel's"
        " source",
        mend="name that by KERNEL_SOURCE=, a tree or a tarball of exactly Linux {release}",
        source="scripts/package/install-extmod-build",
        check=source_known,
    ),
    Requirement(
        name="tools of this machine",
        of=BUILD,
        says="this kernel was built with {compiler}, and this machine has no {tools}",
        mend="as root: apt-get install {packages}",
        source="Makefile, `LLVM`, `CROSS_COMPILE`, `PAHOLE`, `LLVM_LINK`",
        check=lambda subject: None if subject.toolchain.root else tools(subject),
        final=True,
    ),
    Requirement(
        name="tools of the root",
        of=BUILD,
        says="this kernel was built with {compiler}, and the toolchain's root has no {tools}",
        mend="install {packages} on this machine, and set TOOLCHAIN=host",
        source="Makefile, `LLVM`, `CROSS_COMPILE`, `PAHOLE`, `LLVM_LINK`",
        check=lambda subject: tools(subject) if subject.toolchain.root else None,
        final=True,
    ),
    Requirement(
        name="tools that work",
        of=BUILD,
        says="{tool} of {where} does not work: {said}",
        mend="mend that, or install another",
        source="scripts/cc-version.sh, scripts/min-tool-version.sh",
        check=tools_work,
        final=True,
    ),
    Requirement(
        name="the kernel's rustc",
        of=RUST,
        says="this kernel was built with {built}; {found}, and metadata of another rustc can't be"
        " read (E0514)",
        mend="install the kernel's rustc, or rebuild the kernel with the one that is here",
        source="init/Kconfig, `RUSTC_VERSION_TEXT`",
        check=same_rustc,
    ),
    Requirement(
        name="a compiler that is not older",
        of=BUILD,
        says="this kernel was built with {built}, and {where} has {have}, which may not know all"
        " of its options",
        mend="install one of that version or newer, and take this machine's by TOOLCHAIN=host",
        source="init/Kconfig, `CC_VERSION_TEXT`; Makefile, `the compiler differs`",
        check=no_older_compiler,
    ),
    Requirement(
        name="the compiler of its plugins",
        of=BUILD,
        says="this kernel's plugins for gcc were built with {built}, and {where} has {have}, which"
        " can't load them",
        mend="install that compiler, and take this machine's by TOOLCHAIN=host, or build the kernel"
        " without CONFIG_GCC_PLUGINS",
        source="scripts/Makefile.gcc-plugins",
        check=same_compiler_for_plugins,
    ),
    Requirement(
        name="the kernel's compilers",
        of=MAKING,
        says="Rust metadata can't be made here: it was built with {built}, and {where} has {have}",
        mend="install the kernel's own, and take this machine's by TOOLCHAIN=host",
        source="init/Kconfig, `CC_VERSION_TEXT`; rust/Makefile, `BINDGEN`",
        check=same_compilers,
    ),
    Requirement(
        name="one LLVM",
        of=READY,
        says="modules are linked from LLVM's bitcode (CONFIG_RUST_INLINE_HELPERS), and on {where}"
        " {found}",
        mend="install clang and llvm of rustc's LLVM",
        source="scripts/Makefile.build, `LLVM_LINK`",
        check=llvm_of_rustc,
    ),
    Requirement(
        name="the kernel's programs",
        of=DIRECT,
        says="it lacks {programs}, which a module's build runs",
        mend="`make modules_prepare` in the kernel's build directory makes them; or install the"
        " kernel's headers anew",
        source="scripts/Makefile.lib, scripts/Makefile.modpost, scripts/Makefile.modfinal",
        check=programs_there,
    ),
    Requirement(
        name="programs that start",
        of=DIRECT,
        says="{program}, which a module's build runs, can't be started by {where}: {said}",
        mend="it was made for another machine or C library: build the kernel's programs anew here"
        " by `make modules_prepare`, or set TOOLCHAIN= to the other of root and host",
        source="scripts/Makefile.lib, scripts/Makefile.modpost, scripts/Makefile.modfinal",
        check=programs_start,
    ),
    Requirement(
        name="metadata that loads",
        of=READY,
        says="Rust metadata can't be used; rustc says: {said}",
        mend="copy rust/*.rmeta and rust/*.so anew from where the kernel was built, or build it"
        " anew",
        source="scripts/Makefile.build, `rust_common_cmd`",
        check=metadata_loads,
    ),
)
