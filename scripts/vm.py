# SPDX-License-Identifier: GPL-2.0

"""`make vm`: a shell in the guest, with the modules at hand.

Commands on a standard input that is no terminal are run as a script, after which the guest ends.
"""

import subprocess
import sys

import common
import guest
import kernel as kernels
import module
from common import Fail

STEPS = 4
DEADLINE = 300


def main() -> None:
    """Runs all stages and the guest."""
    interactive = sys.stdin is not None and sys.stdin.isatty()
    script = b"" if interactive or sys.stdin is None else sys.stdin.buffer.read()
    kernel = kernels.select(1, STEPS, need_kunit=False, need_image=True)
    common.step(3, STEPS, "module")
    modules = module.build(kernel)

    with guest.run_directory("vm") as run:
        if not interactive:
            common.step(
                4, STEPS, "guest: running the commands on standard input, which is no terminal"
            )
            initrd = guest.initramfs(kernel, modules, run / "initramfs.cpio", {"commands": script})
            console = guest.boot(
                kernel,
                initrd,
                "shell",
                common.logs() / "vm-console.log",
                DEADLINE,
                on_line=common.say,
            )
            if "guest: finished" not in console:
                raise Fail("the guest did not get to the end of the commands")
            return
        common.step(
            4, STEPS, f"guest: a shell; {'Ctrl-A X' if kernel.arch.qemu else 'poweroff'} ends it"
        )
        initrd = guest.initramfs(kernel, modules, run / "initramfs.cpio")
        kvm = guest.kvm_works(kernel)
        argv = guest.command(kernel, initrd, "shell", kvm, console="mon:stdio")
        if subprocess.run(argv, check=False).returncode:
            raise Fail("the guest ended with a failure, see above")


if __name__ == "__main__":
    common.main(main)
