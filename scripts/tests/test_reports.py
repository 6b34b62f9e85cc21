# SPDX-License-Identifier: GPL-2.0

"""The reports of defects in stock kernels: each module shows what its page says on the kernels that
the page names, and is green where a kernel keeps the promise."""

import re
import unittest
from dataclasses import dataclass

from copies import CHECKOUT
from distribution import built_kernels
from outside import Outside

from harness import cells

REPORTS = CHECKOUT / "reports"
SECTIONS = ["Promise", "Kernels", "Steps", "Actual", "Expected", "Concerns", "Mending"]

# What has no module: the kernel itself doesn't build.
WITHOUT = {"powerpc_bug"}

# The kernels that are built for this if they aren't there.
ALWAYS = {cell.name for cell in cells.CELLS if cell.first and not cell.flavour}


@dataclass(frozen=True)
class Shown:
    """A report's module on a kernel: what is printed there; nothing if the promise is kept."""

    report: str
    kernel: str
    arch: str
    lines: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The kernel as lists of what must run have it."""
        return f"{self.kernel}-{self.arch}"

    @property
    def word(self) -> str:
        """What the page's table says of it."""
        return "broken" if self.lines else "kept"


MISALIGNED = ("a block lies 32 bytes past a multiple of 64",)
OVERRUN = (
    "# neighbour_survives: ASSERTION FAILED at krealloc_overrun.rs:66",
    "Expected lines.iter().all(|line| line.0 == [0; 8]) to be true, but is false",
)
WARNING = (" vrealloc_node_align_noprof+0x",)
NOT_ZEROED = ("byte 40 of 80 is 0xaa",)
OFFLINE = (
    "BUG: kernel NULL pointer dereference, address: 0000000000000e48",
    "RIP: 0010:__alloc_frozen_pages_noprof+0x",
    "# allocation_is_met_or_refused: try faulted",
)
NO_OWNER = (
    "rmmod went well with a file open",
    "BUG: unable to handle page fault for address: ",
    "RIP: 0010:full_proxy_release+0x",
)
ZERO_SIZE = (
    "# foreign_pointer_has_foreign_align: ASSERTION FAILED at zero_size_misaligned.rs:41",
    " __xa_store+0x",
    "Expected array.lock().store(0, marker, GFP_KERNEL).is_ok() to be true, but is false",
)
PRINTED = ("arm_print_u64: 9999\n", "PC is at __rust__adddf3+0x0/0x4")
DIVIDED = ("ERROR: modpost: arm_divide_u64.ko: symbol '__aeabi_uldivmod' undefined!",)

SHOWN = (
    Shown("krealloc_misaligned", "6.12", "x86_64", MISALIGNED),
    Shown("krealloc_misaligned", "7.3", "x86_64"),
    Shown("krealloc_overrun", "6.18", "x86_64", OVERRUN),
    Shown("krealloc_overrun", "7.3", "x86_64"),
    Shown("vrealloc_warning", "6.18", "x86_64", WARNING),
    Shown("vrealloc_warning", "7.3", "x86_64", WARNING),
    Shown("grown_not_zeroed", "6.12", "x86_64", NOT_ZEROED),
    Shown("grown_not_zeroed", "6.18", "x86_64", NOT_ZEROED),
    Shown("grown_not_zeroed", "7.3", "x86_64", NOT_ZEROED),
    Shown("offline_node", "6.18", "x86_64", OFFLINE),
    Shown("offline_node", "7.3", "um"),
    Shown("offline_node", "7.3", "x86_64", OFFLINE),
    Shown("debugfs_no_owner", "6.18", "x86_64", NO_OWNER),
    Shown("debugfs_no_owner", "7.3", "x86_64", NO_OWNER),
    Shown("zero_size_misaligned", "6.18", "x86_64", ZERO_SIZE),
    Shown("zero_size_misaligned", "7.3", "x86_64", ZERO_SIZE),
    Shown("arm_print_u64", "7.3", "arm", PRINTED),
    Shown("arm_print_u64", "7.3", "um"),
    Shown("arm_divide_u64", "7.3", "arm", DIVIDED),
    Shown("arm_divide_u64", "7.3", "um"),
)


def names() -> set[str]:
    """The reports."""
    return {folder.name for folder in REPORTS.iterdir() if folder.is_dir()}


def page(name: str) -> str:
    """A report's page."""
    return (REPORTS / name / "README.md").read_text()


def table(text: str) -> list[list[str]]:
    """The cells of the rows of a page's table, without its head."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


class Modules(Outside):
    """The modules, in guests."""

    def test_shown(self) -> None:
        """What each prints, and that it is red or green."""
        here = ALWAYS | {kernel.name for kernel in built_kernels()}
        for shown in SHOWN:
            with self.subTest(report=shown.report, kernel=shown.name):
                if shown.name not in here:
                    self.skipTest(f"there is no {shown.name} in the cache")
                out = self.make(
                    "test",
                    code=2 if shown.lines else 0,
                    M=str(REPORTS / shown.report),
                    KERNEL=shown.kernel,
                    ARCH=shown.arch,
                )
                for line in shown.lines:
                    self.assertIn(line, out)
                if not shown.lines:
                    self.assertRegex(out, r"kunit: [12] passed, 0 failed\n")


class Pages(unittest.TestCase):
    """The pages."""

    def test_sections(self) -> None:
        """Each is a report: a subject with the subsystem before it, and all sections."""
        for name in names():
            with self.subTest(report=name):
                text = page(name)
                self.assertEqual(re.findall(r"^## (.*)$", text, re.MULTILINE), SECTIONS)
                self.assertRegex(text, r"(?m)^# (rust: \w+|mm/\w+): .*[^.]$")
                self.assertIn("MAINTAINERS: ", " ".join(text.split()))
                self.assertNotRegex(text, r"\S@\S")

    def test_says_what_is_shown(self) -> None:
        """The page has the lines that are printed, and the kernels that were measured."""
        self.assertEqual({shown.report for shown in SHOWN} | WITHOUT, names())
        for shown in SHOWN:
            with self.subTest(report=shown.report, kernel=shown.name):
                text = page(shown.report)
                for line in shown.lines:
                    self.assertIn(line.strip(), text)
                said = [
                    row[2].split(":")[0]
                    for row in table(text)
                    if row[0].startswith(f"{shown.kernel}.") and shown.arch in row[1].split(", ")
                ]
                self.assertEqual(said, [shown.word])

    def test_steps(self) -> None:
        """The command that the page gives is that of a kernel that breaks the promise."""
        for name in names() - WITHOUT:
            with self.subTest(report=name):
                found = re.search(
                    rf"make test M=reports/{name} KERNEL=(\S+)(?: ARCH=(\S+))?\n", page(name)
                )
                assert found
                kernel = (found[1], found[2] or "x86_64")
                broken = [
                    (one.kernel, one.arch) for one in SHOWN if one.report == name and one.lines
                ]
                self.assertIn(kernel, broken)

    def test_listed(self) -> None:
        """Each is in the table of all, with what its own table has."""
        listed = {}
        for first, *rest in table((REPORTS / "README.md").read_text()):
            found = re.fullmatch(r"\[(\w+)\]\(\1/README\.md\)", first)
            assert found, first
            listed[found[1]] = [set(filter(None, cell.split(", "))) for cell in rest[:3]]
        self.assertEqual(set(listed), names())
        for name, (broken, kept, arches) in listed.items():
            with self.subTest(report=name):
                rows = [(*row[:2], row[2].split(":")[0]) for row in table(page(name))]
                self.assertEqual(broken, {row[0] for row in rows if row[2] == "broken"})
                self.assertEqual(kept, {row[0] for row in rows if row[2] == "kept"} - broken)
                where = [row[1].split(", ") for row in rows if row[2] == "broken"]
                self.assertEqual(arches, {arch for some in where for arch in some})


if __name__ == "__main__":
    unittest.main()
