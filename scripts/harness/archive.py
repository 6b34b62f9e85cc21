# SPDX-License-Identifier: GPL-2.0

"""Debian's package archive, by apt in the toolchain's root, which verifies what it downloads."""

import functools
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness import messages
from harness import places
from harness import process
from harness.bootstrap import APT, SUITE
from harness.messages import Fail
from harness.toolchain import Toolchain

# Debian's name for the architecture that all this runs on.
HOST = "amd64"

# What apt is told here: an index that it can't get is an error.
OPTIONS = f"{APT} -o APT::Update::Error-Mode=any"

# How apt says that it doesn't have what an index lists, or that none lists it.
GONE = re.compile(r"404 +Not Found|Unable to (?:locate|find a source) package|' was not found")


class Unavailable(Fail):
    """The archive does not have what is asked for."""


@dataclass(frozen=True)
class Index:
    """What the archive has for an architecture, by an index that was fetched for this run.

    `options` are those by which apt uses it, and `folder` where it is, unless it is the root's own.
    """

    toolchain: Toolchain
    options: str
    folder: Path | None

    @property
    def apt(self) -> str:
        """The command apt-get, for this index."""
        return f"apt-get {self.options}"

    def fetched(self) -> datetime | None:
        """When the newest of its lists was fetched; none if there is none."""
        own = Path("var/lib/apt/lists")
        lists = self.folder / "lists" if self.folder else (self.toolchain.root or Path("/")) / own
        times = [file.stat().st_mtime for file in lists.glob("*_Packages*")]
        return datetime.fromtimestamp(max(times)) if times else None

    def ask(self, words: str) -> str:
        """What apt-cache says; nothing of what it doesn't know."""
        command = ["sh", "-c", f"apt-cache {self.options} {words}"]
        return self.toolchain.output(command, rw=[self.folder] if self.folder else [])

    def get(self, to: Path, commands: str, what: str) -> None:
        """Runs the commands, in which apt downloads, in a directory that becomes `to`.

        Fails with Unavailable if the archive doesn't have what they ask for any more.
        """
        log = places.logs() / "download.log"
        with places.publish(to) as part:
            progress = messages.Progress()
            progress.show(what)
            argv = self.toolchain.argv(
                ["bash", "-e", "-o", "pipefail", "-c", f"cd '{part}' && {commands}"],
                rw=[part, *([self.folder] if self.folder else [])],
                network=True,
            )
            try:
                process.run_logged(
                    argv, log, what, lambda line: progress.show(line or what), quoting=False
                )
            except Fail as fail:
                said = log.read_text(errors="replace")
                if GONE.search(said):
                    raise Unavailable(str(fail)) from fail
                process.quote(said)
                raise
            progress.end(f"{what} took")

    def get_part(self, to: Path, package: str, path: str, what: str) -> None:
        """Downloads a package, of which a file or directory comes into the directory `to`.

        `path` is its name in the package without the slash before it. Fails as `get` does.
        """
        self.get(
            to,
            f"{self.apt} download {package} && dpkg-deb --fsys-tarfile *.deb"
            f" | tar -x --strip-components={len(Path(path).parts)} ./{path} && rm *.deb",
            what,
        )


@functools.cache
def index(toolchain: Toolchain, arch: str = HOST, suite: str = SUITE) -> Index:
    """Fetches the index of an architecture, once in a run.

    The root's has all suites. That of another architecture is kept apart, and has one `suite`:
    others may be out of step on a mirror. Where one can't be had now, that of an earlier run is
    taken. Fails with Unavailable if that of another architecture is not there either.
    """
    if toolchain.root is None:
        raise Fail(
            "TOOLCHAIN=host: the package archive is reached through the toolchain's root; name a"
            " kernel of your own by KDIR=, or leave TOOLCHAIN unset"
        )
    found, prepare = Index(toolchain, OPTIONS, None), "true"
    if arch != HOST:
        folder = places.stage("archive") / f"{arch}-{suite}"
        (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
        options = {
            "APT::Architectures": arch,
            "Dir::Etc::SourceList": folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": folder / "lists",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
        }
        words = [f"-o {name}={value}" for name, value in options.items()]
        found = Index(toolchain, " ".join([OPTIONS, *words]), folder)
        prepare = (
            f"sed -n 's/^deb \\(.*\\) {SUITE} main/deb [arch={arch}] \\1 {suite} main/p'"
            f" /etc/apt/sources.list >{folder}/sources.list"
        )
    update = toolchain.argv(
        ["sh", "-c", f"{prepare} && {found.apt} update"],
        rw=[found.folder] if found.folder else [],
        network=True,
    )
    log = places.logs() / "archive.log"
    with places.lock(f"archive-{arch}"):
        try:
            process.run_logged(update, log, "reaching the package archive", quoting=False)
        except Fail as fail:
            if when := found.fetched():
                messages.say(
                    f"      the archive does not give its index for {arch}; that of {when:%Y-%m-%d}"
                    " is taken"
                )
            elif arch != HOST:
                raise Unavailable(f"the archive does not give its index for {arch}: {fail}")
            else:
                process.quote(log.read_text(errors="replace"))
                raise
    return found
