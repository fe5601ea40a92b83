#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fault tests, in a kernel with CONFIG_FAULT_INJECTION (see check-faults):
# the sweep, then whether anything of it is left. TAP.
#
# Usage: inside.sh sweep|leaks PROGRAM
#   sweep  every call, and whether kernel objects are left
#   leaks  sweep once more and look for memory of ours; the kernel is booted
#          with slab_debug=U, which remembers who allocated what
set -u
mode=$1 sweep=$2
dbg=/sys/kernel/debug
tests=0 failed=0

result() { # OK NAME; what explains a failure on stdin
	tests=$((tests + 1))
	if [[ $1 == 0 ]]; then
		cat >/dev/null
		echo "ok $tests $2"
	else
		failed=1
		sed 's/^/# /'
		echo "not ok $tests $2"
	fi
}

# Calls that may sleep are to fail, too, and silently.
set_up() {
	local kind
	for kind in failslab fail_page_alloc fail_usercopy; do
		echo 0 >$dbg/$kind/verbose || return 1
	done
	echo N >$dbg/failslab/ignore-gfp-wait &&
		echo N >$dbg/fail_page_alloc/ignore-gfp-wait &&
		echo N >$dbg/fail_page_alloc/ignore-gfp-highmem &&
		echo 0 >$dbg/fail_page_alloc/min-order
}

# Freed objects wait in KASAN's quarantine and for RCU.
settle() {
	local f
	sleep 1
	for f in /sys/kernel/slab/*/shrink; do
		echo 1 >"$f"
	done
	sleep 0.5
} 2>/dev/null

# What our code allocated and nobody freed; other caches keep things for later.
left_by_us() {
	grep -s -H -e '\[vhost_tap\]' $dbg/slab/kmalloc-*/alloc_traces | sed "s|$dbg/slab/||"
	grep -e '\[vhost_tap\]' /proc/vmallocinfo | grep -v -e load_module -e module_ -e execmem
}

# Objects of the kernel that a device holds on to.
counts() {
	awk '$1 ~ /^(filp|mm_struct|task_struct|signal_cache|files_cache|vm_area_struct|pid|sock_inode_cache|debugfs_inode_cache|eventpoll.*)$/ { print $1, $2 }' /proc/slabinfo
	awk '{ print "open-files", $1 }' /proc/sys/fs/file-nr
	set -- /proc/[0-9]*/task/*
	echo "threads $#"
}

# Lines of $2 that are more than one up on $1: two rounds, a leak each.
grown() {
	awk 'FNR == NR { was[$1] = $2; next }
		$2 > was[$1] + 1 { print $1 ": " was[$1] " then " $2; bad = 1 }
		END { exit bad }' "$1" "$2"
}

echo "TAP version 13"
set_up || { echo "Bail out! no fault injection here"; exit 1; }

finish() {
	rmmod vhost_tap 2>/tmp/rmmod
	result $? "$mode: the module goes" </tmp/rmmod
	echo "1..$tests"
	exit $failed
}

if [[ $mode == leaks ]]; then
	[[ -e $dbg/slab/kmalloc-64/alloc_traces ]]
	result $? "leaks: the kernel tells who allocated what" <<<"boot with slab_debug=U"
	"$sweep" -q >/tmp/again 2>&1
	result $? "leaks: a sweep" </tmp/again
	settle
	left_by_us >/tmp/left
	[[ ! -s /tmp/left ]]
	result $? "leaks: no memory of ours is left" </tmp/left
	exec 9<>/dev/vhost-tap
	left_by_us >/tmp/left
	[[ -s /tmp/left ]]
	result $? "leaks: an open device is seen as left" <<<"nothing seen"
	exec 9>&-
	finish
fi

while IFS= read -r line; do
	case $line in
	"ok "* | "not ok "*)
		tests=$((tests + 1))
		[[ $line == ok* ]] || failed=1
		echo "${line%%ok *}ok $tests ${line#*ok [0-9]* }" ;;
	*) echo "# $line" ;;
	esac
done < <("$sweep" || [[ $? == 1 ]] || echo "not ok 0 the sweep ended with a crash")

settle
counts >/tmp/before
{ "$sweep" -q && "$sweep" -q; } >/tmp/again 2>&1
result $? "two more sweeps" </tmp/again
settle
counts >/tmp/after
grown /tmp/before /tmp/after >/tmp/grown
result $? "no kernel object is left" </tmp/grown

# That check sees a file left open, when it would be left by each sweep.
exec 8</dev/null 9</dev/null
counts >/tmp/after
! grown /tmp/before /tmp/after >/tmp/grown
result $? "two files left open are seen" <<<"nothing seen"
exec 8<&- 9<&-
finish
