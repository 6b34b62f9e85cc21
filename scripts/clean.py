# SPDX-License-Identifier: GPL-2.0

"""`make clean` and `make distclean`: removes what was built of these modules, in the cache too; and
with `cache` the whole of that."""

import sys
from pathlib import Path

from harness import command
from harness import messages
from harness import module
from harness import places
from harness import variables

# What the kernel's build leaves where it is run by hand, as M=$PWD; and the file for an editor.
BUILT = (
    "*.o",
    "*.ko",
    "*.mod",
    "*.mod.c",
    "*.cmd",
    ".*.cmd",
    ".*.o",
    "*.d",
    "*.symvers",
    "modules.order",
    "Module.symvers",
    "rust-project.json",
)


def built(top: Path) -> list[Path]:
    """The built files below a directory, but for what is hidden there."""
    folders = [top]
    for folder in folders:
        folders += [
            path
            for path in folder.iterdir()
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
        ]
    return sorted(
        {file for folder in folders for pattern in BUILT for file in folder.glob(pattern)}
    )


def main() -> None:
    """Removes the files and says how much it was."""
    whole = sys.argv[1:] == ["cache"]
    variables.takes("distclean" if whole else "clean", *(() if whole else ("M",)))
    for file in built(places.module_dir()):
        file.unlink()
    places.remove(module.built_of(places.module_dir()))
    if whole:
        # Nothing else there is removed: it may be a directory of the user's.
        cache = places.cache()
        size = sum(
            file.lstat().st_size
            for name in places.STAGES
            for file in places.stage(name).rglob("*")
            if not file.is_dir()
        )
        messages.say(f"removing {size / (1 << 30):.1f} GB in {cache}")
        for name in places.STAGES:
            places.remove(places.stage(name))
        if not any(cache.iterdir()):
            cache.rmdir()


if __name__ == "__main__":
    command.main(main)
