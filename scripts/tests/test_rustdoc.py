# SPDX-License-Identifier: GPL-2.0

"""Tests of `make rustdoc`, on a small module of one's own and on what is in C."""

import tempfile
import unittest
from pathlib import Path

from copies import Harness

MODULE = """\
// SPDX-License-Identifier: GPL-2.0

//! Says hello, by [`say`].

use kernel::prelude::*;

module! {
    type: Hello,
    name: "hello",
    authors: ["Nobody"],
    description: "Hello",
    license: "GPL",
}

struct Hello(KVec<u8>);

/// Says it, to who owns a [`KVec`].
fn say() {
    pr_info!("hello\\n");
}

impl kernel::Module for Hello {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        say();
        Ok(Self(KVec::new()))
    }
}
"""


class Rustdoc(Harness):
    """What is documented of a module, and what is refused."""

    def run_on(self, code: int, text: str) -> str:
        """What the command says of a module."""
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            (top / "Kbuild").write_text("obj-m := hello.o\n")
            (top / "hello.rs").write_text(text)
            return self.run_script("rustdoc.py", code=code, M=folder, ARCH="um")

    def test_made(self) -> None:
        """All items are in, with links among them, and into the kernel crate's documentation."""
        out = self.run_on(0, MODULE)
        index = Path(out.splitlines()[-1].removeprefix("hello: "))
        self.assertIn("Says hello", index.read_text())
        say = (index.parent / "fn.say.html").read_text()
        self.assertRegex(say, r'href="https://rust\.docs\.kernel\.org/kernel/alloc/kvec/type\.KVec')

    def test_broken_link(self) -> None:
        """A link to what isn't there is an error."""
        out = self.run_on(1, MODULE.replace("by [`say`]", "by [`shout`]"))
        self.assert_all(out, "unresolved link to `shout`", "error: documenting hello failed")

    def test_no_rust(self) -> None:
        """A module in C has nothing to document."""
        out = self.run_faulty("rustdoc.py", code=1)
        self.assertIn("no module is in Rust", out)


if __name__ == "__main__":
    unittest.main()
