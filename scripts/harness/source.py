# SPDX-License-Identifier: GPL-2.0

"""Stage 2, first half: the source of a kernel.

From Debian's archive, as its linux-source package or, for versions between those, the tarball of
its source package; or from a tarball of the user's own. Each is unpacked once, to a directory with
the source as `tree` and what it is as `version`.
"""

import hashlib
import re
import shlex
from pathlib import Path

from harness import kdir
from harness import messages
from harness import places
from harness import process
from harness.messages import Fail
from harness.toolchain import APT, Toolchain

# The version that is taken if none is named.
DEFAULT = ".".join(map(str, kdir.NEWEST))

# Unpacks a kernel's tarball, which has one directory at its top.
UNTAR = "mkdir tree && tar -xf {} -C tree --no-same-owner --strip-components=1"


class Unavailable(Fail):
    """The archive does not have the version."""


def provide(version: str | None, tarball: Path | None, toolchain: Toolchain) -> Path:
    """The directory with a kernel's `tree` and `version`; fetched or unpacked if it isn't there."""
    if tarball:
        return own(tarball, toolchain)
    base = places.cache() / "source"
    replaced = base / "default"
    wanted = version or (replaced.read_text() if replaced.exists() else DEFAULT)
    if (base / wanted).is_dir():
        return base / wanted
    with places.lock("source"):
        if not (base / wanted).is_dir():
            found = fetch(base, wanted, version is not None, toolchain)
            if found != wanted:
                replaced.write_text(found)
                wanted = found
    return base / wanted


def is_here(version: str) -> bool:
    """Whether the source of a version can be had without fetching it."""
    return (places.cache() / "source" / version).is_dir()


def own(tarball: Path, toolchain: Toolchain) -> Path:
    """The source in a tarball of the user's own, kept under a digest of it."""
    tarball = tarball.absolute()
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    to = places.cache() / "source" / f"tarball-{digest}"
    with places.lock("source"):
        if not to.is_dir():
            messages.say(f"      unpacking {tarball}")
            log = places.logs() / "source.log"
            with places.publish(to) as part:
                script = f"cd '{part}' && {UNTAR.format(shlex.quote(str(tarball)))}"
                argv = toolchain.argv(["bash", "-c", script], ro=[tarball], rw=[part])
                try:
                    process.run_logged(argv, log, "unpacking it", quoting=False)
                    version = version_of(part / "tree")
                except (Fail, OSError) as error:
                    raise Fail(
                        f"KERNEL_TARBALL={tarball} is not a kernel's source: it must be a tar"
                        " archive with one directory at its top, and a kernel's Makefile in that"
                        f" ({error})"
                    ) from error
                (part / "version").write_text(f"{version}-{digest}")
    if kdir.is_too_old(version_of(to / "tree")):
        raise Fail(f"KERNEL_TARBALL={tarball}: it is too old; {kdir.too_old()}")
    return to


def version_of(tree: Path) -> str:
    """The version that a source's Makefile says."""
    text = (tree / "Makefile").read_text()
    parts = [
        re.search(rf"^{name} *= *(.*)$", text, re.MULTILINE)
        for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION")
    ]
    if not all(parts):
        raise Fail("its Makefile names no version")
    version, patchlevel, sublevel, extra = (part[1].strip() for part in parts if part)
    return f"{version}.{patchlevel}.{sublevel}{extra}"


def fetch(base: Path, wanted: str, named: bool, toolchain: Toolchain) -> str:
    """Fetches and unpacks a kernel's source; returns which version it was."""
    if toolchain.root is None:
        raise Fail(
            "TOOLCHAIN=host: kernel sources come through the toolchain's root; name a kernel of"
            " your own by KDIR=, or leave TOOLCHAIN unset"
        )
    base.mkdir(exist_ok=True)
    log = places.logs() / "source.log"
    messages.say("      looking up the kernel's source package")
    process.run_logged(
        toolchain.argv(["sh", "-c", f"apt-get {APT} update"], network=True),
        log,
        "reaching the package archive",
    )
    packages, tarballs = offered(toolchain)
    found = sorted(
        (name for name in packages | set(tarballs) if not kdir.is_too_old(name)),
        key=numbers,
    )
    if wanted not in found:
        if named or not found:
            raise Unavailable(
                f"the archive has no source of Linux {wanted}; KERNEL= can be"
                f" {', '.join(found) or 'none'}"
            )
        messages.say(
            f"      the archive has no source of Linux {wanted} any more; taking {found[-1]},"
            " its newest"
        )
        wanted = found[-1]
        if (base / wanted).is_dir():
            return wanted
    if wanted in packages:
        get(base / wanted, package(wanted), toolchain)
        return wanted
    # The tarball of a version that was superseded may be gone though it is still listed.
    for version in tarballs[wanted]:
        try:
            get(base / wanted, source_package(version), toolchain)
            return wanted
        except Unavailable:
            messages.say(f"      the archive lists Linux {version} and does not have it any more")
    raise Unavailable(f"the archive does not have the source of Linux {wanted} any more")


def offered(toolchain: Toolchain) -> tuple[set[str], dict[str, list[str]]]:
    """The versions that the archive has.

    As linux-source packages, like 6.12; and by their source packages, each with the latter's own
    versions, newest first.
    """
    names = toolchain.output(["apt-cache", "pkgnames", "linux-source-"]).split()
    packages = {name.removeprefix("linux-source-") for name in names}
    shown = toolchain.output(["apt-cache", "showsrc", "--only-source", "linux"])
    versions = set(re.findall(r"^Version: (\S+)$", shown, re.MULTILINE))
    tarballs: dict[str, list[str]] = {}
    for version in sorted(versions, key=numbers, reverse=True):
        if short := re.match(r"\d+\.\d+(?=[.-])", version):
            tarballs.setdefault(short[0], []).append(version)
    return {name for name in packages if re.fullmatch(r"\d+\.\d+", name)}, tarballs


def numbers(version: str) -> list[int]:
    """The numbers in a version, to compare it by."""
    return [int(number) for number in re.findall(r"\d+", version)]


def package(version: str) -> str:
    """The commands that get the binary package with a kernel's source."""
    return (
        f"apt-get {APT} download linux-source-{version} && test -f linux-source-*.deb"
        " && dpkg-deb -f linux-source-*.deb Version | tr -d '\\n' >version"
        " && echo unpacking && dpkg-deb --fsys-tarfile linux-source-*.deb | tar -x"
        f" && rm linux-source-*.deb && {UNTAR.format('usr/src/linux-source-*.tar.xz')} && rm -r usr"
    )


def source_package(version: str) -> str:
    """The commands that get a kernel's source by the tarball of Debian's source package."""
    return (
        f"apt-get {APT} source --tar-only linux={version} && test -f linux_*.orig.tar.xz"
        f" && printf %s '{version}' >version"
        f" && echo unpacking && {UNTAR.format('linux_*.orig.tar.xz')} && rm linux_*"
    )


def get(to: Path, commands: str, toolchain: Toolchain) -> None:
    """Runs the commands in a directory that becomes `to`; what they download apt verifies."""
    log = places.logs() / "source.log"
    what = f"fetching the source of Linux {to.name}"
    with places.publish(to) as part:
        progress = messages.Progress()
        progress.show(what)
        script = f"cd '{part}' && {commands}"
        argv = toolchain.argv(
            ["bash", "-e", "-o", "pipefail", "-c", script], rw=[part], network=True
        )
        try:
            process.run_logged(
                argv, log, what, lambda line: progress.show(line or "unpacking"), quoting=False
            )
        except Fail as fail:
            said = log.read_text(errors="replace")
            if re.search(r"404 +Not Found", said):
                raise Unavailable(str(fail)) from fail
            process.quote(said)
            raise
        progress.end(f"source of Linux {(part / 'version').read_text()} fetched")
