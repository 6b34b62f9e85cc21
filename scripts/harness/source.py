# SPDX-License-Identifier: GPL-2.0

"""Stage 2, first half: the source of a kernel.

From Debian's archive, as its linux-source package or, for versions between those, the tarball of
its source package; or from a tarball of the user's own. Each is unpacked once, to a directory with
the source as `tree` and what it is as `version`. One that has all of Debian's changes, and so is
what Debian's own kernels are made from, has that in `patched`.
"""

import hashlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from harness import archive
from harness import kdir
from harness import messages
from harness import places
from harness import process
from harness.archive import Index, Unavailable
from harness.messages import Fail
from harness.toolchain import Toolchain

# The version that is taken if none is named.
DEFAULT = ".".join(map(str, kdir.NEWEST))

# How Debian calls the packages with a kernel's source, before the version.
PACKAGE = "linux-source-"

# Unpacks a kernel's tarball, which has one directory at its top.
UNTAR = "mkdir tree && tar -xf {} -C tree --no-same-owner --strip-components=1"


def provide(version: str | None, tarball: Path | None, toolchain: Toolchain) -> Path:
    """The directory with a kernel's `tree` and `version`; fetched or unpacked if it isn't there."""
    if tarball:
        return own(tarball, toolchain)
    base = places.stage("source")
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
    return (places.stage("source") / version).is_dir()


def named(path: Path, toolchain: Toolchain) -> Path:
    """The source tree that KERNEL_SOURCE= names, which may be in a tarball."""
    if path.is_file():
        return own(path, toolchain, "KERNEL_SOURCE") / "tree"
    if not path.is_dir():
        raise Fail(f"KERNEL_SOURCE={path}: there is no such tree or tarball")
    if not (path / "Kbuild").is_file() or not (path / "kernel").is_dir():
        raise Fail(f"KERNEL_SOURCE={path} is not a kernel's source tree")
    if (path / ".config").exists() or (path / "include/config").exists():
        raise Fail(
            f"KERNEL_SOURCE={path}: a kernel was built in this tree, in which the kernel's build"
            " takes it for no source of another; name a clean one, or a tarball"
        )
    return path.resolve()


def own(tarball: Path, toolchain: Toolchain, variable: str = "KERNEL_TARBALL") -> Path:
    """The source in a tarball of the user's own, kept under a digest of it."""
    tarball = tarball.absolute()
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]

    def fill(part: Path) -> None:
        messages.say(f"      unpacking {tarball}")
        script = f"cd '{part}' && {UNTAR.format(shlex.quote(str(tarball)))}"
        argv = toolchain.argv(["bash", "-c", script], ro=[tarball], rw=[part])
        try:
            process.run_logged(argv, places.logs() / "source.log", "unpacking it", quoting=False)
            version = version_of(part / "tree")
        except (Fail, OSError) as error:
            raise Fail(
                f"{variable}={tarball} is not a kernel's source: it must be a tar archive with one"
                f" directory at its top, and a kernel's Makefile in that ({error})"
            ) from error
        (part / "version").write_text(f"{version}-{digest}")

    to = places.kept(places.stage("source") / f"tarball-{digest}", "source", fill)
    if kdir.is_too_old(version_of(to / "tree")):
        raise Fail(f"{variable}={tarball}: it is too old; {kdir.too_old()}")
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
    messages.say("      looking up the kernel's source package")
    index = archive.index(toolchain)
    base.mkdir(exist_ok=True)
    packages, tarballs = offered(index)
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
        get(base / wanted, package(wanted, index), index)
        return wanted
    # The tarball of a version that was superseded may be gone though it is still listed.
    for version in tarballs[wanted]:
        try:
            get(base / wanted, source_package(version, index), index)
            return wanted
        except Unavailable:
            messages.say(f"      the archive lists Linux {version} and does not have it any more")
    raise Unavailable(f"the archive does not have the source of Linux {wanted} any more")


def offered(index: Index) -> tuple[set[str], dict[str, list[str]]]:
    """The versions that the archive has.

    As linux-source packages, like 6.12; and by their source packages, each with the latter's own
    versions, newest first.
    """
    names = index.ask("pkgnames linux-source-").split()
    packages = {name.removeprefix("linux-source-") for name in names}
    versions = source_versions(index)
    tarballs: dict[str, list[str]] = {}
    for version in sorted(versions, key=numbers, reverse=True):
        if short := re.match(r"\d+\.\d+(?=[.-])", version):
            tarballs.setdefault(short[0], []).append(version)
    return {name for name in packages if re.fullmatch(r"\d+\.\d+", name)}, tarballs


def numbers(version: str) -> list[int]:
    """The numbers in a version, to compare it by."""
    return [int(number) for number in re.findall(r"\d+", version)]


def source_versions(index: Index) -> set[str]:
    """The versions of Debian's source package that the archive lists."""
    shown = index.ask("showsrc --only-source linux")
    return set(re.findall(r"^Version: (\S+)$", shown, re.MULTILINE))


def package(version: str, index: Index, exact: str = "") -> str:
    """The commands that get the binary package with a kernel's source, of a version if `exact`."""
    return (
        f"{index.apt} download linux-source-{version}{'=' * bool(exact)}{exact}"
        " && test -f linux-source-*.deb"
        " && dpkg-deb -f linux-source-*.deb Version | tr -d '\\n' | tee version >patched"
        " && echo unpacking && dpkg-deb --fsys-tarfile linux-source-*.deb | tar -x"
        f" && rm linux-source-*.deb && {UNTAR.format('usr/src/linux-source-*.tar.xz')} && rm -r usr"
    )


def source_package(version: str, index: Index) -> str:
    """The commands that get a kernel's source by the tarball of Debian's source package."""
    return (
        f"{index.apt} source --tar-only linux={version} && test -f linux_*.orig.tar.xz"
        f" && printf %s '{version}' >version"
        f" && echo unpacking && {UNTAR.format('linux_*.orig.tar.xz')} && rm linux_*"
    )


def patched_source_package(version: str, index: Index) -> str:
    """The commands that get a kernel's source by Debian's source package, with its changes."""
    return (
        f"{index.apt} source --download-only linux={version}"
        f" && printf %s '{version}' | tee version >patched"
        " && echo unpacking && dpkg-source --no-check -x linux_*.dsc tree && rm linux_*"
    )


def get(to: Path, commands: str, index: Index) -> None:
    """Fetches a source into a directory of its own."""
    index.get(to, commands, f"fetching the source of Linux {to.name}")


def of_package(version: str, toolchain: Toolchain) -> Path:
    """The directory with the source from which Debian made its packages of exactly this version.

    It may have come with the package linux-source that is installed on this machine.
    """
    if known := unpacked(version):
        return known
    if tarball := installed(version):
        found = own(tarball, toolchain)
        (found / "patched").write_text(version)
        return found
    index = archive.index(toolchain)
    base = places.stage("source")
    base.mkdir(exist_ok=True)
    short = package_name(version).removeprefix(PACKAGE)
    with places.lock("source"):
        # Another run may have fetched it meanwhile.
        if known := unpacked(version):
            return known
        # The one that lean kernels are made from is shared.
        to = base / (version if (base / short).is_dir() else short)
        try:
            get(to, package(short, index, version), index)
        except Unavailable:
            if version not in source_versions(index):
                raise Unavailable(
                    f"the archive does not have the source of Linux {version} any more; name it by"
                    " KERNEL_SOURCE=, a tree or a tarball"
                ) from None
            to = base / version
            get(to, patched_source_package(version, index), index)
    return to


def unpacked(version: str) -> Path | None:
    """The directory of such a source in the cache."""
    files = places.stage("source").glob("*/patched")
    return next((file.parent for file in files if file.read_text() == version), None)


def installed(version: str) -> Path | None:
    """The tarball of such a source that is installed on this machine."""
    name = package_name(version)
    tarball = Path("/usr/src", f"{name}.tar.xz")
    return tarball if tarball.is_file() and debian_version(name) == version else None


def is_on_machine(version: str) -> bool:
    """Whether such a source can be had without the archive."""
    return bool(unpacked(version) or installed(version))


def package_name(version: str) -> str:
    """The package that has the source of a version of Debian's."""
    short = re.match(r"\d+\.\d+", version)
    assert short
    return f"{PACKAGE}{short[0]}"


def debian_version(name: str) -> str:
    """The version of a Debian package that is installed on this machine; empty if none is."""
    if not shutil.which("dpkg-query"):
        return ""
    command = ["dpkg-query", "--showformat=${Version}", "--show", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
