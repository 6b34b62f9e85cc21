#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# When the suites have run, loads the module of faults, if the kernel's command line has a fault.

[ "$1" = after ] || exit 0
set --
read -r line < /proc/cmdline
for word in $line; do
	case $word in
	faults.*) set -- "$@" "${word#*.}" ;;
	esac
done
[ $# = 0 ] || { busybox insmod /faults.ko "$@" && busybox rmmod faults; }
