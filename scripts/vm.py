# SPDX-License-Identifier: GPL-2.0

"""`make vm`: a shell in the guest, with the modules at hand.

Commands on a standard input that is no terminal are run as a script; the guest ends after them, and
the command with their status.
"""

import re
import subprocess
import sys

from harness import command
from harness import guest
from harness import messages
from harness import places
from harness import stages
from harness import variables
from harness.guest import Content
from harness.kernel import Needs
from harness.messages import Fail

STEPS = 4
DEADLINE = 300

STATUS = re.compile(r"guest: status (\d+)\s*$", re.MULTILINE)


def main() -> None:
    """Runs all stages and the guest."""
    variables.takes("vm", *variables.KERNEL, "M", "V")
    interactive = sys.stdin is not None and sys.stdin.isatty()
    script = b"" if interactive or sys.stdin is None else sys.stdin.buffer.read()
    kernel, modules = stages.build(STEPS, Needs(image=True, shell=True))

    files = {} if interactive else {"commands": script}
    content = Content(modules.in_order(modules.all), shell=True, files=files)
    if not interactive:
        messages.step(
            4, STEPS, "guest: running the commands on standard input, which is no terminal"
        )
        console = stages.run(
            "vm",
            kernel,
            content,
            places.logs() / "vm-console.log",
            DEADLINE,
            mode="shell",
            on_line=messages.say,
        )
        status = STATUS.search(console)
        if not status or "guest: finished" not in console:
            raise Fail("the guest did not get to the end of the commands")
        raise SystemExit(int(status[1]))
    messages.step(
        4, STEPS, f"guest: a shell; {'Ctrl-A X' if kernel.arch.qemu else 'poweroff'} ends it"
    )
    with guest.run_directory("vm") as run:
        initrd = guest.initramfs(kernel, content, run / "initramfs.cpio")
        kvm = guest.kvm_works(kernel)
        argv = guest.command(kernel, initrd, "shell", kvm, console="mon:stdio")
        if subprocess.run(argv, check=False).returncode:
            raise Fail("the guest ended with a failure, see above")


if __name__ == "__main__":
    command.main(main)
