# SPDX-License-Identifier: GPL-2.0

"""Signatures of modules, for kernels that load no others; made as the kernel's own build does."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness import places
from harness.kernel import Kernel
from harness.messages import Fail

PROGRAM = "scripts/sign-file"
CERTIFICATE = "certs/signing_key.x509"

# How the name of a key in a token begins.
TOKEN = "pkcs11:"


def enforced(config: Mapping[str, str]) -> bool:
    """Whether a kernel of this configuration loads signed modules only."""
    return "MODULE_SIG_FORCE" in config


def key(config: Mapping[str, str], build: Path) -> str:
    """Where the private key is to be: in a file, or a token (scripts/Makefile.modinst, sig-key)."""
    name = config.get("MODULE_SIG_KEY", "").strip('"')
    return name if name.startswith(TOKEN) else str(build / name)


def missing(config: Mapping[str, str], build: Path) -> list[str]:
    """What is not there of what a build directory's kernel signs modules with."""
    files = [key(config, build), str(build / CERTIFICATE), str(build / PROGRAM)]
    return [file for file in files if not file.startswith(TOKEN) and not Path(file).is_file()]


def content(kernel: Kernel, module: Path) -> bytes:
    """A module's file as the kernel takes it: signed if it must be."""
    if not enforced(kernel.config):
        return module.read_bytes()
    private, certificate = key(kernel.config, kernel.build), kernel.build / CERTIFICATE
    algorithm = kernel.config["MODULE_SIG_HASH"].strip('"')
    with places.scratch("signing") as folder:
        signed = folder / module.name
        words = [str(kernel.build / PROGRAM), algorithm, private, str(certificate)]
        argv = kernel.toolchain.argv(
            [*words, str(module), str(signed)],
            ro=[*kernel.trees(), module, *([] if private.startswith(TOKEN) else [Path(private)])],
            rw=[folder],
        )
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Fail(f"{module.name} can't be signed: {done.stderr.strip().splitlines()[-1]}")
        return signed.read_bytes()
