# SPDX-License-Identifier: GPL-2.0

"""`M=dir`: the commands on modules that are not this project's, in real guests."""

import json
import os
import re
import shlex
import subprocess
import unittest
from pathlib import Path

from copies import CHECKOUT, FAULTS, said_by
from outside import FIXTURES, Outside, content, um_kernel

from harness import module

CASES = re.compile(r"^kunit: (\d+) passed, 0 failed(?:, (\d+) skipped)?$", re.MULTILINE)

# The fixtures with suites: the modules in the order in which they are loaded, and how many cases
# pass and are skipped.
SUITES = {
    "rust_out_of_tree": ("rust_out_of_tree", 2, 0),
    "c_suite": ("c_suite", 2, 1),
    "composite": ("composite", 1, 0),
    "pair": ("z_base, a_user", 1, 0),
    "two_suites": ("first, second", 2, 0),
}


class Fixtures(Outside):
    """Modules as people write them, with nothing changed in them."""

    def passes(
        self, folder: Path, modules: str, passed: int, skipped: int, arch: str = "um"
    ) -> None:
        """Both commands pass, and leave the directory as it was."""
        before = content(folder)
        out = self.make("demo", M=str(folder), ARCH=arch)
        self.assertIn(f"guest: insmod and rmmod of {modules}\n", out)
        self.assertIn("demo: insmod and rmmod went as they should", out)
        out = self.make("test", M=str(folder), ARCH=arch)
        found = CASES.search(out)
        self.assertIsNotNone(found, out)
        assert found
        self.assertEqual((int(found[1]), int(found[2] or 0)), (passed, skipped))
        self.assertEqual(content(folder), before)

    def test_all(self) -> None:
        for name, (modules, passed, skipped) in SUITES.items():
            with self.subTest(name):
                self.passes(FIXTURES / name, modules, passed, skipped)

    def test_blank_in_the_name(self) -> None:
        """Of the directory, by a path that is not absolute; under QEMU."""
        folder = self.copy("c_suite", "a module")
        self.passes(folder, "c_suite", 2, 1, "x86_64")

    def test_what_it_says(self) -> None:
        """The log of the guest has what the modules print, and nothing of the guest's own."""
        out = self.make("demo", M=str(FIXTURES / "pair"))
        shown = re.findall(r"^\[ *\d+\.\d+\] (.*)$", out, re.MULTILINE)
        self.assertEqual(
            shown,
            [
                "z_base: loading out-of-tree module taints kernel.",
                "z_base: starts at 10",
                "a_user: the number is 10",
                "z_base: ends at 11",
            ],
        )

    def test_parameters(self) -> None:
        """For whichever module has them, or for one by its name."""
        for words in ("start=20", "z-base.start=20", "z_base.start=20"):
            out = self.make("demo", M=str(FIXTURES / "pair"), ARGS=words)
            self.assertIn("z_base: starts at 20\n", out)
        for words, message in (
            ("begin=20", "no module has such a parameter: begin=20; there is z_base.start"),
            ("a_user.start=2", "no module has such a parameter: a_user.start=2"),
            ("'start=2 0'", "is no parameter of a module"),
        ):
            line = self.refused("demo", M=str(FIXTURES / "pair"), ARGS=words)
            self.assertIn(f"error: ARGS: {'' if 'start=2 0' in words else message}", line)

    def test_filter(self) -> None:
        """Only the modules with a suite that is asked for are loaded; the files have all of it."""
        folder = FIXTURES / "two_suites"
        out = self.make("kunit", M=str(folder), ARGS="'sec*'")
        self.assertIn("guest: kunit.py on second\n", out)
        self.assertIn(
            "no suite is called third; there are first, second",
            self.make("kunit", M=str(folder), ARGS="third", code=2),
        )
        report, junit = self.place / "report.json", self.place / "junit.xml"
        self.make("kunit", M=str(folder), ARGS=f"--json={report} --junit={junit}")
        whole = json.loads(report.read_text())
        self.assertEqual(whole["misc"]["passed"], 2)
        self.assertEqual(junit.read_text().count("<testcase "), 2)

    def test_matrix(self) -> None:
        """A cell, for modules of others."""
        out = self.make("matrix", M=str(FIXTURES / "c_suite"), KERNEL="7.3", AGAIN="1")
        self.assertRegex(out, r"\| 7\.3\.\d+ \| um +\| +\| 2 / 0 / 1, \d+ s +\|")


class Sources(Outside):
    """What is taken for the modules' sources."""

    def test_not_all_is(self) -> None:
        """Not what was built or is hidden, nor the harness as a submodule; links are followed."""
        folder = self.copy("c_suite", "sources")
        (folder / "target").mkdir()
        (folder / "target/core.c").touch()
        for name in (".git", "made"):
            (folder / name).mkdir()
            (folder / name / "x.c").touch()
        (folder / "made/CACHEDIR.TAG").touch()
        for name in ("c_suite.o", "c_suite.mod.c", ".c_suite.o.cmd", "Module.symvers"):
            (folder / name).touch()
        (folder / "rust_alloc_demo").symlink_to(CHECKOUT)
        (folder / "circle").symlink_to(folder)
        (folder / "nowhere").symlink_to("/no/such")
        (folder / "also.c").symlink_to(folder / "c_suite.c")
        self.assertEqual(
            set(module.sources(folder)), {"Makefile", "also.c", "c_suite.c", "target/core.c"}
        )


class Faults(Outside):
    """What must not pass."""

    def test_kmemleak(self) -> None:
        """Who leaked, where the kernel looks for that."""
        out = self.make(
            *("demo", f"M={CHECKOUT / FAULTS}", "ARGS=faults.leak=1"), ARCH="", DEBUG="1", code=2
        )
        self.assertRegex(out, r"error: the kernel complained: kmemleak: unreferenced object")
        self.assertRegex(out, r"error: the guest did not say `kmemleak found 0 blocks")

    def test_no_suite(self) -> None:
        """Nothing to test is not a pass."""
        line = self.refused("test", M=str(FIXTURES / "pair/base"))
        self.assertIn("has no module with KUnit suites", line)

    def test_no_module(self) -> None:
        folder = self.copy("c_suite", "empty")
        (folder / "Makefile").write_text("obj-m :=\n")
        self.assertIn("the build made no module", self.refused("demo", M=str(folder)))

    def test_two_of_a_name(self) -> None:
        folder = self.copy("two_suites", "twice")
        (folder / "second/Kbuild").write_text("obj-m := first.o\nfirst-y := second.o\n")
        self.assertIn("module name conflict", self.make("demo", M=str(folder), code=2))

    def test_missing_dependency(self) -> None:
        """A module that needs one which isn't built."""
        folder = self.copy("pair", "half")
        (folder / "Kbuild").write_text("obj-m += a-user.o\n")
        out = self.make("demo", M=str(folder), code=2)
        self.assertIn("z_base_number", out)

    def test_bad_directories(self) -> None:
        """One line, before anything is done."""
        empty = self.place / "nothing"
        empty.mkdir()
        self.assertIn("there is no such directory", self.refused("demo", M="/no/such"))
        self.assertIn("has no Kbuild and no Makefile", self.refused("test", M=str(empty)))
        for command in ("bench", "host-test", "new", "distclean"):
            line = self.refused(command, M=str(FIXTURES / "pair"), ARCH="")
            self.assertIn(f"make {command} does not take M=", line)
        self.assertIn("has no dkms.conf", self.refused_dkms())
        self.assertIn("has no soak", self.refused("soak", M=str(FIXTURES / "c_suite")))
        self.assertIn(
            "SEED=5: no module with suites has a parameter `seed`",
            self.refused("test", M=str(FIXTURES / "c_suite"), SEED="5"),
        )

    def refused_dkms(self) -> str:
        """What make dkms says of a directory without dkms.conf, where there is DKMS."""
        program = self.place / "bin/dkms"
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
        code, out = said_by(
            ["make", "-C", CHECKOUT, "dkms", f"M={FIXTURES / 'pair'}"],
            env={"PATH": f"{program.parent}:{os.environ['PATH']}"},
        )
        self.assertEqual(code, 2)
        return out


class Listed(Outside):
    """guest/cases: what must run."""

    def test_list(self) -> None:
        """It is written, holds, and a case that vanishes or is skipped is named."""
        folder = self.copy("c_suite")
        out = self.make("test", M=str(folder))
        self.assertIn("make test ACCEPT=1 writes it", out)
        self.make("test", M=str(folder), ACCEPT="1")
        text = (folder / "guest/cases").read_text()
        self.assertIn(
            "kernels: 7.3-um\n\nc suite\n    adds\n    allocates\n"
            "    is_for_another_machine  skipped: all\n",
            text,
        )
        self.assertIn("kunit: 2 passed, 0 failed, 1 skipped", self.make("test", M=str(folder)))

        source = folder / "c_suite.c"
        good = source.read_text()
        for old, new, message in (
            ("\tKUNIT_CASE(adds),\n", "", "suite c suite: 1 of 3 cases did not run: adds"),
            (
                "\tKUNIT_EXPECT_EQ(test, 4, 2 + 2);",
                '\tkunit_skip(test, "no time");',
                "case c suite.adds was skipped (no time), and by guest/cases it passes on 7.3-um",
            ),
            (
                "KUNIT_CASE(adds),",
                'KUNIT_CASE(adds),\n\t{ .run_case = adds, .name = "more" },',
                "suite c suite: more ran, but guest/cases doesn't list it",
            ),
            ('"c suite"', '"other"', "suite c suite did not run; guest/cases lists it"),
        ):
            self.assertEqual(good.count(old), 1, old)
            source.write_text(
                good.replace(old, new).replace(
                    "static void adds", "static void " "__maybe_unused adds"
                )
            )
            out = self.make("test", M=str(folder), code=2)
            self.assertIn(f"error: {message}", out)
        source.write_text(good)
        self.make("test", M=str(folder))

    def test_failed_run_is_not_accepted(self) -> None:
        folder = self.copy("c_suite", "failing")
        source = folder / "c_suite.c"
        source.write_text(source.read_text().replace("4, 2 + 2", "5, 2 + 2"))
        out = self.make("test", M=str(folder), ACCEPT="1", code=2)
        self.assertIn("error: nothing is accepted of a run that failed", out)
        self.assertFalse((folder / "guest/cases").exists())


class Commands(Outside):
    """The other commands."""

    def test_modules(self) -> None:
        """The modules come beside their sources, and nothing else does; clean takes them away."""
        folder = self.copy("pair", "built")
        before = content(folder)
        out = self.make("modules", M=str(folder))
        self.assertRegex(out, r"built a-user.ko for Linux 7\.3\.\d+\n")
        self.assertEqual(set(content(folder)) - set(before), {"a-user.ko", "base/z-base.ko"})
        self.make("clean", M=str(folder), ARCH="")
        self.assertEqual(content(folder), before)

    def test_vm(self) -> None:
        """The modules are in the guest, and the status of the commands is make's."""
        folder = str(FIXTURES / "pair")
        out = self.make(
            "vm", M=folder, stdin="insmod z-base.ko start=5 && rmmod z_base && dmesg | tail -n1\n"
        )
        self.assertIn("z_base: ends at 5", out)
        for commands in ("insmod /no_such.ko; false\n", "exit 3\n", "poweroff 1\n"):
            self.make("vm", M=folder, stdin=commands, code=2)
        self.make("vm", M=folder, stdin="poweroff\nfalse\n")

    def test_run(self) -> None:
        """Any tool of the toolchain, which sees the kernel and the modules."""
        folder = str(FIXTURES / "c_suite")
        out = self.make("run", M=folder, CMD="rustc --version; ls c_suite.c $$KDIR/Module.symvers")
        self.assertIn("rustc 1.85.1", out)
        self.assertIn("/Module.symvers\n", out)
        self.make("run", M=folder, CMD="exit 7", code=2)
        self.assertIn("CMD= is the command to run", self.refused("run", M=folder))

    def test_check_kdir(self) -> None:
        """It ends with the command line that builds, which does."""
        folder = self.copy("c_suite", "in place")
        folder = folder.rename(folder.with_name("in_place"))
        build = um_kernel()
        out = self.make("check-kdir", M=str(folder), KDIR=str(build), ARCH="")
        self.assertIn("can build modules in C\n", out)
        command = shlex.split(out.splitlines()[-1])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.assertTrue((folder / "c_suite.ko").exists())

    def test_kdir(self) -> None:
        """A kernel of one's own, whose architecture its tree says."""
        build = um_kernel()
        out = self.make("demo", M=str(FIXTURES / "pair"), KDIR=str(build), ARCH="")
        self.assertRegex(out, rf"kernel: Linux 7\.3\.\d+ in {re.escape(str(build))}\n")
        self.assertIn("demo: insmod and rmmod went as they should", out)

    def test_lint(self) -> None:
        """Of modules of others, only what is about modules is checked."""
        folder = self.copy("composite", "lint")
        out = self.make("lint", M=str(folder))
        self.assertIn("clippy, rustc, objtool, modpost: ok", out)
        self.assertNotIn("mypy", out)
        source = folder / "src/numbers.rs"
        source.write_text(source.read_text().replace("FIRST: u32", "FIRST : u32"))
        out = self.make("lint", M=str(folder), code=2)
        self.assertIn("rustfmt: FAILED", out)
        self.assertIn("--- src/numbers.rs\n", out)

    def test_rust_analyzer(self) -> None:
        """Its crates are those of the modules."""
        folder = self.copy("rust_out_of_tree", "editor")
        self.make("rust-analyzer", M=str(folder))
        project = json.loads((folder / "rust-project.json").read_text())
        roots = [
            crate["root_module"] for crate in project["crates"] if crate["is_workspace_member"]
        ]
        self.assertEqual(roots, [str(folder / "rust_out_of_tree.rs")])

    def test_install(self) -> None:
        """By the kernel's rules, in the folders that the modules have."""
        folder, root = self.copy("pair", "installed"), self.place / "root"
        before = content(folder)
        self.make("modules_install", M=str(folder), INSTALL_MOD_PATH=str(root))
        found = {str(file).split("/updates/")[1] for file in root.rglob("*.ko")}
        self.assertEqual(found, {"a-user.ko", "base/z-base.ko"})
        self.make("modules_uninstall", M=str(folder), INSTALL_MOD_PATH=str(root))
        self.assertFalse(content(root))
        self.assertEqual(content(folder), before)

    def test_gdb(self) -> None:
        """It stops at the init of a module without suites."""
        out = self.make("gdb", M=str(FIXTURES / "pair"), ARCH="", stdin="info symbol $pc\n")
        self.assertIn("gdb stops at z_base's init", out)
        self.assertIn("init_module in section .init.text of ", out)


if __name__ == "__main__":
    unittest.main()
