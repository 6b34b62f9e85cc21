# SPDX-License-Identifier: GPL-2.0

"""A module of somebody else's with this project's allocator, by the lines of the documentation.

It has one file and one Kbuild, as out-of-tree Rust modules begin, and is built in seconds.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from copies import CHECKOUT
from pages import documented

# What they leave to the reader: a module, which says where its blocks came to lie.
BEFORE = """// SPDX-License-Identifier: GPL-2.0

//! A module that has an allocator of its own.

use kernel::prelude::*;

"""
AFTER = """
module! {
    type: MyModule,
    name: "my_module",
    license: "GPL",
}

struct MyModule;

impl kernel::Module for MyModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        INIT
        Ok(Self)
    }
}
"""
SAYS = (
    "let off = core::ptr::from_ref(&*line) as usize % 64;",
    'pr_info!("a line is {} bytes off its place; lines={}\\n", off, lines.len());',
    "let _ = (&line.0, &lines[0].0);",
)

# The same with the alloc crate.
ALLOC_KBUILD = "alloc-crate := fallible"
ALLOC_SAYS = ('pr_info!("squares: {} {}\\n", squares.len(), *squares[0]);',)


def make_module(to: Path, kbuild: str | None = None) -> None:
    """Makes the module in a directory; `kbuild` takes the place of what tells of the slab."""
    if kbuild is None:
        kbuild = documented("include $(src)/allocator/slab_api.mk")
    write_module(to, kbuild, documented("use allocator::KernelAllocator;"), SAYS)


def make_alloc_module(
    to: Path, kbuild: str | None = None, lines: str = "", says: Sequence[str] = ()
) -> None:
    """Makes one with the alloc crate; all but the directory takes the place of what the
    documentation has."""
    if kbuild is None:
        kbuild = documented(ALLOC_KBUILD)
    if lines:
        write_module(to, kbuild, lines, says)
    else:
        write_module(to, kbuild, documented("extern crate alloc;"), ALLOC_SAYS)


def write_module(to: Path, kbuild: str, lines: str, says: Sequence[str]) -> None:
    """Writes the module of these lines, those that are no items in its init, and what it says."""
    shutil.copytree(CHECKOUT / "allocator", to / "allocator")
    (to / "Kbuild").write_text("obj-m += my_module.o\n" + kbuild)
    init = [line for line in lines.splitlines() if re.match(r"let |\w+\.", line)]
    assert init
    items = [line for line in lines.splitlines() if line not in init]
    init += says
    source = ["mod allocator;", *items, AFTER.replace("INIT", "\n        ".join(init))]
    (to / "my_module.rs").write_text(BEFORE + "\n".join(source))
