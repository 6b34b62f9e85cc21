# SPDX-License-Identifier: GPL-2.0

"""What a distribution makes of a kernel, for the tests: its headers directory, its signatures."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from copies import said_by

from harness import cells
from harness import flavour as flavours
from harness import kernel as kernels
from harness import lean
from harness import places
from harness import source as sources
from harness import toolchain as toolchains
from harness.arch import ARCHES


def built_kernels() -> Iterator[kernels.Kernel]:
    """The kernels of the matrix that the cache has, other than UML's, which nobody packages."""
    toolchain = toolchains.provide()
    for cell in cells.CELLS:
        if cell.arch != "um" and not cell.toolchain and sources.is_here(cell.version):
            source = sources.provide(cell.version, None, toolchain)
            flavour = flavours.named(cell.flavour)
            made_of = lean.recipe(source, ARCHES[cell.arch], flavour, toolchain)
            if made_of.stamp.exists():
                yield lean.provide(made_of, toolchain, kernels.Needs())


def run(kernel: kernels.Kernel, command: list[str], rw: Sequence[Path]) -> None:
    """Runs a command that sees the kernel and has to go well."""
    assert kernel.source
    code, out = said_by(kernel.toolchain.argv(command, ro=[kernel.source, kernel.build], rw=rw))
    if code:
        raise AssertionError(out)


def headers(kernel: kernels.Kernel, to: Path) -> None:
    """Makes a headers directory of a kernel's build directory, as distributions package it.

    The kernel's own script does it, but for the Rust metadata, which it leaves out.
    """
    build = kernel.build
    assert kernel.source
    to.mkdir(parents=True)
    script = (
        f"cd '{build}' && srctree='{kernel.source}' SRCARCH={kernel.arch.srcarch} CC=clang"
        f" HOSTCC=clang MAKE=make LLVM=1 ARCH={kernel.arch.name}"
        f" sh '{kernel.source}/scripts/package/install-extmod-build' '{to}'"
    )
    run(kernel, ["sh", "-e", "-c", script], rw=[to])
    (to / "rust").mkdir(exist_ok=True)
    for pattern in ("*.rmeta", "*.so"):
        for file in (build / "rust").glob(pattern):
            shutil.copy2(file, to / "rust")


def ask_for_signatures(kernel: kernels.Kernel, tree: Path) -> None:
    """Has a headers directory ask for signed modules, and gives it what a distribution's has then.

    With CONFIG_MODULE_SIG_ALL=y the kernel's own modules_install signs as well, if it has its key.
    """
    with (tree / "include/config/auto.conf").open("a") as auto:
        auto.write(
            "CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_ALL=y\n"
            'CONFIG_MODULE_SIG_HASH="sha256"\nCONFIG_MODULE_SIG_KEY="certs/signing_key.pem"\n'
        )
    assert kernel.source
    program, source = tree / "scripts/sign-file", kernel.source / "scripts/sign-file.c"
    include = kernel.source / "tools/include/uapi"
    run(kernel, [*f"clang -I{include} -o {program} {source} -lcrypto".split()], rw=[tree])


def is_signed(kernel: kernels.Kernel, module: Path, certificate: Path) -> bool:
    """Whether openssl finds a module's signature to be of this certificate's key, and good.

    The signature is CMS, between the module and a trailer of 12 bytes, the last four of which are
    its length, and a magic text (include/linux/module_signature.h).
    """
    magic = b"~Module signature appended~\n"
    whole = module.read_bytes()
    if not whole.endswith(magic):
        return False
    body = whole[: -len(magic)]
    length = int.from_bytes(body[-4:], "big")
    with places.scratch("signature") as folder:
        signature, content = folder / "signature", folder / "content"
        signature.write_bytes(body[-12 - length : -12])
        content.write_bytes(body[: -12 - length])
        command = [
            *["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(signature)],
            *["-content", str(content), "-certfile", str(certificate), "-noverify"],
            *["-out", "/dev/null"],
        ]
        argv = kernel.toolchain.argv(command, ro=[Path(folder), certificate])
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def make_key(kernel: kernels.Kernel, tree: Path) -> None:
    """Gives a kernel's directory the key and certificate that its modules are signed with."""
    (tree / "certs").mkdir(exist_ok=True)
    new = "openssl req -new -x509 -nodes -newkey rsa:2048 -subj /CN=distribution -days 1"
    script = (
        f"cd '{tree}/certs' && {new} -keyout key -out certificate 2>/dev/null"
        " && cat key certificate >signing_key.pem"
        " && openssl x509 -in certificate -outform DER -out signing_key.x509"
    )
    run(kernel, ["sh", "-e", "-c", script], rw=[tree])
