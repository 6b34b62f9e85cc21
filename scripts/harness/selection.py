# SPDX-License-Identifier: GPL-2.0

"""Stage 2: the kernel that the variables ask for, to build modules against and to boot.

A lean one (lean.py), one that Debian ships (debian.py), or the user's own that KDIR= names; the
latter two may want Rust metadata (metadata.py).
"""

import os
import re
from dataclasses import replace
from pathlib import Path

from harness import arch as arches
from harness import archive
from harness import debian
from harness import flavour as flavours
from harness import kdir
from harness import lean
from harness import messages
from harness import metadata
from harness import places
from harness import requirements
from harness import source as sources
from harness import toolchain as toolchains
from harness.arch import Arch
from harness.kernel import Kernel, Needs, fetch, selectors, short
from harness.messages import Fail
from harness.requirement import Subject
from harness.toolchain import Toolchain


def select(first: int, of: int, needs: Needs, default: str = "") -> Kernel:
    """The kernel that KDIR=, KERNEL=, KERNEL_TARBALL= and ARCH= ask for, with its toolchain.

    These are steps `first` and the next. Fails if the kernel can't do what is needed of it. What a
    guest takes from outside is fetched before the kernel is built. Where nothing but ARCH= is asked
    for, `default` is what KERNEL= is taken to say, if such a kernel can be had.
    """
    arch = arches.selected()
    flavour = flavours.selected(arch or arches.ARCHES[arches.DEFAULT])
    ways = ("KDIR", "KERNEL", "KERNEL_TARBALL")
    named = [name for name in ways if os.environ.get(name)]
    if len(named) > 1:
        raise Fail(f"{'= and '.join(named)}= all name a kernel; use one of them")
    own, version, tarball = (os.environ.get(name) for name in ways)
    if os.environ.get("KERNEL_SOURCE") and not own:
        raise Fail("KERNEL_SOURCE= is the source of the kernel that KDIR= names; set that as well")
    if version:
        check_version(version)
    if tarball and not Path(tarball).is_file():
        raise Fail(f"KERNEL_TARBALL={tarball}: there is no such file")

    shipped = version if version and is_shipped(version) else ""
    if flavour.name and (own or shipped):
        what = "KDIR=" if own else f"KERNEL={version}"
        raise Fail(
            f"{what} names a kernel that has its configuration; leave {flavours.asking()} unset"
        )
    if own:
        return select_own(Path(own), arch, first, of, needs)
    messages.step(first, of, "toolchain")
    toolchain = toolchains.provide(arch, flavour)
    if shipped:
        return select_shipped(shipped, arch, first, of, needs, toolchain)
    if default and not (named or flavour.name) and toolchain.root:
        try:
            return select_shipped(default, arch, first, of, needs, toolchain)
        except Fail as fail:
            messages.say(f"      {fail}")
            messages.say("      so this takes a lean kernel, built here, in place of Debian's")
    source = sources.provide(version, Path(tarball) if tarball else None, toolchain)
    arch = arch or arches.ARCHES[arches.DEFAULT]
    title = f"{(source / 'version').read_text()}, {arch.name} {flavour.name}".rstrip()
    messages.step(first + 1, of, f"kernel: Linux {title}")
    made_of = lean.recipe(source, arch, flavour, toolchain)
    kernel = lean.provide(made_of, toolchain, needs)
    kdir.notice_if_newer(kernel.release)
    return kernel


def is_shipped(version: str) -> bool:
    """Whether what KERNEL= says is a kernel of the distribution's."""
    return version == debian.NEWEST or debian.parse(version) is not None


def check_version(version: str) -> None:
    """Fails if KERNEL= can't be a kernel that is supported."""
    if is_shipped(version):
        return
    if not re.fullmatch(r"\d+\.\d+", version):
        raise Fail(
            f"KERNEL={version} is not a version; it is like {sources.DEFAULT}, the default, or"
            f" {debian.NEWEST} or a release of Debian's, like {sources.DEFAULT}.4+deb13-cloud-amd64"
        )
    if kdir.is_too_old(version):
        raise Fail(f"KERNEL={version} is too old; {kdir.too_old()}")


def select_own(path: Path, arch: Arch | None, first: int, of: int, needs: Needs) -> Kernel:
    """The user's own kernel, if it will do."""
    subject = Subject(path, needs.rust, arch)
    requirements.need(subject, guest=needs.image, test=needs.kunit)
    tree = subject.tree
    messages.step(first, of, f"toolchain: {tree.rustc if needs.rust else tree.compiler}")
    messages.step(first + 1, of, f"kernel: Linux {tree.release} in {path}")
    kdir.notice_if_newer(tree.release)
    return of_tree(tree, "", subject.toolchain, needs)


def select_shipped(
    wanted: str, arch: Arch | None, first: int, of: int, needs: Needs, toolchain: Toolchain
) -> Kernel:
    """A kernel that the distribution ships, out of its packages."""
    release = debian.provide(wanted, arch, toolchain)
    messages.step(first + 1, of, f"kernel: Linux {release.name}, as Debian ships it")
    return shipped(release, toolchain, needs)


def shipped(release: debian.Release, toolchain: Toolchain, needs: Needs) -> Kernel:
    """A release of Debian's that has been fetched, if it will do."""
    if release.arch.debian != archive.HOST:
        toolchain = toolchains.with_packages(toolchain, release.arch.cross)
    subject = Subject(release.headers, needs.rust, given=toolchain, booted=release.image)
    requirements.need(subject, guest=needs.image, test=needs.kunit)
    kdir.notice_if_newer(subject.tree.release)
    tree = replace(subject.tree, image=release.image)
    return of_tree(tree, release.flavour, toolchain, needs)


def of_tree(tree: kdir.Tree, flavour: str, toolchain: Toolchain, needs: Needs) -> Kernel:
    """A kernel that was not built here; with Rust metadata made for it if it came without."""
    fetch(needs, selectors(short(tree.release), tree.arch, flavour), tree.arch, toolchain)
    build, source = tree.build, tree.source
    if needs.rust and not tree.metadata:
        build, source = metadata.provide(tree, toolchain)
    return Kernel(
        build,
        source,
        tree.arch,
        tree.release,
        flavour,
        places.key(str(build)),
        toolchain,
        tree.image if tree.image.exists() else None,
        tree.config,
    )
