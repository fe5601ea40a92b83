#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the fault tests in a kernel with CONFIG_FAULT_INJECTION (see check-faults): first
# the sweep, then the checks for leaks. Prints TAP.
#
# Usage: inside.sh sweep|leaks PROGRAM [WORD]
#   sweep  run every call, and check that no kernel objects are left
#   leaks  run the sweep twice and look for memory of the module; needs a kernel
#          booted with slab_debug=U, which records who allocated an object
#   WORD   only the calls with this word in their name
set -u
mode=$1 sweep=$2 only=${3:-}
dbg=/sys/kernel/debug
tests=0 failed=0

result() { # OK NAME; diagnostics on stdin
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

# Let allocations that may sleep fail too, without messages in the log.
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

# Release freed objects: they wait in KASAN's quarantine and for RCU.
settle() {
	local f
	sleep 1
	for f in /sys/kernel/slab/*/shrink; do
		echo 1 >"$f"
	done
	sleep 0.5
} 2>/dev/null

# Print unfreed allocations of the module; other caches keep objects for later.
# The module's tracepoint probes live as long as it does: leave out what loading allocated.
left_by_us() { allocated_by_us | grep -vxF -f /tmp/loaded; }
allocated_by_us() {
	grep -s -H -e '\[vhost_tap\]' $dbg/slab/kmalloc-*/alloc_traces | sed "s|$dbg/slab/||"
	grep -e '\[vhost_tap\]' /proc/vmallocinfo | grep -v -e load_module -e module_ -e execmem
}

# Count the kernel objects that a device can hold.
counts() {
	awk '$1 ~ /^(filp|mm_struct|task_struct|signal_cache|files_cache|vm_area_struct|pid|sock_inode_cache|debugfs_inode_cache|eventpoll.*)$/ { print $1, $2 }' /proc/slabinfo
	awk '{ print "open-files", $1 }' /proc/sys/fs/file-nr
	set -- /proc/[0-9]*/task/*
	echo "threads $#"
}

# Print the lines of $2 that grew by more than one: two rounds leak twice.
grown() {
	awk 'FNR == NR { was[$1] = $2; next }
		$2 > was[$1] + 1 { print $1 ": " was[$1] " then " $2; bad = 1 }
		END { exit bad }' "$1" "$2"
}

echo "TAP version 13"
set_up || { echo "Bail out! no fault injection here"; exit 1; }

finish() {
	rmmod vhost_tap 2>/tmp/rmmod
	result $? "$mode: the module unloads" </tmp/rmmod
	echo "1..$tests"
	exit $failed
}

if [[ $mode == leaks ]]; then
	[[ -e $dbg/slab/kmalloc-64/alloc_traces ]]
	result $? "leaks: the kernel records allocations" <<<"boot with slab_debug=U"
	settle
	allocated_by_us >/tmp/loaded
	"$sweep" -q "$only" >/tmp/again 2>&1
	result $? "leaks: another sweep" </tmp/again
	settle
	left_by_us >/tmp/left
	[[ ! -s /tmp/left ]]
	result $? "leaks: the module leaked no memory" </tmp/left
	exec 9<>/dev/vhost-tap
	left_by_us >/tmp/left
	[[ -s /tmp/left ]]
	result $? "leaks: the check sees the memory of an open device" <<<"nothing seen"
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
done < <("$sweep" "$only" || [[ $? == 1 ]] || echo "not ok 0 the sweep ended with a crash")

settle
counts >/tmp/before
{ "$sweep" -q "$only" && "$sweep" -q "$only"; } >/tmp/again 2>&1
result $? "two more sweeps" </tmp/again
settle
counts >/tmp/after
grown /tmp/before /tmp/after >/tmp/grown
result $? "no kernel object leaked" </tmp/grown

# The check must see files that stay open, one for each sweep.
exec 8</dev/null 9</dev/null
counts >/tmp/after
! grown /tmp/before /tmp/after >/tmp/grown
result $? "the check sees two open files" <<<"nothing seen"
exec 8<&- 9<&-
finish
