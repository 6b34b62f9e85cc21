# SPDX-License-Identifier: GPL-2.0

"""`make host-test`: what a real slab may hide by luck turns red here."""

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
        self.assertIn("error: the tests of krealloc failed", out)

    def test_program(self) -> None:
        """A program is given memory of somebody else's."""
        out = self.broken(
            "host/tests/global.rs",
            "GLOBAL: KernelAllocator = KernelAllocator",
            "GLOBAL: std::alloc::System = std::alloc::System",
        )
        self.assertIn("test memory_is_the_slabs ... FAILED", out)

    def test_bad_seed(self) -> None:
        """What can't be done is said before anything is done."""
        out = self.run_script("host_test.py", code=1, SEED="first")
        self.assertEqual(
            out, "error: SEED=first is not a seed; it is the number that a random case has logged\n"
        )


if __name__ == "__main__":
    unittest.main()
