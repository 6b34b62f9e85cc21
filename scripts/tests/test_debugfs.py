# SPDX-License-Identifier: GPL-2.0

"""The module in a running system: its files in debugfs, and the kernel's tracepoints."""

import os
import re
import unittest
from unittest import mock

from copies import Harness
from pages import documented

from harness import module
from harness import places
from harness import selection
from harness import settings
from harness import stages
from harness import verdict
from harness.guest import Content
from harness.kernel import Needs

FILES = "/sys/kernel/debug/rust_alloc_demo"
LOAD = "insmod rust_alloc_demo.ko max_align=64 live=2\n"
UNLOAD = "rmmod rust_alloc_demo\n"

# The console may still be at work on the kernel's log, which would tear what is printed then.
QUIET = "sleep 1\n"

DEADLINE = 120


def tables(console: str) -> list[list[str]]:
    """The tables of the walk that were read, which have no time before their lines."""
    found = re.findall(r"(?m)^walk: \d+ objects.*\n(?:.*\n)*?walk: layouts=.*$", console)
    return [table.splitlines() for table in found]


class Running(Harness):
    """The module, loaded in a guest."""

    def session(self, commands: str, **variables: str) -> str:
        """What the console says of commands; the kernel must not complain.

        That the last of them went well is not asked: some are refused on purpose. What they say of
        that is shown at the end, as the kernel's log would tear it.
        """
        whole = f"exec 2> /errors\n{commands}{QUIET}cat /errors\n"
        out = self.run_script("vm.py", code=0, stdin=whole, **variables)
        self.assertEqual(verdict.guest_faults(out), [])
        return out

    def test_account(self) -> None:
        """What is held while the module is loaded, what there was, and what was refused."""
        refused = "insmod rust_alloc_demo.ko max_align=4194304\n"
        read = f"{QUIET}cat {FILES}/account\n"
        out = self.session(f"{LOAD}{read}{UNLOAD}{refused}{read}")
        before, after = (
            {name: int(value) for name, value in re.findall(r"^(\w+) (\d+)$", part, re.MULTILINE)}
            for part in out.split("exit: ", 1)
        )
        held = re.search(r"init: holding (\d+) blocks of (\d+) bytes", out)
        assert held
        self.assertEqual((before["live"], before["bytes"]), (int(held[1]), int(held[2])))
        self.assertEqual(before["allocated"] - before["freed"], before["live"])
        self.assertEqual(before["failed"], 0)
        self.assertGreaterEqual(before["peak_bytes"], before["bytes"])
        # What the walk's own table says of its largest alignment.
        self.assertGreater(after["failed"], 0)
        self.assertGreater(after["peak_bytes"], 4194304)

    def test_cache(self) -> None:
        """The cache is the kernel's as well, while the module is there."""
        slab = "/sys/kernel/slab/rust_alloc_demo_entry"
        out = self.session(
            f"{LOAD}{QUIET}cat {FILES}/cache\n"
            f'for name in object_size align objects; do echo "$name $(cat {slab}/$name)"; done\n'
            f"{UNLOAD}ls {slab}\n"
        )
        self.assertIn("name rust_alloc_demo_entry\n", out)
        for name, value in (("size_bytes", 72), ("align_bytes", 8), ("live", 5)):
            self.assertRegex(out, rf"(?m)^{name} {value}$")
        self.assertRegex(out, r"(?m)^object_size 72$")
        self.assertRegex(out, r"(?m)^align 8$")
        self.assertRegex(out, r"(?m)^objects [1-9]\d*( |$)")
        self.assertIn(f"ls: {slab}: No such file or directory", out)

    def test_walk(self) -> None:
        """The table is that of the log; writing runs the walk again, with more of everything."""
        out = self.session(
            f"{LOAD}{QUIET}cat {FILES}/walk\ngrep allocated {FILES}/account\n"
            f"echo 1 > {FILES}/walk\n{QUIET}grep allocated {FILES}/account\n"
            f"cat {FILES}/walk\n{UNLOAD}"
        )
        first, again = tables(out)
        self.assertEqual(first, again)
        self.assertEqual(len(first), 3 + 7)
        logged = re.findall(
            r"rust_alloc_demo: (walk: \d+.*|  .*|walk: layouts=.*)$", out, re.MULTILINE
        )
        self.assertEqual(logged, [*first, *first])
        ever = [int(number) for number in re.findall(r"^allocated (\d+)$", out, re.MULTILINE)]
        self.assertEqual(len(ever), 2)
        self.assertGreater(ever[1], ever[0])

    def test_bad_input(self) -> None:
        """An errno for each, and nothing is run."""
        write = "".join(f"echo '{text}' > {FILES}/walk\n" for text in ("0", "", "go"))
        out = self.session(f"{LOAD}{write}{UNLOAD}")
        self.assertEqual(out.count("sh: write error: Invalid argument"), 3)
        self.assertEqual(out.count("rust_alloc_demo: walk: layouts="), 1)

    def test_busy(self) -> None:
        """One walk at a time."""
        walks = f"for n in 1 2 3; do echo 1 > {FILES}/walk; done"
        out = self.session(f"insmod rust_alloc_demo.ko\n{walks} &\n{walks}\nwait\n{UNLOAD}")
        self.assertIn("sh: write error: Device or resource busy", out)

    def test_open_file(self) -> None:
        """The module does not go while one of its files is open, nor leaves files behind."""
        for name in ("account", "cache", "walk"):
            out = self.session(
                f"{LOAD}exec 5< {FILES}/{name}\n{UNLOAD}"
                f"head -n 1 <&5\nexec 5<&-\n{UNLOAD}ls {FILES}\n"
            )
            self.assertIn("can't unload module 'rust_alloc_demo': Resource temporarily", out)
            self.assertRegex(out, r"(?m)^(live 9|name rust_\w+|walk: 2 objects live.*)$")
            self.assertIn(f"ls: {FILES}: No such file or directory", out)

    def test_under_load(self) -> None:
        """All files are read on all CPUs while walks run, on the kernel that looks for trouble."""
        read = (
            f"(while [ -e {FILES} ]; do cat {FILES}/account {FILES}/walk; done >/dev/null 2>&1) &\n"
        )
        # Who reads the table keeps a walk from beginning, which is EBUSY.
        once = f"until echo 1 > {FILES}/walk; do :; done"
        again = f"for n in 1 2 3; do {once}; done 2>/dev/null\n"
        # A file is open most of the time, and the module goes when none is.
        unload = "until rmmod rust_alloc_demo 2>/dev/null; do :; done\nwait\n"
        out = self.session(f"{LOAD}{read * 3}{again}{unload}", DEBUG="1")
        self.assertEqual(out.count("rust_alloc_demo: walk: layouts=42"), 4)
        self.assertIn("rust_alloc_demo: exit: live=0 bytes=0", out)

    def test_tracing(self) -> None:
        """The lines of the documentation show the allocator's calls, by name."""
        trace = documented("events/kmem/kmalloc/enable")
        mount = "mount -t tracefs tracefs /sys/kernel/tracing\n"
        out = self.session(f"{LOAD}{mount}{trace}{UNLOAD}", DEBUG="1")
        for event in ("kmalloc", "kfree"):
            self.assertRegex(
                out, rf"(?m): {event}: call_site=_R.*rust_alloc_demo.*\[rust_alloc_demo\]"
            )
        self.assertRegex(
            out, r"(?m): kmalloc: .* bytes_req=\d+ bytes_alloc=\d+ gfp_flags=GFP_KERNEL"
        )


class Missing(Harness):
    """Where there are no files, the module works and says so once."""

    def demo(self, *args: str, version: str = "7.3") -> str:
        """What the console says of a demo on a kernel with more words on its command line."""
        with mock.patch.dict(os.environ, KERNEL=version, M=str(self.copy)):
            kernel = selection.select(1, 2, Needs(image=True))
            rules = settings.messages("demo", kernel.selectors)
            log = places.logs() / "debugfs-console.log"
            [ko] = module.build(kernel).plain()
            console = stages.run("debugfs", kernel, Content(load=[ko]), log, DEADLINE, args=args)
        self.assertEqual(verdict.guest_faults(console), [])
        self.assertEqual(verdict.message_faults(console, rules), [])
        return console

    def test_oldest(self) -> None:
        """The kernel crate of Linux 6.12 has no debugfs."""
        missing = "debugfs: no directory rust_alloc_demo: this kernel has no debugfs for Rust"
        self.assertEqual(self.demo(version="6.12").count(missing), 1)

    def test_turned_off(self) -> None:
        """debugfs is there, and was turned off at boot."""
        missing = r"debugfs: no directory rust_alloc_demo: (EPERM|Error\(1\))\n"
        self.assertEqual(len(re.findall(missing, self.demo("debugfs=off"))), 1)


if __name__ == "__main__":
    unittest.main()
