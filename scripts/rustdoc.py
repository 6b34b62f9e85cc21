# SPDX-License-Identifier: GPL-2.0

"""`make rustdoc`: the modules' Rust documentation as HTML, with links into the kernel crate's own.

rustdoc gets each crate as the kernel's build has compiled it. All items are in, as a module has no
public ones; a link to what isn't there is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import command
from harness import messages
from harness import places
from harness import process
from harness import saved_command
from harness import stages
from harness import variables
from harness.kernel import Kernel, Needs
from harness.messages import Fail

STEPS = 4

# The options, with a word behind each, that say what is made and where; `--emit=` does so as well.
OF_THE_OBJECT = ("--crate-type", "--out-dir")

# Where the documentation of crates is that are not the modules' own.
ELSEWHERE = {
    "core": "https://doc.rust-lang.org/stable/",
    "kernel": "https://rust.docs.kernel.org/",
    "macros": "https://rust.docs.kernel.org/",
    "pin_init": "https://rust.docs.kernel.org/",
}

# Where the kernel's own `make rustdoc` has left it, in its build directory.
OWN = "Documentation/output/rust/rustdoc"

CHECKS = (
    *("-Drustdoc::broken_intra_doc_links", "-Drustdoc::invalid_html_tags"),
    "-Arustdoc::private_intra_doc_links",
)


@dataclass(frozen=True)
class Crate:
    """A crate that the build has compiled: its name, rustc's arguments, the environment."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


def crates(built: Path) -> Iterator[Crate]:
    """The crates that the build in a directory has compiled."""
    for made in sorted(built.rglob(".*.o.cmd")):
        words = saved_command.words_of(made)
        start = next((n for n, word in enumerate(words) if word.endswith("rustc")), None)
        # A library crate of Rust's own, as some modules bring, is named.
        if start is None or "--crate-name" in words:
            continue
        end = words.index(";") if ";" in words else len(words)
        env = dict(word.split("=", 1) for word in words[:start] if "=" in word)
        # Of a module it is the module's, as its .ko has it.
        name = Path(env.get("RUST_MODFILE") or made.name.removeprefix(".").split(".")[0]).name
        yield Crate(name.replace("-", "_"), words[start + 1 : end], env)


def argv(crate: Crate, to: Path, kernel: Kernel) -> list[str]:
    """The command that documents a crate."""
    kept, words = [], iter(crate.arguments)
    for word in words:
        if word in OF_THE_OBJECT:
            next(words)
        elif not word.startswith("--emit="):
            kept.append(word)
    own = kernel.build / OWN
    links = [
        f"--extern-html-root-url={name}={own.as_uri() if (own / name).is_dir() else url}"
        for name, url in ELSEWHERE.items()
    ]
    return [
        *["rustdoc", *kept, "-Zunstable-options", f"--crate-name={crate.name}"],
        *[f"--out-dir={to}", "--document-private-items", *CHECKS, *links],
    ]


def document(crate: Crate, kernel: Kernel, built: Path, to: Path) -> None:
    """Documents a crate."""
    messages.say(f"      {crate.name}")
    command_ = kernel.toolchain.argv(
        argv(crate, to, kernel),
        ro=[*kernel.trees(), built],
        rw=[to],
        cwd=built,
        # As the kernel's Makefile has it: its Rust takes what is not stable yet.
        env={"RUSTC_BOOTSTRAP": "1", **crate.environment},
    )
    log = places.logs() / f"rustdoc-{crate.name}.log"
    process.run_logged(command_, log, f"documenting {crate.name}")


def main() -> None:
    """Builds the modules, and documents them."""
    variables.takes("rustdoc", *variables.KERNEL, "M", "V")
    kernel, modules = stages.build(STEPS, Needs())
    messages.step(4, STEPS, "rustdoc")
    if kernel.toolchain.root is None and not kernel.toolchain.has("rustdoc"):
        raise Fail("this machine has no rustdoc; install it, or leave TOOLCHAIN unset")
    found = list(crates(modules.dir))
    if not found:
        raise Fail(f"{places.shown_module_dir()}: no module is in Rust")
    where = places.results("rustdoc")
    with places.lock(f"rustdoc-{where.name}"):
        for crate in found:
            document(crate, kernel, modules.dir, where)
    for crate in found:
        messages.say(f"{crate.name}: {where / crate.name / 'index.html'}")


if __name__ == "__main__":
    command.main(main)
