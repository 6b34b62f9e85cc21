# SPDX-License-Identifier: GPL-2.0

"""`make host-test`: what a real slab may hide by luck turns red here."""

import tomllib
import unittest

from copies import Harness


class HostTest(Harness):
    """The allocator in user land, broken."""

    def broken(self, name: str, old: str, new: str) -> str:
        """What is said of a broken allocator."""
        self.change(name, old, new)
        return self.run_script("host_test.py", code=1)

    def test_padding(self) -> None:
        """The size is not padded: the alignment is not what is promised, on any kernel."""
        out = self.broken("allocator/layout.rs", "layout.pad_to_align().size()", "layout.size()")
        self.assertIn("test properties::fresh_blocks_are_aligned ... FAILED", out)
        self.assertRegex(out, "error: the tests of krealloc(, no short cuts)? failed")

    def test_program(self) -> None:
        """A program is given memory of somebody else's."""
        out = self.broken(
            "host/tests/global.rs",
            "GLOBAL: KernelAllocator = KernelAllocator",
            "GLOBAL: std::alloc::System = std::alloc::System",
        )
        self.assertIn("test memory_is_the_slabs ... FAILED", out)

    def test_locked(self) -> None:
        """The crates are those of the lock file, which nothing changes or removes."""
        lock = self.copy / "host/Cargo.lock"
        text = lock.read_text()
        out = self.broken(
            "host/Cargo.toml", 'proptest = { version = "=1.8.0"', 'proptest = { version = "=1.7.0"'
        )
        self.assertIn("lock file", out)
        self.assertIn("error: downloading the crates failed", out)
        self.run_script("clean.py", code=0)
        self.assertEqual(lock.read_text(), text)
        sources = {one.get("source") for one in tomllib.loads(text)["package"]} - {None}
        self.assertEqual(sources, {"registry+https://github.com/rust-lang/crates.io-index"})

    def test_bad_seed(self) -> None:
        """What can't be done is said before anything is done."""
        out = self.run_script("host_test.py", code=1, SEED="first")
        self.assertEqual(
            out, "error: SEED=first is not a seed; it is the number that a random case has logged\n"
        )


if __name__ == "__main__":
    unittest.main()
