# SPDX-License-Identifier: GPL-2.0

"""A module of somebody else's with this project's allocator, by the lines of the documentation.

It has one file and one Kbuild, as out-of-tree Rust modules begin, and is built in seconds.
"""

import re
import shutil
from pathlib import Path

from copies import CHECKOUT, documented

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
        let off = core::ptr::from_ref(&*line) as usize % 64;
        pr_info!("a line is {} bytes off its place; lines={}\\n", off, lines.len());
        let _ = (&line.0, &lines[0].0);
        Ok(Self)
    }
}
"""


def make_module(to: Path, kbuild: str | None = None) -> None:
    """Makes the module in a directory; `kbuild` takes the place of what tells of the slab."""
    shutil.copytree(CHECKOUT / "allocator", to / "allocator")
    if kbuild is None:
        kbuild = documented("include $(src)/allocator/slab_api.mk")
    (to / "Kbuild").write_text("obj-m += my_module.o\n" + kbuild)
    lines = documented("use allocator::KernelAllocator;").splitlines()
    init = [line for line in lines if re.match(r"let |lines\.", line)]
    assert init
    items = [line for line in lines if line not in init]
    source = ["mod allocator;", *items, AFTER.replace("INIT", "\n        ".join(init))]
    (to / "my_module.rs").write_text(BEFORE + "\n".join(source))
