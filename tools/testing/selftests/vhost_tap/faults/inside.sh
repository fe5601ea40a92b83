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
root=$(cd "$(dirname "$0")/../../../../.." && pwd)
# shellcheck source=tools/testing/uml/inside.sh
. "$root/tools/testing/uml/inside.sh"

# Print unfreed allocations of the module; other caches keep objects for later.
# The module's tracepoint probes live as long as it does: leave out what loading allocated.
left_by_us() { allocated_by_us | grep -vxF -f /tmp/loaded; }
allocated_by_us() {
	grep -s -H -e '\[vhost_tap\]' $dbg/slab/kmalloc-*/alloc_traces | sed "s|$dbg/slab/||"
	grep -e '\[vhost_tap\]' /proc/vmallocinfo | grep -v -e load_module -e module_ -e execmem
}

echo "TAP version 13"
set_up_faults || { echo "Bail out! no fault injection here"; exit 1; }

finish() {
	rmmod vhost_tap 2>/tmp/rmmod
	result $? "$mode: the module unloads" </tmp/rmmod
	finish_tap
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

results_of < <("$sweep" "$only" || [[ $? == 1 ]] || echo "not ok 0 the sweep ended with a crash")

settle
counts >/tmp/before
{ "$sweep" -q "$only" && "$sweep" -q "$only"; } >/tmp/again 2>&1
result $? "two more sweeps" </tmp/again
no_object "no kernel object leaked"

# The check must see files that stay open, one for each sweep.
exec 8</dev/null 9</dev/null
counts >/tmp/after
! grown /tmp/before /tmp/after >/tmp/grown
result $? "the check sees two open files" <<<"nothing seen"
exec 8<&- 9<&-
finish
