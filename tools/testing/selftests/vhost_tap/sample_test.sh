#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/vhost-tap-pairs sends packets of every pair to the tap.

here=$(cd "$(dirname "$0")" && pwd)
sample=./vhost-tap-pairs
[[ -x $sample ]] || sample=$here/../../../../build/selftests/vhost-tap-pairs
tap=vtaps$$
n=0 failed=0

t() { # NAME COMMAND...
	local name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		failed=1
	fi
}

received() {
	cat "/sys/class/net/$tap/statistics/rx_packets"
}

# $1: number of pairs, $2: option for the workers, $3: expected number of threads
sends() {
	local before said threads
	before=$(received)
	said=$("$sample" -n "$1" -p 500 -w "$2" "$tap") || return 1
	threads=$(grep -o 'thread [0-9]*' <<<"$said" | sort -u | wc -l)
	[[ $(grep -c "^pair" <<<"$said") == "$1" && $threads == "$3" &&
	   $(($(received) - before)) -ge $((500 * $1)) ]] && return
	echo "# $said; received $(($(received) - before)), $threads threads"
	return 1
}

# Use only what in-tree vhost-net supports.
file_each() {
	local before
	before=$(received)
	"$sample" -n 4 -p 500 -f /dev/vhost-net "$tap" && [[ $(($(received) - before)) -ge 2000 ]]
}

refuses() {
	! "$sample" -n 257 "$tap" 2>/dev/null
}

echo "TAP version 13"
ip tuntap add dev "$tap" mode tap multi_queue vnet_hdr || exit 1
trap 'ip link del "$tap"' EXIT
t "a worker for each pair" sends 4 pair 4
t "a worker for each vring" sends 4 vring 8
t "two workers for eight pairs" sends 8 2 2
t "64 pairs" sends 64 pair 64
t "a vhost-net for each pair" file_each
t "more pairs than the device supports" refuses
echo "1..$n"
[[ $failed == 0 ]]
