# SPDX-License-Identifier: GPL-2.0

"""What the harness knows of modules: what their .ko files say of themselves (elf.py)."""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.messages import Fail
from harness.toolchain import Toolchain

READER = Path(__file__).with_name("elf.py")

# A parameter as a word of ARGS: with the module's name before it, or for all that have it.
PARAMETER = re.compile(r"(?:[\w-]+\.)?\w+(?:=[\w,.:/+-]+)?")

# What a module that runs its suites by itself has for KUnit's parameters (conformance/runner.rs).
KUNITS = "kunit."


@dataclass(frozen=True)
class Ko:
    """A module: its file and the SHA-256 of that, its name, the release of the kernel that it is
    for, the modules it needs, its parameters, the suites in it."""

    file: Path
    digest: str
    name: str
    release: str
    depends: tuple[str, ...]
    parameters: tuple[str, ...]
    suites: tuple[str, ...]

    @property
    def runs_its_suites(self) -> bool:
        """Whether it has what runs suites on a kernel without KUnit."""
        return any(name.startswith(KUNITS) for name in self.parameters)

    def as_json(self) -> dict[str, object]:
        """It as JSON has it, which is what elf.py prints."""
        return {**asdict(self), "file": str(self.file)}

    def is_unchanged(self) -> bool:
        """Whether the file is still what was read."""
        return self.file.is_file() and digest(self.file) == self.digest


def from_json(one: dict[str, Any]) -> Ko:
    """A module, as JSON has it."""
    lists = (tuple(one[name]) for name in ("depends", "parameters", "suites"))
    return Ko(Path(one["file"]), one["digest"], one["name"], one["release"], *lists)


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read(files: Sequence[Path], toolchain: Toolchain) -> list[Ko]:
    """What these files say."""
    if not files:
        return []
    argv = toolchain.argv(
        ["python3", "-B", str(READER), *map(str, files)],
        ro=[READER, *{file.parent for file in files}],
    )
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        mend = "; install the package python3-pyelftools" if "No module named" in why else ""
        raise Fail(f"the modules can't be read ({why}){mend}")
    found = [from_json(one) for one in json.loads(done.stdout)]
    names = [ko.name for ko in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Fail(f"two modules are called {min(twice)}; the kernel could load one of them only")
    return found


def canonical(name: str) -> str:
    """A module's name as the kernel compares it."""
    return name.replace("-", "_")


def in_order(wanted: Iterable[Ko], among: Sequence[Ko]) -> list[Ko]:
    """The wanted modules and what they need of the others, each after what it needs itself."""
    by_name = {canonical(ko.name): ko for ko in among}
    found: list[Ko] = []

    def add(ko: Ko) -> None:
        if ko in found:
            return
        for need in ko.depends:
            other = by_name.get(canonical(need))
            if other is None:
                raise Fail(
                    f"{ko.name} needs the module {need}, which is neither built here nor a module"
                    " of this kernel"
                )
            add(other)
        found.append(ko)

    for ko in wanted:
        add(ko)
    return found


def check_parameters(words: Sequence[str]) -> None:
    """Fails if a word can't be a parameter of any module."""
    for word in words:
        if not PARAMETER.fullmatch(word):
            raise Fail(
                f"ARGS: `{word}` is no parameter of a module; it is name=value, or"
                " module.name=value"
            )


def parameters(words: Sequence[str], modules: Sequence[Ko]) -> list[str]:
    """Words as `name=value` or `module.name=value`, as words of the kernel's command line."""
    check_parameters(words)
    found = []
    for word in words:
        qualified, equals, value = word.partition("=")
        module, _, name = qualified.rpartition(".")
        own = [
            ko
            for ko in modules
            if name in ko.parameters and (not module or canonical(module) == canonical(ko.name))
        ]
        if not own:
            have = [
                f"{ko.name}.{parameter}"
                for ko in modules
                for parameter in ko.parameters
                if not parameter.startswith(KUNITS)
            ]
            raise Fail(
                f"ARGS: no module has such a parameter: {word}; there "
                + (f"is {', '.join(have)}" if have else "are none at all")
            )
        found += [f"{ko.name}.{name}{equals}{value}" for ko in own]
    return found


def with_parameter(name: str, modules: Sequence[Ko]) -> list[Ko]:
    """The modules that have a parameter of this name."""
    return [ko for ko in modules if name in ko.parameters]
