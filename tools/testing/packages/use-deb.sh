# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # read by lib.sh; set by check-deb
#
# The part of check-deb that runs in the VM: $root is a Debian system in which the
# packages were installed, and its kernel is the one that runs.

read -r guest_kernel guest_initrd <<<"$VTAP_GUEST"
agent=${guest_initrd%.cpio}.agent node=/dev/vhost-tap case_name="in the VM" guest_mac=52:54:00:fe:c7:02
work=$(mktemp -d /tmp/use-deb.XXXXXX)
logs=$VTAP_OUT
# shellcheck source-path=SCRIPTDIR source=../qemu/lib.sh
. "$PWD/tools/testing/qemu/lib.sh"

inside() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"
}

is_given_to_kvm() {
	local i
	for ((i = 0; i < 50; i++)); do
		[[ $(inside stat -c '%G %a' "$node") == "kvm 660" ]] && return 0
		sleep 0.2
	done
	ls -l "$node"
	return 1
}

traffic() {
	ping -q -c 3 -i 0.2 -W 5 10.9.1.2 && "$agent" tcp-send 10.9.1.2 5000 $((4 << 20)) 1 &&
		g "agent tcp-send 10.9.1.1 5000 $((4 << 20)) 2"
}

a_guest() {
	ip tuntap add dev vt0 mode tap vnet_hdr && ip addr add 10.9.1.1/24 dev vt0 &&
		ip link set vt0 up || return 1
	exec {vfd}<>"$node"
	start_guest "tap,id=n,ifname=vt0,script=no,downscript=no,vhost=on,vhostfd=$vfd" ""
	exec {vfd}>&-
	answer 120 && guest_net 10.9.1 || return 1
	"$agent" serve 5000 >/dev/null 2>&1 &
	server_pid=$!
	ms_before=0
	traffic
}

# What the timer starts, as it is in the unit.
stats_written() {
	local unit=$root/lib/systemd/system/vhost-tap-stats.service command
	mkdir -p "$root/var/lib/prometheus/node-exporter"
	read -ra command < <(sed -n 's/^ExecStart=//p' "$unit")
	inside "${command[@]}" || return 1
	cat "$root/var/lib/prometheus/node-exporter/vhost_tap.prom"
	grep -q '^vhost_tap_packets_total{.*} [1-9]' "$root/var/lib/prometheus/node-exporter/vhost_tap.prom"
}

for dir in proc sys dev; do
	mount --rbind /$dir "$root/$dir"
done
mkdir -p "$root/run/udev"
inside /lib/systemd/systemd-udevd --daemon
# What happens at boot: a node that loads the module when it is opened, and the file
# in modules-load.d.
t "the kernel's static nodes have ours" \
	inside sh -c 'kmod static-nodes --format=tmpfiles | tee /dev/stderr | grep -q /dev/vhost-tap'
t "systemd-modules-load loads the module" inside /lib/systemd/systemd-modules-load
t "it is the one of dkms" test "$(cat /sys/module/vhost_tap/srcversion)" = \
	"$(inside modinfo -F srcversion vhost_tap)"
t "udev gives the node to the group kvm" is_given_to_kvm
t "a guest in QEMU has packets" a_guest
t "vhost-tapctl show: the device of that QEMU" \
	inside sh -c "vhost-tapctl show | tee /dev/stderr | grep -qw $qemu_pid"
t "vhost-tapctl stats --json is JSON" \
	bash -c "chroot '$root' vhost-tapctl stats --json | python3 -m json.tool"
t "the timer's command writes the counters" stats_written
t "the units are well-formed" inside systemd-analyze verify vhost-tap-stats.timer
t "power off" stop_guest
t "the worker is gone" worker_gone
end_guest
t "the module is unloaded" inside modprobe -r vhost_tap
tap_end
