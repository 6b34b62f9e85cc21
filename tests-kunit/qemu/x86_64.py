# SPDX-License-Identifier: GPL-2.0

"""How kunit.py runs the x86_64 guest; scripts/kunit.py sets the environment."""

import os

from qemu_config import QemuArchParams

# What each part of the command line is for:
#   loglevel=5          no plan of built-in suites on the console before ours; warnings still show
#   panic=-1            a panic reboots at once, which ends QEMU
#   numa=fake=2         two nodes, for the suite about nodes
#   kunit_shutdown=none the kernel goes on to /init after the built-in suites
#   --                  what an older kunit.py appends unasked becomes an argument of /init
QEMU_ARCH = QemuArchParams(
    linux_arch="x86_64",
    kconfig="",
    qemu_arch="x86_64",
    kernel_path=os.environ["GUEST_KERNEL"],
    kernel_command_line=(
        "console=ttyS0 loglevel=5 panic=-1 numa=fake=2 GUEST=kunit kunit_shutdown=none --"
    ),
    extra_qemu_params=[
        "-bios",
        "qboot.rom",
        "-smp",
        "2",
        "-initrd",
        os.environ["GUEST_INITRD"],
        # Standard output is kunit.py's; the log has every guest of the run, for the verdict.
        "-chardev",
        f"stdio,id=console,logfile={os.environ['GUEST_LOG']},logappend=on",
    ],
    serial="chardev:console",
)
