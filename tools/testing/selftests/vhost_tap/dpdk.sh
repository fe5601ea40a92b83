#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run DPDK's testpmd as a guest: its virtio-user port uses our node, with a tap on the
# other side. Prints TAP. The script uses an installed dpdk-testpmd, or Debian's from
# the cache. The package with it (dpdk-dev) would install hundreds of others, so
# the script only unpacks it.
#
#   testpmd == virtio-user == vhost == tap dpdk0, 10.9.0.1 -- ping
#
# DPDK before 23 takes every path except /dev/vhost-net for vDPA, so the script mounts
# our node over that path, for testpmd only.
#
# Usage: dpdk.sh --fetch    fill the cache (needs a network)
#        dpdk.sh            run the tests; VTAP_NODE selects the node

node=${VTAP_NODE:-/dev/vhost-tap}
stats=/sys/kernel/debug/vhost_tap
cache=${VTAP_CACHE:-${HOME:-/root}/.cache/vhost-tap}/dpdk
libs=$cache/root/usr/lib/x86_64-linux-gnu
testpmd=dpdk-testpmd plugins=''
n=0 failed=0 pid='' opts='' mtu=1500 mount="mount --bind $node /dev/vhost-net &&"

# Unpack testpmd and its libraries into one folder.
fetch() {
	local pkgs
	! command -v dpdk-testpmd >/dev/null || return 0
	[[ ! -e $cache/done ]] || return 0
	echo "fetching: dpdk-dev and its libraries, into $cache"
	rm -rf "$cache"
	mkdir -p "$cache/root" "$cache/deb"
	pkgs=$(apt-cache show --no-all-versions dpdk-dev |
		sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/(.*//' |
		grep -o 'librte-[a-z0-9-]*')
	# Split the list into package names.
	# shellcheck disable=SC2086
	(cd "$cache/deb" && apt-get -qq download dpdk-dev $pkgs \
		librte-net-virtio23 ibverbs-providers 2>"$cache/log") || {
		tail -n 3 "$cache/log"
		return 1
	}
	for deb in "$cache"/deb/*.deb; do
		dpkg -x "$deb" "$cache/root" || return 1
	done
	rm -rf "$cache/deb"
	touch "$cache/done"
}

# Prefer an installed testpmd. Else use the cache and set the path of its drivers.
find_testpmd() {
	command -v dpdk-testpmd >/dev/null && return 0
	[[ -e $cache/done ]] || return 1
	testpmd=$cache/root/usr/bin/dpdk-testpmd
	export LD_LIBRARY_PATH=$libs:$libs/dpdk/pmds-23.0
	for lib in bus_vdev mempool_ring net_virtio; do
		plugins+=" -d $libs/dpdk/pmds-23.0/librte_$lib.so.23"
	done
}

result() { # STATUS TEXT
	n=$((n + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $n $2"
		return
	fi
	echo "not ok $n $2"
	failed=$((failed + 1))
	tail -n 15 "$tmp/log" | sed 's/^/# /'
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 4
}

# Start testpmd with the port options $1 and the application options $2.
start() {
	rm -f "$tmp/stdin"
	mkfifo "$tmp/stdin"
	exec 3<>"$tmp/stdin"
	# One CPU serves both threads of testpmd.
	unshare -m sh -c "$mount
		exec stdbuf -oL $testpmd $plugins --no-huge -m 256 --no-pci --no-telemetry \
		--file-prefix=vtap --lcores='(0-1)@0' \
		--vdev=net_virtio_user0,path=/dev/vhost-net,iface=dpdk0,queue_size=256,$1 \
		-- --total-num-mbufs=8192 --no-mlockall $2" \
		<"$tmp/stdin" >"$tmp/log" 2>&1 &
	pid=$!
	for _ in {1..300}; do
		grep -q 'Press enter' "$tmp/log" && break
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	grep -q 'Press enter' "$tmp/log" &&
		ip addr add 10.9.0.1/24 dev dpdk0 &&
		ip link set dpdk0 mtu "$mtu" &&
		ip link set dpdk0 up
}

# Return: testpmd's own exit status
finish() {
	local status
	echo >&3
	for _ in {1..300}; do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -0 "$pid" 2>/dev/null && kill -KILL "$pid"
	wait "$pid"
	status=$?
	exec 3>&-
	pid=''
	return $status
}

cleanup() {
	[[ -z $pid ]] || kill -KILL "$pid"
	rm -rf "$tmp"
}

# Print the debugfs folders of testpmd, one for each queue pair.
folders() {
	grep -lsx "owner_pid $pid" "$stats"/*/state | sed 's|/state$||'
}

# Print one counter, summed over the queue pairs of testpmd.
counter() { # rx|tx NAME
	folders | sed "s|\$|/$1|" | xargs -r cat |
		awk -v name="$2" '$1 == name { sum += $2 } END { print sum + 0 }'
}

# Check that all queue pairs of testpmd have negotiated the feature bit $1.
acked() {
	local features all=()
	# shellcheck disable=SC2016 # for awk
	mapfile -t all < <(folders | sed 's|$|/state|' | xargs -r awk '$1 == "features" { print $2 }')
	for features in "${all[@]}"; do
		((features >> $1 & 1)) || return 1
	done
	[[ ${#all[@]} != 0 ]]
}

pings() { # SIZE...
	local size
	for size; do
		ping -q -c 8 -i 0.05 -W 10 -s "$size" 10.9.0.2 >"$tmp/ping" || return 1
		grep -q ' 0% packet loss' "$tmp/ping" || return 1
	done
}

icmpecho() { # NAME PORT-OPTIONS APP-OPTIONS [SIZE...]
	local sizes=("${@:4}")
	[[ ${#sizes[@]} != 0 ]] || sizes=(16 56 600 1472)
	start "$2" "--forward-mode=icmpecho $3"
	result $? "$1: testpmd starts in mode icmpecho"
	[[ $node != /dev/vhost-tap ]] || {
		[[ -n $(folders) ]]
		result $? "$1: it uses the node"
		[[ $2 != *in_order=1* ]] || {
			acked 35
			result $? "$1: IN_ORDER is negotiated"
		}
		[[ $2 != *packed_vq=1* ]] || {
			acked 34
			result $? "$1: RING_PACKED is negotiated"
		}
	}
	pings "${sizes[@]}"
	result $? "$1: pings of ${sizes[*]} bytes answered"
	[[ $node != /dev/vhost-tap ]] || {
		[[ $(counter tx broken)$(counter rx broken) == 00 ]]
		result $? "$1: no fault"
	}
	finish
	result $? "$1: testpmd ends"
}

between() { [[ $1 -ge $2 && $1 -le $3 ]]; } # NUMBER LOW HIGH

# Compare what DPDK sent with the tap's and our counters.
txonly() { # NAME PORT-OPTIONS APP-OPTIONS
	local tap=0 ours=0
	start "$2" "--forward-mode=txonly --txpkts=200 $3"
	result $? "$1: testpmd starts in mode txonly"
	for _ in {1..100}; do
		sleep 0.1
		tap=$(cat /sys/class/net/dpdk0/statistics/rx_packets)
		[[ $tap -lt 20000 ]] || break
	done
	# Stop the senders, so that both counters stay the same.
	kill -STOP "$pid"
	sleep 1
	tap=$(cat /sys/class/net/dpdk0/statistics/rx_packets)
	[[ $tap -gt 1000 ]]
	result $? "$1: $tap packets reached the tap"
	if [[ $node == /dev/vhost-tap ]]; then
		ours=$(counter tx packets)
		drop=$(cat /sys/class/net/dpdk0/statistics/rx_dropped)
		between "$ours" "$tap" $((tap + drop))
		result $? "$1: vhost-tap counted $ours, the tap $tap + $drop dropped"
		[[ $(counter tx broken) == 0 ]]
		result $? "$1: no fault"
	fi
	kill -CONT "$pid"
	finish
	result $? "$1: testpmd ends"
}

if [[ $1 == --fetch ]]; then
	fetch
	exit
fi
tmp=$(mktemp -d)
trap cleanup EXIT
find_testpmd || skip_all "no dpdk-testpmd, see dpdk.sh --fetch"
command -v ping >/dev/null || skip_all "no ping"
[[ -c $node ]] || skip_all "no $node"
[[ -e /dev/vhost-net ]] || : >/dev/vhost-net

echo "TAP version 13"
for mrg in 0 1; do
	opts="mrg_rxbuf=$mrg,in_order=0,packed_vq=0"
	icmpecho "mrg_rxbuf=$mrg" "$opts" ""
	txonly "mrg_rxbuf=$mrg" "$opts" ""
done
# With mergeable buffers DPDK expects a used entry for each buffer, which in-tree
# vhost-net does not write.
if [[ $node == /dev/vhost-tap ]]; then
	for mrg in 0 1; do
		opts="mrg_rxbuf=$mrg,in_order=1,packed_vq=0"
		icmpecho "in_order=1,mrg_rxbuf=$mrg" "$opts" ""
		txonly "in_order=1,mrg_rxbuf=$mrg" "$opts" ""
	done
	for order in 0 1; do
		for mrg in 0 1; do
			what=packed_vq=1,in_order=$order,mrg_rxbuf=$mrg
			icmpecho "$what" "$what" ""
			txonly "$what" "$what" ""
		done
	done
	# Packets of several segments: DPDK puts up to seven into an indirect table, and
	# leaves WRITE set on the header's entry there. More become a chain in the ring.
	for order in 0 1; do
		for mrg in 0 1; do
			what=packed_vq=1,in_order=$order,mrg_rxbuf=$mrg
			txonly "$what, three segments" "$what" \
				"--txpkts=64,200,700 --tx-offloads=0x8000"
			mtu=9000
			scatter="--mbuf-size=9728"
			[[ $mrg == 0 ]] || scatter="--mbuf-size=1152 --enable-scatter"
			icmpecho "$what, large" "$what" \
				"--max-pkt-len=9014 --tx-offloads=0x8000 $scatter" 56 4000 8900
			mtu=1500
		done
	done
	what=packed_vq=1,in_order=0,mrg_rxbuf=1,queues=2
	icmpecho "$what" "$what" "--rxq=2 --txq=2"
	# Without these two features DPDK uses its vector path, if the CPU has AVX512.
	# The VM's CPU has not; the port then reports this and uses the other path.
	what=packed_vq=1,in_order=1,mrg_rxbuf=0,vectorized=1
	icmpecho "$what" "$what" ""
	txonly "$what" "$what" ""
fi
opts="mrg_rxbuf=1,in_order=0,packed_vq=0,queues=2"
icmpecho "queues=2" "$opts" "--rxq=2 --txq=2"
txonly "queues=2" "$opts" "--rxq=2 --txq=2"
# By name, after a takeover of /dev/vhost-net.
takeover=/sys/module/vhost_tap/parameters/takeover
if [[ $node == /dev/vhost-tap && -w $takeover ]]; then
	mount=''
	had_in_tree=$(grep -o '^vhost_net ' /proc/modules)
	rmmod vhost_net 2>"$tmp/log"
	[[ ! -f /dev/vhost-net ]] || rm /dev/vhost-net
	tee $takeover <<<1 >"$tmp/log"
	result $? "takeover: the module has the name /dev/vhost-net"
	icmpecho "takeover, queues=2" "$opts" "--rxq=2 --txq=2"
	txonly "takeover, queues=2" "$opts" "--rxq=2 --txq=2"
	tee $takeover <<<0 >"$tmp/log"
	result $? "takeover: the name is given back"
	[[ -z $had_in_tree ]] || modprobe vhost_net
fi
echo "1..$n"
[[ $failed == 0 ]]
