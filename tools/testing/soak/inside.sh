#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the soak in a debug kernel (see soak). Prints TAP.
#
# Usage: inside.sh SECONDS SEED KO PROGRAM VHOST-TAPCTL
set -u
root=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=tools/testing/uml/inside.sh
. "$root/tools/testing/uml/inside.sh"
seconds=$1 seed=$2 ko=$3 program=$4 ctl=$5
dbg=/sys/kernel/debug

# Of the tasks with /proc/PID/make-it-fail, 1 % of the allocations fail. Only kmalloc's,
# not those of sk_buffs: tun frees a frame without sk_buff and does not count it.
start_faults() {
	local f
	set_up_faults || return 1
	echo Y >$dbg/failslab/task-filter
	echo Y >$dbg/failslab/cache-filter
	for f in /sys/kernel/slab/kmalloc-*/failslab; do
		echo 1 >"$f" || return 1
	done
	echo -1 >$dbg/failslab/times
	echo 1 >$dbg/failslab/probability
}

# Read all that the module shows, again and again. It may be unloaded at any time.
dump() {
	local rounds=0 command status
	while [[ ! -e /tmp/end ]]; do
		for command in "show --json" stats "prometheus"; do
			# shellcheck disable=SC2086 # split into words
			"$ctl" $command --all-namespaces
			status=$?
			[[ $status != 0 ]] || echo "$command" >>/tmp/read
			[[ $status -lt 126 ]] || echo "vhost-tapctl $command: status $status" >>/tmp/crashed
		done
		cat $dbg/vhost_tap/*/*
		rounds=$((rounds + 1))
		echo $rounds >/tmp/rounds
		sleep 0.1
	done
} >/dev/null 2>&1

# A second of each kind fills caches, so that the numbers of objects can be compared.
warm_up() { "$program" 10 "$seed" "$ko" >/tmp/warm 2>&1 && ! grep -q '^not ok' /tmp/warm; }

echo "TAP version 13"
if ! forget || ! echo scan=off >$leaks || ! start_faults; then
	echo "Bail out! no debug kernel"
	exit 1
fi
mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
echo 0 >/proc/sys/vm/oom_dump_tasks
echo 60 >/proc/sys/kernel/hung_task_timeout_secs

dump &
warm_up
result $? "warm up" </tmp/warm
settle
counts >/tmp/before
status=0
[[ -s /tmp/before ]] || status=1
result $status "kernel objects are counted" <<<"no /proc/slabinfo"
results_of < <("$program" "$seconds" "$seed" "$ko" || [[ $? == 1 ]] || echo "not ok 0 the soak ended with a crash")
touch /tmp/end
wait
echo "# netlink and debugfs were read $(cat /tmp/rounds) times"
status=0
[[ ! -e /tmp/crashed ]] || status=1
result $status "vhost-tapctl did not crash" < <(cat /tmp/crashed 2>&1)
status=0
[[ $(sort -u /tmp/read | wc -l) == 3 ]] || status=1
result $status "vhost-tapctl read the devices" < <(sort /tmp/read 2>&1 | uniq -c)
echo 0 >$dbg/failslab/probability
slack=32
no_object "no process, thread or file is left, and few objects in caches"
! pgrep '^vhost-' >/tmp/workers
result $? "no worker is left" </tmp/workers
rmmod vhost_tap 2>/tmp/rmmod
result $? "the module unloads" </tmp/rmmod
no_leak "kmemleak: no leak"
finish_tap
