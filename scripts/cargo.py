# SPDX-License-Identifier: GPL-2.0

"""Cargo in the toolchain, for host/ and for crates in modules.

All that it downloads and builds is in the cache.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness import places
from harness import process
from harness.messages import Fail
from harness.toolchain import Toolchain

# The interfaces of the slab that the allocator is built for (allocator/slab_api.mk).
APIS = ("krealloc", "krealloc_node_align")

# What each of the stand-in's kernels has: sysfs, and it counts its warnings. The usual one counts
# its slabs as well.
ANY_CONFIG = ("--cfg=CONFIG_BUG", "--cfg=CONFIG_SYSFS")
CONFIG = (*ANY_CONFIG, "--cfg=CONFIG_SLUB_DEBUG")

# Given to cargo, it keeps RUSTFLAGS from the programs that only take part in the build.
TARGET = "x86_64-unknown-linux-gnu"

# The certificates that the network's hosts are known by: the host's, which has the network.
CERTIFICATES = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")


def folder() -> Path:
    """The directory of the workspace."""
    return places.checkout() / "host"


def home() -> Path:
    """Where cargo has the crates that it downloads; it exists."""
    path = places.stage("cargo") / "home"
    path.mkdir(parents=True, exist_ok=True)
    return path


def argv(
    toolchain: Toolchain,
    words: Sequence[str],
    api: str,
    *,
    flags: Sequence[str] = (),
    env: dict[str, str] | None = None,
    ro: Sequence[Path] = (),
    rw: Sequence[Path] = (),
    top: Path | None = None,
) -> list[str]:
    """The command that runs cargo without network, for an interface of the slab.

    With `flags` for rustc, which stand for those of `CONFIG`, it builds in a directory of its own:
    all is compiled anew for them. `top` is a copy of the checkout to do it in.
    """
    top = top or places.checkout()
    variant = places.key(str(top), toolchain.key, api, *flags)
    target = places.stage("cargo") / variant
    target.mkdir(parents=True, exist_ok=True)
    cfg = f'--cfg slab_api="{api}" --cfg CONFIG_KUNIT'
    variables = {
        "CARGO_HOME": str(home()),
        "CARGO_TARGET_DIR": str(target),
        "RUSTFLAGS": " ".join([cfg, *(flags or CONFIG)]),
        **(env or {}),
    }
    return toolchain.argv(
        ["cargo", *words],
        ro=[top, *ro],
        rw=[home(), target, *rw],
        cwd=top / "host",
        env=variables,
    )


def fetch(toolchain: Toolchain) -> None:
    """Downloads the crates that the lock file beside Cargo.toml names, unless they are there."""
    with places.lock("cargo"):
        download(toolchain, ["fetch", "--locked", f"--target={TARGET}"], folder())


def vendor(toolchain: Toolchain, package: Path) -> Path:
    """A directory with the sources of the crates that a package's Cargo.toml names, and of those
    that they need, by `cargo vendor`."""
    text = (package / "Cargo.toml").read_text()

    def fill(part: Path) -> None:
        (part / "Cargo.toml").write_text(text)
        (part / "main.rs").touch()
        download(toolchain, ["vendor", "--quiet"], part, rw=[part])

    where = places.stage("cargo") / f"vendor-{places.key(text)}"
    return places.kept(where, "cargo", fill) / "vendor"


def download(
    toolchain: Toolchain, words: Sequence[str], package: Path, rw: Sequence[Path] = ()
) -> None:
    """Runs a command of cargo's that downloads crates, without network if they are there.

    Where there is no lock file, cargo chooses: of a crate that has newer versions for newer
    compilers only, it takes one that this rustc can compile.
    """
    if not toolchain.output(["cargo", "--version"]):
        raise Fail("this machine has no cargo; install it, or leave TOOLCHAIN unset")
    command = ["cargo", *words]
    ro, rw = [places.checkout()], [home(), *rw]
    env = {
        "CARGO_HOME": str(home()),
        "CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS": "fallback",
    }
    offline = toolchain.argv([*command, "--offline"], ro=ro, rw=rw, cwd=package, env=env)
    if subprocess.run(offline, capture_output=True, check=False).returncode == 0:
        return
    if toolchain.root is not None:
        if not CERTIFICATES.exists():
            raise Fail(
                f"this machine has no {CERTIFICATES}, by which cargo would know the crates'"
                " registry; install ca-certificates"
            )
        ro.append(CERTIFICATES)
        env["CARGO_HTTP_CAINFO"] = str(CERTIFICATES)
    online = toolchain.argv(command, ro=ro, rw=rw, cwd=package, env=env, network=True)
    log = places.logs() / f"cargo-{words[0]}.log"
    process.run_logged(online, log, "downloading the crates")
