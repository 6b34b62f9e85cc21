# SPDX-License-Identifier: GPL-2.0

"""Tests of the kernel of DEBUG=1, in real guests: does it see what it is there to see?"""

import unittest

from copies import Harness

GUEST = "guest/guest-debug.sh"


class FaultsTest(Harness):
    """One real fault of each kind that the kernel is there to see, after suites that passed.

    A guest has several: each line that the kernel says is an error by itself, and KASAN says one.
    """

    # What KFENCE has taken for its pool, KASAN doesn't see.
    KASAN_ONLY = "kfence.sample_interval=0"

    def faults(self, *words: str) -> str:
        """A run in which the module of faults does these in turn."""
        args = " ".join(f"--kernel_args={word}" for word in words)
        out = self.run_faulty("kunit.py", code=1, args=args, ARCH="x86_64", DEBUG="1")
        self.assertIn("Ran 3 tests: passed: 3", out)
        return out

    def test_clean(self) -> None:
        """Without a fault all is well, and kmemleak was asked."""
        out = self.run_faulty("kunit.py", "test", code=0, ARCH="x86_64", DEBUG="1")
        self.assertIn("kmemleak found 0 blocks\n", out)

    def test_out_of_bounds(self) -> None:
        """A write past the end of a block."""
        out = self.faults("faults.out_of_bounds=1", self.KASAN_ONLY, "kmemleak=off")
        self.assertRegex(out, "error: the kernel complained: BUG: KASAN: .*out-of-bounds")

    def test_leak(self) -> None:
        """Blocks that nobody knows of any more; after a KASAN report kmemleak is off."""
        out = self.faults("faults.leak=1")
        self.assertIn("error: the kernel complained: kmemleak: unreferenced object", out)
        self.assertRegex(out, "error: the guest did not say `kmemleak found 0 blocks")
        self.assertRegex(out, r"error: \d{4} blocks more of the slab are in use")

    def test_sleep_use_after_free_and_exhaustion(self) -> None:
        """An allocation that may sleep, under a spinlock; a write to a block that was freed; a
        request that there was no memory for."""
        # The less memory there is, and the less is noted of each block, the sooner it is gone.
        small = ("mem=400M", "kmemleak=off")
        names = ("sleeps", "use_after_free", "exhaust")
        out = self.faults(*[f"faults.{name}=1" for name in names], self.KASAN_ONLY, *small)
        self.assertIn("error: the kernel complained: BUG: sleeping function called from", out)
        self.assertRegex(out, "error: the kernel complained: BUG: KASAN: .*use-after-free")
        self.assertRegex(out, "error: the kernel complained: .*page allocation failure")


class ProjectTest(Harness):
    """The project's own modules."""

    # A suite that is short, and passes.
    SUITE = "rust_alloc_limits"

    def test_demo_that_is_not_refused(self) -> None:
        """The guest must have made the demo's allocations fail."""
        self.change(GUEST, "echo N > ignore-gfp-wait\n\techo 0 > verbose", ":")
        # With a filter the demo's failures are left out.
        self.change(
            GUEST, "busybox grep -q 'kunit\\.filter' /proc/cmdline || fail_demo", "fail_demo"
        )
        out = self.run_script("kunit.py", "test", code=1, args=self.SUITE, DEBUG="1")
        self.assertIn("error: no line of the log matches `guest: note: demo: allocations", out)

    def test_soak(self) -> None:
        """What it came to is said; failures were injected, and all memory was given back."""
        out = self.run_script("soak.py", code=0, DURATION="3")
        self.assertRegex(
            out,
            r"soak: \d+ s on 2 CPUs: operations=[1-9]\d* failures=[1-9]\d* peak=[1-9]\d* live=0"
            r"\s",
        )

    def test_bad_duration(self) -> None:
        """What can't be done is said before anything is done."""
        out = self.run_script("soak.py", code=1, DURATION="long")
        self.assertIn("error: DURATION=long is not a number of seconds", out)


if __name__ == "__main__":
    unittest.main()
