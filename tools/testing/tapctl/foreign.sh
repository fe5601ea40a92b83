# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set by check-ctl; read by it
#
# Shell functions of check-ctl: a tenant, who is root of a user namespace only, taps
# with equal names in namespaces of others, and limits of the host.

# The client is a process of the tenant, in its own network namespace.
tenant_start() { # TAP
	client_end
	cp "$root/build/tapctl-test/client" "$here"/{garbage,foreign}.py "$work"
	chmod 666 "$node" /dev/net/tun
	client_cmd=$work/client client_start "$1" "${user[@]}" unshare -Urn || return 1
	tenant=("${user[@]}" nsenter -t "$client_pid" -U -n --preserve-credentials)
	in_init=".if_netns_cookie == $(cookie env)"
	! "${tenant[@]}" asan show --all-namespaces
}

# The tenant's answer has both queues of its device, and the jq expression $1 is true for
# each of them.
tenant_reads() {
	"${tenant[@]}" asan show --json >"$work/tenant" || return 1
	jq -c '.queues[] | {tap, ifindex, if_netns_cookie, tap_dropped}' "$work/tenant"
	jq -e "(.queues | length == 2) and (.queues | all($1))" "$work/tenant"
}

only_name='.tap == "vu0" and (has("ifindex") or has("if_netns_cookie") or has("tap_dropped") | not)'

# Root of the host finds the tap in its own namespace.
root_reads() {
	asan show --all-namespaces --json >"$work/root" || return 1
	jq -c '.queues[] | {tap, ifindex, if_netns_cookie, tap_dropped}' "$work/root"
	jq -e "(.queues | length == 2) and (.queues | all($in_init and has(\"tap_dropped\") and
		.ifindex == $(</sys/class/net/vu0/ifindex)))" "$work/root"
}

moved_to_root() {
	"${tenant[@]}" ip link show vu0 && tenant_reads 'has("ifindex") and has("tap_dropped")' &&
		nsenter -t "$client_pid" -n ip link set vu0 netns 1 && tenant_reads "$only_name" && root_reads
}

# The same if the queues start after the move.
moved_before_start() { client restart && tenant_reads "$only_name" && root_reads && tenant_reads "$only_name"; }

# A request of the tenant does not change the result of root's next request.
another_of_the_tenant() {
	"${tenant[@]}" ip tuntap add dev vu0 mode tap && tenant_reads "$in_init | not" && root_reads
}

# Delete the tenant's tap with a namespace. Its name can be read after the namespace has
# left the list, and is that of a tap of the host.
deleted_with_namespace() {
	# shellcheck disable=SC2016 # expanded by that shell
	"${tenant[@]}" bash -c '
		unshare -n sleep 60 &
		for ((i = 0; i < 100; i++)); do
			[[ $(readlink /proc/$!/ns/net) == "$(readlink /proc/$$/ns/net)" ]] || break
			sleep 0.05
		done
		ip link set vu0 netns $!
		ret=$?
		kill -KILL $!
		exit $ret' && soon client attach
}

never_foreign() {
	local reader i ret=0
	ip tuntap add dev vu0 mode tap || return 1
	"${tenant[@]}" python3 "$work/foreign.py" "$(cookie env)" &
	reader=$!
	for ((i = 0; i < 5 && !ret; i++)); do
		deleted_with_namespace || ret=1
	done
	kill "$reader"
	wait "$reader" || ret=1
	tenant_reads "has(\"ifindex\") and ($in_init | not)" || ret=1
	ip link del vu0
	return "$ret"
}

# A tenant's tun without Ethernet header has the name of a tap of the host.
tun_of_the_tenant() {
	local stranger ret
	# shellcheck disable=SC2016 # expanded by that shell
	"${user[@]}" unshare -Urn bash -c 'ip tuntap add dev vu0 mode tun; echo; exec sleep 600' >"$work/tun" &
	stranger=$!
	soon test -s "$work/tun"
	client_start vu0 && client tx 50 && asan show --json | jq -e '.queues[1].counters |
		debug | .packets == 50 and .backend_batches > 0 and .singles == 0'
	ret=$?
	kill "$stranger"
	wait "$stranger" 2>/dev/null
	return "$ret"
}

tenant_limit() { # RATE PPS of the TX queue, null for none
	"${tenant[@]}" asan show --json >"$work/limit" || return 1
	jq -c '.queues[1] | [.rate, .pps]' "$work/limit"
	jq -e ".queues[1] | [.rate, .pps] == [$1, $2]" "$work/limit"
}

# The host has the capability also in the tenant's network namespace.
limits_of_the_host() {
	local host=(nsenter -t "$client_pid" -n) id
	id=$("${tenant[@]}" asan show --json | jq -e .devices[0].id) || return 1
	"${host[@]}" asan set "$id/1" rate=100000 pps=50 && tenant_limit 100000 50 &&
		"${tenant[@]}" asan set "$id" rate=0 pps=0 && tenant_limit 100000 50 &&
		"${tenant[@]}" asan set "$id/1" rate=200000 pps=20 && tenant_limit 100000 20 &&
		client limit 300000 0 10 && tenant_limit 100000 10 && client limit 0 0 0 && tenant_limit 100000 20 &&
		"${host[@]}" asan set "$id/1" rate=0 pps=0 && tenant_limit 200000 20 &&
		"${tenant[@]}" asan set "$id/1" rate=0 pps=0 && tenant_limit null null
}

# They expose kernel memory to a client that lies about the header size (SECURITY.md).
fragments_of_the_host() {
	local host=(nsenter -t "$client_pid" -n) id
	id=$("${tenant[@]}" asan show --json | jq -e .devices[0].id) || return 1
	refused "gso-frags=1 requires CAP_NET_ADMIN of the host; run it as root" "${tenant[@]}" asan set "$id/1" gso-frags=1 &&
		! client frags 1 && "${tenant[@]}" asan show --json | jq -e '.queues[1].gso_frags == false' &&
		"${host[@]}" asan set "$id/1" gso-frags=1 &&
		"${tenant[@]}" asan show --json | jq -e '.queues[1].gso_frags' &&
		"${tenant[@]}" asan set "$id/1" gso-frags=0 &&
		"${tenant[@]}" asan show --json | jq -e '.queues[1].gso_frags == false'
}

worker_of_the_host() {
	local id
	id=$("${tenant[@]}" asan show --json | jq -e .devices[0].id) || return 1
	! client worker "$id" 1 >"$work/worker" && grep "Operation not permitted" "$work/worker"
}

part_foreign() {
	local tenant=() in_init=false mode
	mode=$(stat -c %a "$node")
	t "foreign: a tenant" tenant_start vu0
	t "foreign: it cannot lift a limit of the host" limits_of_the_host
	t "foreign: it cannot choose page fragments" fragments_of_the_host
	t "foreign: it cannot move workers" worker_of_the_host
	t "foreign: its tap is moved to the host" moved_to_root
	t "foreign: and its queues start again" moved_before_start
	t "foreign: and it has another tap of this name" another_of_the_tenant
	t "foreign: another tenant" tenant_start vu0
	t "foreign: its tap is deleted with a namespace" never_foreign
	client_end
	t "foreign: a tun of a tenant does not slow down the host" tun_of_the_tenant
	client_end
	chmod "$mode" "$node"
	client_start vt0
}
