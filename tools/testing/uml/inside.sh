# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scripts that run in a debug kernel: results in TAP, memory and kernel objects that
# are left over. Source it, and end with finish_tap.
leaks=/sys/kernel/debug/kmemleak
n=0 failed=0

result() { # STATUS NAME; diagnostics on stdin
	n=$((n + 1))
	if [[ $1 == 0 ]]; then
		cat >/dev/null
		echo "ok $n $2"
	else
		failed=1
		sed 's/^/# /'
		echo "not ok $n $2"
	fi
}

# Print the TAP of a program with our numbers. Other lines become comments.
results_of() {
	local line
	while IFS= read -r line; do
		case $line in
		"TAP version"* | 1..*) ;;
		"ok "* | "not ok "*)
			n=$((n + 1))
			[[ $line == ok* ]] || failed=1
			echo "${line%%ok *}ok $n ${line#*ok [0-9]* }" ;;
		"#"*) printf '%s\n' "$line" ;;
		*) printf '# %s\n' "$line" ;;
		esac
	done
}

finish_tap() {
	echo "1..$n"
	exit $failed
}

# Forget what is unreferenced so far.
forget() { echo scan >$leaks && echo clear >$leaks; }

# Print memory without a reference. An object counts from the second scan on, because
# a pointer may be in a register during the first, and if it is older than 5 s.
unreferenced() {
	sleep 6
	echo scan >$leaks && echo scan >$leaks && cat $leaks
} >/tmp/leaks 2>&1

no_leak() { # NAME
	unreferenced
	[[ ! -s /tmp/leaks ]]
	result $? "$1" </tmp/leaks
}

# Let allocations that may sleep fail too, without messages in the log.
set_up_faults() {
	local kind dbg=/sys/kernel/debug
	for kind in failslab fail_page_alloc fail_usercopy; do
		echo 0 >$dbg/$kind/verbose || return 1
	done
	echo N >$dbg/failslab/ignore-gfp-wait &&
		echo N >$dbg/fail_page_alloc/ignore-gfp-wait &&
		echo N >$dbg/fail_page_alloc/ignore-gfp-highmem &&
		echo 0 >$dbg/fail_page_alloc/min-order
}

# Release freed objects: they wait in KASAN's quarantine, for RCU, and as inodes.
settle() {
	local f
	echo 2 >/proc/sys/vm/drop_caches
	sleep 1
	for f in /sys/kernel/slab/*/shrink; do
		echo 1 >"$f"
	done
	sleep 0.5
} 2>/dev/null

# Count the kernel objects that a device can hold.
counts() {
	awk '$1 ~ /^(filp|mm_struct|task_struct|signal_cache|files_cache|vm_area_struct|pid|sock_inode_cache|debugfs_inode_cache|eventpoll.*)$/ { print $1, $2 }' /proc/slabinfo
	awk '{ print "open-files", $1 }' /proc/sys/fs/file-nr
	# The kernel starts and ends kworkers as it needs them.
	echo "threads $(cat /proc/[0-9]*/task/*/comm 2>/dev/null | grep -c -v kworker)"
}

# Print the lines of $2 that grew by more than one (two rounds leak twice), or those of
# slab caches by more than $slack: a cache counts free objects that a CPU keeps as used.
slack=1
grown() {
	awk -v "slack=$slack" 'FNR == NR { was[$1] = $2; next }
		$2 > was[$1] + ($1 ~ /^(open-files|threads)$/ ? 1 : slack) { print $1 ": " was[$1] " then " $2; bad = 1 }
		END { exit bad }' "$1" "$2"
}

# Compare with /tmp/before. The kernel's caches can release an object late, so repeat it.
no_object() { # NAME
	for _ in 1 2 3 4 5; do
		settle
		counts >/tmp/after
		! grown /tmp/before /tmp/after >/tmp/grown || break
	done
	[[ ! -s /tmp/grown ]]
	result $? "$1" </tmp/grown
}
