# SPDX-License-Identifier: GPL-2.0

"""The cache: where it is, what is said where it can't be, what it keeps, and that it is good at
another path."""

import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from copies import CHECKOUT, said_by
from outside import Outside, um_kernel

from harness import places
from harness.messages import Fail

# What says where the cache is, in a process of its own.
SAYS = "from harness import command, places; command.main(lambda: print(places.cache()))"

# The way out that each refusal names.
WAY_OUT = "; set RUST_ALLOC_DEMO_CACHE to a directory elsewhere\n"


def python(script: str, *before: str, **variables: str) -> tuple[int, str]:
    """Runs a script with the harness at hand; what is empty is set to that."""
    env = {"RUST_ALLOC_DEMO_CACHE": "", "PYTHONPATH": str(CHECKOUT / "scripts"), **variables}
    return said_by([*before, sys.executable, "-B", "-c", script], env=env)


class Place(unittest.TestCase):
    """Which directory it is."""

    def setUp(self) -> None:
        """Each test has a home of its own."""
        self.folder = self.enterContext(places.scratch("cache"))
        self.home = str(self.folder)

    def test_relative(self) -> None:
        """A relative XDG_CACHE_HOME is ignored, as its specification has it, and that is said."""
        code, said = python(SAYS, HOME=self.home, XDG_CACHE_HOME="relative")
        self.assertEqual(code, 0, said)
        notice = "notice: XDG_CACHE_HOME=relative is not an absolute path, and is ignored therefore"
        self.assertEqual(said, f"{notice}\n{self.home}/.cache/rust_alloc_demo\n")
        self.assertFalse(Path("relative").exists())

    def test_named(self) -> None:
        """Each variable that names it, by rank."""
        one, two = f"{self.home}/one", f"{self.home}/two"
        said = python(SAYS, HOME=self.home, XDG_CACHE_HOME=one, RUST_ALLOC_DEMO_CACHE=two)
        self.assertEqual(said, (0, f"{two}\n"))
        self.assertEqual(python(SAYS, XDG_CACHE_HOME=one), (0, f"{one}/rust_alloc_demo\n"))

    def test_no_home(self) -> None:
        """Without HOME it is that of the password database; without any, or in /, there is none."""
        stranger = ("bwrap", "--unshare-user", "--uid", "54321", "--dev-bind", "/", "/")
        for before, home, known in ((stranger, "", "unknown"), ((), "/", "/"), ((), ".", ".")):
            code, said = python(SAYS, *before, HOME=home, XDG_CACHE_HOME="")
            self.assertEqual(code, 1, said)
            error = f"error: this user's home directory is {known}, where no cache belongs"
            self.assertEqual(said, f"{error}{WAY_OUT}")
        script = "from harness import places; print(places.named_cache())"
        code, said = python(script, HOME="", XDG_CACHE_HOME="")
        home = os.path.expanduser(f"~{os.environ.get('USER') or 'root'}")
        self.assertEqual((code, said), (0, f"{home}/.cache/rust_alloc_demo\n"))

    def test_not_writable(self) -> None:
        """Where nothing can be written, in one line."""
        (self.folder / "file").touch()
        for path in ("/proc/none", "/proc", f"{self.home}/file", f"{self.home}/file/below"):
            code, said = python(SAYS, RUST_ALLOC_DEMO_CACHE=path)
            self.assertEqual(code, 1, said)
            self.assertRegex(
                said, f"^error: the cache directory {path} can't be written to \\(.*\\){WAY_OUT}$"
            )


class Full(unittest.TestCase):
    """A full disk is named."""

    FILL = (
        "from pathlib import Path; from harness import command, process\n"
        "fill = ['dd', 'if=/dev/zero', 'of={0}/file']\n"
        "command.main(lambda: process.run_logged(fill, Path('{0}.log'), 'filling it'))\n"
    )

    def fill(self, full: Path, **variables: str) -> str:
        """What is said where a command fills a file system of a few MiB."""
        full.mkdir()
        small = ["--size", str(8 << 20), "--tmpfs", str(full)]
        script = self.FILL.format(full)
        code, said = python(script, "bwrap", "--dev-bind", "/", "/", *small, **variables)
        self.assertEqual(code, 1)
        lines = [line for line in said.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(lines), 1, said)
        return lines[0]

    def test_cache(self) -> None:
        """The cache's."""
        with places.scratch("full") as folder:
            full = folder / "full"
            said = self.fill(full, RUST_ALLOC_DEMO_CACHE=str(full))
            self.assertIn("error: filling it failed: No space left on device; the file", said)
            self.assertIn(f"the file system of {full} is full; make room there, or set RUST_", said)

    def test_temporary(self) -> None:
        """That of temporary files, where the cache has room."""
        with places.scratch("full") as folder:
            full = folder / "full"
            said = self.fill(full, RUST_ALLOC_DEMO_CACHE=str(folder), TMPDIR=str(full))
            self.assertIn(f"the file system of {full} is full; make room there, or set TMP", said)


class Kept(unittest.TestCase):
    """What is made once."""

    def setUp(self) -> None:
        """A place in the cache, and who has made something there."""
        self.where = self.enterContext(places.scratch("kept")) / "it"
        self.made: list[str] = []

    def ask(self, name: str, fill: Callable[[Path], object] = Path.exists) -> None:
        """Asks for it; what is there then was made whole."""

        def noted(part: Path) -> None:
            self.made.append(name)
            fill(part)
            (part / "whole").touch()

        self.assertEqual(places.kept(self.where, self.where.parent.name, noted), self.where)
        self.assertTrue((self.where / "whole").exists())

    def test_at_once(self) -> None:
        """Of two that ask at the same time one makes it, and the other waits."""
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(lambda name: self.ask(name, lambda _: time.sleep(0.5)), "ab"):
                pass
        self.assertEqual(len(self.made), 1)
        self.ask("c")
        self.assertEqual(len(self.made), 1)

    def test_failed(self) -> None:
        """Where one fails nothing stays, and the next one makes it."""

        def fail(part: Path) -> None:
            (part / "half").touch()
            raise Fail("it can't be made")

        with self.assertRaises(Fail):
            self.ask("a", fail)
        self.assertEqual(list(self.where.parent.iterdir()), [])
        self.ask("b")
        self.assertEqual(self.made, ["a", "b"])
        self.assertFalse((self.where / "half").exists())


class Moved(Outside):
    """A cache that was filled at another path."""

    MADE = "this cache was filled as {}, and is {} now: kernels and modules that were built have"

    def setUp(self) -> None:
        """A cache with the toolchain and the source of the one in use, but nothing built."""
        self.cache = self.place / "cache"
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir()
        for name in ("toolchain", "source"):
            (self.cache / name).symlink_to(places.cache() / name)
        self.addCleanup(shutil.rmtree, self.cache, ignore_errors=True)

    def test_modules(self) -> None:
        """Modules that were built are built anew; a line says so, once."""
        module = self.copy("c_suite")
        kernel = um_kernel()

        def build(cache: Path) -> str:
            names = {"M": module, "KDIR": kernel, "ARCH": "", "RUST_ALLOC_DEMO_CACHE": cache}
            return self.make(*(f"{name}={value}" for name, value in names.items()))

        self.assertNotIn("this cache", build(self.cache))
        made = (module / "c_suite.ko").read_bytes()
        (module / "c_suite.ko").unlink()
        there = self.cache.rename(self.cache.with_name("there"))
        self.addCleanup(shutil.rmtree, there, ignore_errors=True)
        self.assertIn(self.MADE.format(self.cache, there), build(there))
        self.assertEqual((module / "c_suite.ko").read_bytes(), made)
        self.assertNotIn("this cache", build(there))
        # It goes on where it stopped at either path, also by another name of it.
        there.rename(self.cache)
        there.symlink_to(self.cache)
        self.addCleanup(there.unlink)
        for name in (self.cache, there):
            self.assertNotIn("this cache", build(name))

    def test_kernel(self) -> None:
        """A kernel is built anew, and the one that is there isn't touched."""
        built = um_kernel()
        (self.cache / "kernel").mkdir()
        subprocess.run(["cp", "-al", built, self.cache / "kernel"], check=True)
        (self.cache / "paths").mkdir()
        (self.cache / "paths/first").write_text("/another/cache")
        command = [sys.executable, "-B", str(CHECKOUT / "scripts/run.py")]
        env = {"ARCH": "um", "CMD": "true", "RUST_ALLOC_DEMO_CACHE": str(self.cache)}
        with subprocess.Popen(
            command,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            text=True,
            # A shell's job in the background would ignore the interrupt, and build all of it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            assert process.stdout
            said = ""
            for line in process.stdout:
                said += line
                if "building it" in line:
                    process.send_signal(signal.SIGINT)
        self.assertIn(self.MADE.format("/another/cache", self.cache), said)
        self.assertIn("building it", said)
        own = next((self.cache / "paths").glob("*/kernel/7.3*"))
        self.assertIn(str(self.cache), (own / "Makefile").read_text())
        self.assertNotIn(
            str(self.cache), (self.cache / "kernel" / built.name / "Makefile").read_text()
        )

    def test_two_at_once(self) -> None:
        """Of two that are first at once one path is kept, whole."""
        script = "from harness import places; print(places.bound('kernel'))"
        names = [self.place / f"name{number}" for number in range(6)]
        for name in names:
            name.symlink_to(self.cache)
            self.addCleanup(name.unlink)
        started = [
            subprocess.Popen(
                [sys.executable, "-B", "-c", script],
                env={
                    **os.environ,
                    "RUST_ALLOC_DEMO_CACHE": str(name),
                    "PYTHONPATH": str(CHECKOUT / "scripts"),
                },
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in names
        ]
        said = {process.communicate()[0] for process in started}
        self.assertEqual(len(said), 1, said)
        first = (self.cache / "paths/first").read_text()
        self.assertEqual(said, {f"{first}/kernel\n"})
        self.assertEqual([file.name for file in (self.cache / "paths").iterdir()], ["first"])


if __name__ == "__main__":
    unittest.main()
