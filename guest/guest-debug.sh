#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# Around the suites, on the kernel that makes allocations fail: first it is told to fail any that it
# is asked to (tests-kunit/failing.c); then, if all suites were to run, the demo is loaded with its
# first allocation failing, with its second, and so on, until it has no more of them. It must be
# refused for want of memory, or be as usual.

# Has the kernel's fault injection fail allocations whether they may sleep or not, without a word.
set_failures() {
	cd /sys/kernel/debug/failslab || return
	echo N > ignore-gfp-wait
	echo 0 > verbose
	cd ../fail_page_alloc || return
	echo N > ignore-gfp-wait
	echo 0 > min-order
	echo 0 > verbose
}

# Says to who reads the log that the kernel warns on purpose, or does so no more: where a cache can't
# be created, it shows by which call (mm/slab_common.c, __kmem_cache_create_args()).
say() {
	echo "demo: $*" > /dev/kmsg
}

# The test module that fails them is loaded in one of the guests.
#
# What is refused busybox tries a second time, by the older system call, and it fails as well.
fail_demo() {
	parameters=/sys/module/rust_alloc_demo_kunit/parameters
	[ -d $parameters ] || return 0
	n=0
	refused=0
	left=0
	say "looking for warnings"
	while [ "$left" = 0 ]; do
		n=$((n + 1))
		if [ $n = 1000 ]; then
			echo "there is no end of the demo's allocations"
			return 1
		fi
		echo $n > $parameters/demo_nth
		if why=$(busybox insmod /rust_alloc_demo.ko max_align=1 live=1 2>&1); then
			busybox rmmod rust_alloc_demo || return
		else
			case $why in
			*"Cannot allocate memory") ;;
			*)
				echo "insmod failed: $why, with allocation $n failing"
				return 1
				;;
			esac
			refused=$((refused + 1))
		fi
		left=$(busybox cat $parameters/demo_left)
	done
	say "done looking for warnings"
	echo "demo: allocations failed: $((n - 1)), insmod refused: $refused"
}

case $1 in
before) set_failures ;;
after) busybox grep -q 'kunit\.filter' /proc/cmdline || fail_demo ;;
esac
