# SPDX-License-Identifier: GPL-2.0

"""The toolchain's root: where it is made, and what is said where there can be no sandbox."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from copies import CHECKOUT, said_by

from harness import bootstrap
from harness import places
from harness import sandbox
from harness import toolchain as toolchains

# A user that no machine has, and the ids that are its own beside its own.
USER = 54321
ENTRY = f"tester:x:{USER}:{USER}::/nonexistent:/bin/sh\n"
SUBIDS = "tester:654321:65536\n"

# This machine's own Python, which that user can run.
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or ""

# Runs a command where the files before `--` are in place of this machine's, and a directory is a
# small file system; as that user, if its number is given.
AS_USER = """
set -e
small=$1 user=$2; shift 2
while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift
mount -t tmpfs -o size=1m,mode=1777 small "$small"
[ "$user" = 0 ] || set -- setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
umask 077
exec "$@"
"""

# Makes a root of few packages.
MAKES = """
import sys
from pathlib import Path
from harness import bootstrap, command
bootstrap.PACKAGES = ("busybox-static",)
part = Path(sys.argv[1])
part.mkdir()
command.main(lambda: bootstrap.make_root(part))
"""


@unittest.skipUnless(os.geteuid() == 0 and PYTHON, "it takes root, and a Python of all users")
class Made(unittest.TestCase):
    """A small root, where $TMPDIR has no room, and the home and new files are nobody else's."""

    def setUp(self) -> None:
        """A directory that the user reaches, with the harness and a cache."""
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        shutil.copytree(CHECKOUT / "scripts/harness", self.folder / "scripts/harness")
        for name in ("home", "small"):
            (self.folder / name).mkdir(mode=0o700)
        for name in ("passwd", "subuid", "subgid"):
            text = Path("/etc", name).read_text() if Path("/etc", name).exists() else ""
            (self.folder / name).write_text(text + (ENTRY if name == "passwd" else SUBIDS))

    def made(self, user: int) -> Path:
        """The root that a user makes."""
        home, part = self.folder / "home", self.folder / "home/root"
        os.chown(home, user, user)
        files = [
            word
            for name in ("passwd", "subuid", "subgid")
            if Path("/etc", name).exists()
            for word in (str(self.folder / name), f"/etc/{name}")
        ]
        command = [*("unshare", "--mount", "sh", "-c", AS_USER, "sh", str(self.folder / "small"))]
        command += [str(user), *files, "--", PYTHON, "-B", "-c", MAKES, str(part)]
        env = {
            "HOME": str(home),
            "USER": "tester" if user else "root",
            "TMPDIR": str(self.folder / "small"),
            "RUST_ALLOC_DEMO_CACHE": str(home / "cache"),
            "PYTHONPATH": str(self.folder / "scripts"),
        }
        code, said = said_by(command, cwd=Path("/"), env=env)
        self.assertEqual(code, 0, said)
        self.assertFalse((home / "cache/run/bootstrap").exists())
        return part

    def test_by_a_user(self) -> None:
        """All files of it are the user's, and nothing else stays."""
        sandbox.need_tools({"newuidmap": "uidmap", "mmdebstrap": "mmdebstrap"})
        part = self.made(USER)
        self.assertTrue((part / "usr/bin/busybox").is_file())
        self.assertEqual({file.lstat().st_uid for file in part.rglob("*")}, {USER})

    def test_by_root(self) -> None:
        """The same."""
        sandbox.need_tools({"mmdebstrap": "mmdebstrap"})
        self.assertTrue((self.made(0) / "usr/bin/busybox").is_file())


class Interrupted(unittest.TestCase):
    """Temporary files that a run left which was killed."""

    def test_removed(self) -> None:
        """The next one begins without them."""
        with places.scratch("cache") as folder:
            with mock.patch.dict(os.environ, {"RUST_ALLOC_DEMO_CACHE": str(folder)}):
                left = folder / "run/bootstrap/mmdebstrap.X/etc"
                left.mkdir(parents=True)
                with bootstrap.temporary() as path:
                    self.assertEqual(list(path.iterdir()), [])
                self.assertFalse(path.exists())


class Refused(unittest.TestCase):
    """A machine on which there can be no sandbox."""

    def remedy(self, user: int, **files: str) -> list[str]:
        """What is said to a user where there are these files, of which `/` is `__`."""
        with places.scratch("top") as top, mock.patch.object(os, "geteuid", lambda: user):
            for name, text in files.items():
                file = top / name.replace("__", "/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return sandbox.remedies(top)

    def test_remedies(self) -> None:
        """Each sign has the remedy that is right for it."""
        kernel, namespaces = "proc__sys__kernel__", "proc__sys__user__max_user_namespaces"
        apparmor = f"{kernel}apparmor_restrict_unprivileged_userns"
        clone = f"{kernel}unprivileged_userns_clone"
        for files, word in (
            ({apparmor: "1\n"}, "kernel.apparmor_restrict_unprivileged_userns=0"),
            ({apparmor: "0\n", clone: "0\n"}, "kernel.unprivileged_userns_clone=1"),
            ({clone: "1\n", namespaces: "0\n"}, "user.max_user_namespaces=10000"),
            ({"run__.containerenv": "", apparmor: "1\n"}, "--privileged"),
            ({".dockerenv": "", namespaces: "0\n"}, "--privileged"),
            ({"proc__1__environ": "A=b\0container=lxc\0"}, "--privileged"),
        ):
            [said] = self.remedy(USER, **files)
            self.assertIn(word, said)
        self.assertEqual(self.remedy(USER, **{apparmor: "0\n", namespaces: "9\n"}), [])
        self.assertEqual(self.remedy(USER, proc__1__environ="mycontainer=no\0"), [])
        # For root only a container can be the reason.
        self.assertEqual(self.remedy(0, **{apparmor: "1\n"}), [])
        self.assertEqual(len(self.remedy(0, **{".dockerenv": ""})), 1)

    def test_by_the_kernel(self) -> None:
        """A user on a real kernel that allows no user namespace."""
        script = "from harness import command, sandbox; command.main(sandbox.need)"
        namespace = f"--map-user={USER} --map-group={USER} --keep-caps"
        python = json.dumps(sys.executable)
        command = (
            "echo 0 >/proc/sys/user/max_user_namespaces &&"
            f" exec setpriv --ambient-caps=-all --inh-caps=-all {python} -B -c '{script}'"
        )
        code, said = said_by(
            ["unshare", "--user", *namespace.split(), "sh", "-c", command],
            env={"PYTHONPATH": str(CHECKOUT / "scripts")},
        )
        self.assertEqual(code, 1, said)
        # In a container that is the reason, which is so for root as well.
        here = sandbox.remedies() if os.geteuid() == 0 else []
        remedy = "no user namespace is allowed here; as root: sysctl user.max_user_namespaces=10000"
        self.assertRegex(said, r"^error: bwrap can't make a sandbox here \(bwrap: .*\); .*\n$")
        self.assertIn(f"; {(*here, remedy)[0]}; or use TOOLCHAIN=host\n", said)


class Warm(unittest.TestCase):
    """A machine that has the root, out of a cache that was filled elsewhere, and no bubblewrap."""

    def test_no_bubblewrap(self) -> None:
        """Its package is named, before anything else is done."""
        toolchain = toolchains.root()
        with places.scratch("path") as path:
            for name in ("env", "python3", "sh"):
                (path / name).symlink_to(f"/usr/bin/{name}")
            argv = toolchain.argv(
                ["python3", "-B", "scripts/demo.py"],
                ro=[CHECKOUT, path],
                rw=[places.cache()],
                cwd=CHECKOUT,
                env={"PATH": str(path), "RUST_ALLOC_DEMO_CACHE": str(places.cache())},
            )
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        package = "apt-get install -y --no-install-recommends bubblewrap"
        self.assertEqual(
            done.stderr,
            f"error: this machine has no bubblewrap; as root: apt-get update && {package}\n",
        )


if __name__ == "__main__":
    unittest.main()
