# SPDX-License-Identifier: GPL-2.0

"""What a kernel that KDIR= names has to be for a guest to boot it, and for suites to run there."""

from harness import signing
from harness.requirement import GUEST, TEST, Requirement, Subject, Words, has, listed, unless

# What the guest needs of a kernel to come up and be heard.
NEEDS = (
    "BLK_DEV_INITRD",
    "BINFMT_ELF",
    "BINFMT_SCRIPT",
    "PROC_FS",
    "SYSFS",
    "DEVTMPFS",
    "MODULE_UNLOAD",
)

KUNIT = "tools/testing/kunit/kunit.py"


def image(subject: Subject) -> Words | None:
    """A headers directory has none."""
    file = subject.image
    return None if has(file) else {"image": subject.tree.arch.image, "goal": file.name}


def symbols(subject: Subject) -> Words | None:
    """They have to be in the kernel itself; what could load a module is not there yet."""
    config, arch = subject.tree.config, subject.tree.arch
    missing = [f"CONFIG_{name}" for name in (*NEEDS, *arch.needs) if config.get(name) != "y"]
    return listed("symbols", missing)


def key(subject: Subject) -> Words | None:
    """Only where the kernel insists."""
    config = subject.tree.config
    missing = signing.missing(config, subject.tree.build) if signing.enforced(config) else []
    return listed("files", missing)


def kunit_py(subject: Subject) -> Words | None:
    """Where metadata is to be made, the source that it is made from has it."""
    source = subject.tree.source
    return unless(subject.making or source and (source / KUNIT).is_file())


ROWS = (
    Requirement(
        name="an image",
        of=GUEST,
        says="it has no {image} to boot a guest with",
        mend="run `make {goal}` there, or use `make` alone to build the modules",
        source="arch/*/Makefile, `KBUILD_IMAGE`",
        check=image,
    ),
    Requirement(
        name="what a guest needs",
        of=GUEST,
        says="a guest can't run on this kernel without {symbols}",
        mend="set that to y and rebuild it",
        source="init/Kconfig, kernel/module/Kconfig, fs/Kconfig.binfmt, drivers/tty",
        check=symbols,
    ),
    Requirement(
        name="the key",
        of=GUEST,
        says="this kernel loads signed modules only (CONFIG_MODULE_SIG_FORCE), and they can't be"
        " signed here without {files}",
        mend="the key is where the kernel was built",
        source="kernel/module/Kconfig, `MODULE_SIG_FORCE`; scripts/Makefile.modinst",
        check=key,
    ),
    Requirement(
        name="KUnit in the kernel",
        of=TEST,
        says="CONFIG_KUNIT is m, so the suites would not be built, or vanish silently",
        mend="set CONFIG_KUNIT=y and rebuild the kernel",
        source="lib/kunit/Kconfig, `KUNIT`; rust/macros/kunit.rs",
        check=lambda subject: unless(subject.tree.config.get("KUNIT") != "m"),
    ),
    Requirement(
        name="KUnit for suites in C",
        of=TEST,
        says="this kernel has no KUnit, which suites in C need",
        mend="set CONFIG_KUNIT=y and rebuild it; only suites made by kunit_suite!, in Rust, run"
        " without",
        source="include/kunit/test.h",
        check=lambda subject: unless(subject.rust or subject.tree.config.get("KUNIT")),
    ),
    Requirement(
        name="kunit.py",
        of=TEST,
        says=f"the kernel's source, with {KUNIT}, is not there",
        mend="name a complete tree, or a build directory whose source tree is there",
        source=KUNIT,
        check=kunit_py,
    ),
)
