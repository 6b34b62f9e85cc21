#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# Opens the file, has the module go, and closes the file. Where an open file holds its module, rmmod is
# refused.

[ "$1" = after ] || exit 0
exec 3< /sys/kernel/debug/debugfs_no_owner/number
if busybox rmmod debugfs_no_owner; then
	echo "rmmod went well with a file open"
	exec 3<&-
	exit 1
fi
