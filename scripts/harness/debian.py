# SPDX-License-Identifier: GPL-2.0

"""Stage 2 for the kernels that Debian ships: a release's headers and image, out of its packages.

They are unpacked into the cache, as they lie on a machine that has them installed, and nothing is
installed.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from harness import archive
from harness import bootstrap
from harness import messages
from harness import places
from harness.arch import ARCHES, DEFAULT, Arch
from harness.archive import Index, Unavailable
from harness.messages import Fail
from harness.source import debian_version, numbers
from harness.toolchain import Toolchain

# The kernels that Debian builds: what each is called here, and by Debian on each architecture.
FLAVOURS = {
    "debian": {"x86_64": "amd64", "arm64": "arm64"},
    "debian-cloud": {"x86_64": "cloud-amd64", "arm64": "cloud-arm64"},
    "debian-rt": {"x86_64": "rt-amd64", "arm64": "rt-arm64"},
}

# What KERNEL= says for the newest of a flavour; the word alone is for the one of virtual machines.
NEWEST = "debian"
NEWEST_FLAVOUR = "debian-cloud"

# What `uname -r` says on one.
NAMES = "|".join(name for names in FLAVOURS.values() for name in names.values())
RELEASE = re.compile(rf"\d+\.\d+\.\d+\S*?-({NAMES})")

# The packages that may have a kernel's image, by age of the packaging, newest first.
IMAGES = (
    "linux-binary-{}",
    "linux-binary-unsigned-{}",
    "linux-image-{}",
    "linux-image-{}-unsigned",
)

# How long the newest release is taken for that without asking the archive, in seconds.
FRESH = 24 * 3600


@dataclass(frozen=True)
class Release:
    """A kernel of Debian's, by what `uname -r` says on it."""

    name: str
    arch: Arch
    flavour: str

    @property
    def folder(self) -> Path:
        """Where its packages are unpacked."""
        return places.bound("debian") / self.name

    @property
    def headers(self) -> Path:
        """Its headers directory, which is what KDIR= would name."""
        return self.folder / "usr/src" / f"linux-headers-{self.name}"

    @property
    def image(self) -> Path:
        """What is booted."""
        return self.folder / "vmlinuz"


def parse(text: str) -> Release | None:
    """The release that a text names, if it can be one of Debian's."""
    found = RELEASE.fullmatch(text)
    for flavour, names in FLAVOURS.items():
        for arch, name in names.items():
            if found and found[1] == name:
                return Release(text, ARCHES[arch], flavour)
    return None


def provide(wanted: str, arch: Arch | None, toolchain: Toolchain) -> Release:
    """A release by its name, or the newest; fetched if it isn't there."""
    release = parse(wanted)
    if release is None:
        release = newest(NEWEST_FLAVOUR, arch or ARCHES[DEFAULT], toolchain)
    elif arch and arch != release.arch:
        raise Fail(f"KERNEL={wanted} is for {release.arch.name}, which ARCH={arch.name} is not")
    if not release.folder.is_dir():
        with places.lock("debian"):
            if not release.folder.is_dir():
                fetch(release, toolchain)
    return release


def newest(flavour: str, arch: Arch, toolchain: Toolchain) -> Release:
    """The newest release of a flavour. The archive is asked once a day, if it can be reached."""
    if arch.name not in FLAVOURS[flavour]:
        raise Fail(
            f"Debian has no kernel of the flavour {flavour} for {arch.name}; it has some for"
            f" {', '.join(FLAVOURS[flavour])}"
        )
    known = places.bound("debian") / f"newest-{flavour}-{arch.name}"
    name = known.read_text() if known.exists() else ""
    there = parse(name)
    if there and (time.time() - known.stat().st_mtime < FRESH or toolchain.root is None):
        return there
    try:
        found = releases(index(arch, toolchain), arch, flavour)
    except Fail as fail:
        if there and there.folder.is_dir():
            messages.say(f"      taking {name}, which is here: {fail}")
            return there
        raise
    if not found:
        raise Unavailable(f"the archive has no kernel of the flavour {flavour} for {arch.name}")
    known.parent.mkdir(exist_ok=True)
    known.write_text(found[-1].name)
    return found[-1]


def index(arch: Arch, toolchain: Toolchain) -> Index:
    """The index that has the kernels for an architecture."""
    return archive.index(toolchain, arch.debian, bootstrap.BACKPORTS)


def releases(index_: Index, arch: Arch, flavour: str = "") -> list[Release]:
    """The releases that the archive has for an architecture, or of one flavour, oldest first."""
    names = set(index_.ask("pkgnames linux-headers-").split())
    found = [parse(name.removeprefix("linux-headers-")) for name in names]
    return sorted(
        (one for one in found if one and one.arch == arch and flavour in ("", one.flavour)),
        key=lambda release: (numbers(release.name.partition("-")[0]), release.name),
    )


def image_package(release: Release, index_: Index) -> str:
    """The package with a release's image."""
    have = set(index_.ask("pkgnames linux-").split())
    found = [name.format(release.name) for name in IMAGES if name.format(release.name) in have]
    if not found or f"linux-headers-{release.name}" not in have:
        there = [one.name for one in releases(index_, release.arch, release.flavour)]
        raise Unavailable(
            f"the archive does not have Linux {release.name} any more; of this flavour it has"
            f" {', '.join(there) or 'none'}"
        )
    return found[0]


def fetch(release: Release, toolchain: Toolchain) -> None:
    """Unpacks a release's packages. What else its headers need, they say in their dependencies."""
    index_ = index(release.arch, toolchain)
    headers = f"linux-headers-{release.name}"
    image = image_package(release, index_)
    depends = dependencies(headers, index_)
    # Programs for the build are the host's, whatever the kernel is for.
    own = {name for name in depends if name.startswith("linux-kbuild-")}
    host = archive.index(toolchain) if release.arch.debian != archive.HOST else index_
    common = [name for name in depends if re.match(r"linux-headers-.*-common", name)]
    index_.get(
        release.folder,
        f"{index_.apt} download {' '.join([headers, image, *common])}"
        f" && {host.apt} download {' '.join(own)}"
        f" && dpkg-deb -f {headers}_*.deb Version | tr -d '\\n' >version"
        " && for deb in *.deb; do dpkg-deb -x $deb .; done && rm *.deb"
        # What the Makefiles name by its place on the machine is here in another one.
        f" && sed -i 's|/usr/src/|{release.folder}/usr/src/|g' usr/src/{headers}/Makefile"
        f" && ln -s $(find boot usr/lib/modules -name 'vmlinuz*' -type f | head -n 1) vmlinuz",
        f"fetching Linux {release.name}",
    )


def dependencies(package: str, index_: Index) -> list[str]:
    """The packages that a package depends on."""
    return re.findall(r"Depends: ([^\s:]+)", index_.ask(f"depends {package}"))


def package_version(release: str, toolchain: Toolchain) -> str:
    """The version of the package with a release's headers; empty if it is none of Debian's.

    They may be unpacked here, be installed on this machine, or be in the archive.
    """
    known = parse(release)
    if known and (known.folder / "version").exists():
        return (known.folder / "version").read_text()
    installed = debian_version(f"linux-headers-{release}")
    if installed or known is None or toolchain.root is None:
        return installed
    shown = index(known.arch, toolchain).ask(f"show linux-headers-{release}")
    found = re.search(r"^Version: (\S+)$", shown, re.MULTILINE)
    return found[1] if found else ""
