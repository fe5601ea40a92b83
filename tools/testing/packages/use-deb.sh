# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # read by lib.sh; set by check-deb
#
# The part of check-deb in the VM. $root is a Debian system with the packages installed,
# and its kernel runs.

read -r guest_kernel guest_initrd <<<"$VTAP_GUEST"
agent=${guest_initrd%.cpio}.agent node=/dev/vhost-tap case_name="in the VM" guest_mac=52:54:00:fe:c7:02
work=$(mktemp -d /tmp/use-deb.XXXXXX)
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
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

# ---- systemd, as in a container ----

# Start PID 1 with its own process, mount and control group namespaces, and our network.
# Its /proc only shows its own processes.
systemd_up() {
	local i
	inside systemctl enable vhost-tap-stats.timer || return 1
	mkdir -p "$root/var/lib/prometheus/node-exporter" /sys/fs/cgroup/box
	cat >"$work/boot" <<-SH
	echo \$\$ >/sys/fs/cgroup/box/cgroup.procs
	exec unshare --pid --fork --kill-child --mount --propagation private --cgroup bash -e -c '
		mount --rbind $root $root
		cd $root
		mount -t proc -o hidepid=2 proc proc
		mount -t tmpfs -o mode=755 run run
		umount sys/fs/cgroup
		mount -t cgroup2 cgroup sys/fs/cgroup
		mkdir -p old
		pivot_root . old
		umount -l /old
		exec env -i container=vm /lib/systemd/systemd --unit=basic.target --log-target=console'
	SH
	bash "$work/boot" >"$VTAP_OUT/systemd.log" 2>&1 </dev/null &
	systemd_job=$!
	for ((i = 0; i < 300; i++)); do
		systemd=$(pgrep -x systemd) && [[ $(in_systemd systemctl is-active basic.target) == active ]] && return 0
		sleep 0.2
	done
	tail -n 5 "$VTAP_OUT/systemd.log"
	return 1
}

in_systemd() { nsenter -t "$systemd" -m -p -C env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

prom=$root/var/lib/prometheus/node-exporter/vhost_tap.prom

# A VMM of an unprivileged user, on the tap vt1.
other_users_vmm() {
	local caps=+net_admin,+net_raw
	# No pipeline: bash's wait would wait for the sleep, too.
	setpriv --reuid 65534 --regid "$(stat -c %g "$node")" --clear-groups --inh-caps "$caps" --ambient-caps "$caps" \
		"$PWD/build/tapctl-test/client" vt1 < <(echo "tx 5"; exec sleep 3600) >"$work/client" 2>&1 &
	client_job=$!
	for ((i = 0; i < 300; i++)); do
		[[ $(grep -cx ok "$work/client") != 2 ]] || return 0
		sleep 0.2
	done
	cat "$work/client"
	return 1
}

# The timer has written the file again, with the packets of both VMMs under the names of
# their taps.
written_again() {
	local i
	rm -f "$prom"
	for ((i = 0; i < 300; i++)); do
		grep -s '^vhost_tap_packets_total{.*tap="vt0".*} [1-9]' "$prom" &&
			grep -s '^vhost_tap_packets_total{.*tap="vt1".*} 5$' "$prom" && return 0
		sleep 0.2
	done
	cat "$prom"
	in_systemd systemctl status vhost-tap-stats.timer vhost-tap-stats.service
	return 1
}

# Until a run ends, its times are 0. The timer may have started the next run already.
unit_succeeds() {
	local i
	for ((i = 0; i < 300; i++)); do
		in_systemd systemctl show vhost-tap-stats.service -p Result -p ExecMainStatus -p ExecMainExitTimestampMonotonic >"$work/unit"
		grep -qx ExecMainExitTimestampMonotonic=0 "$work/unit" || break
		sleep 0.2
	done
	cat "$work/unit"
	grep -qx Result=success "$work/unit" && grep -qx ExecMainStatus=0 "$work/unit" && [[ $i -lt 300 ]]
}

systemd_down() {
	kill -KILL "$systemd"
	wait "$systemd_job"
}

# ---- the doctor, with dkms installed ----

# The doctor reports that the module is not installed, and its command, which starts with
# $1, fixes that.
doctor_fixes() {
	local what="vhost_tap is not installed for this kernel" cmd
	inside vhost-tapctl doctor | tee "$work/doctor"
	cmd=$(grep -A 2 "$what" "$work/doctor" | sed -n 's/^  fix: //p')
	[[ $cmd == "$1"* ]] || return 1
	inside DEBIAN_FRONTEND=noninteractive bash -e -c "$cmd" &&
		! inside vhost-tapctl doctor | grep "$what" && [[ -c $node ]]
}

# No kernel has the module. The command does not run here, because a build takes ten
# minutes in a VM without KVM. check-deb tests both halves of it: the installation outside
# of the VM, the loading in it.
doctor_says_apt() {
	inside vhost-tapctl doctor | tee "$work/doctor"
	grep -A 2 "vhost_tap is not installed for this kernel" "$work/doctor" |
		grep -x "  fix: apt-get install vhost-tap-dkms && modprobe vhost_tap"
}

for dir in proc sys dev; do
	mount --rbind /$dir "$root/$dir"
done
mkdir -p "$root/run/udev"
inside /lib/systemd/systemd-udevd --daemon
# At boot: a node that loads the module when it is opened, and the file in
# modules-load.d.
t "the kernel's static nodes include vhost-tap" \
	inside sh -c 'kmod static-nodes --format=tmpfiles | tee /dev/stderr | grep -q /dev/vhost-tap'
t "systemd-modules-load loads the module" inside /lib/systemd/systemd-modules-load
t "the loaded module is that of dkms" test "$(cat /sys/module/vhost_tap/srcversion)" = \
	"$(inside modinfo -F srcversion vhost_tap)"
t "udev gives the node to the group kvm" is_given_to_kvm
t "a guest in QEMU has packets" a_guest
t "vhost-tapctl show: the device of that QEMU" \
	inside sh -c "vhost-tapctl show | tee /dev/stderr | grep -qw $qemu_pid"
t "vhost-tapctl stats --json is JSON" \
	bash -c "chroot '$root' vhost-tapctl stats --json | python3 -m json.tool"
t "a VMM of another user" other_users_vmm
t "systemd starts, with the timer enabled" systemd_up
t "the timer writes the counters" written_again
t "the timer writes the counters again" written_again
t "the unit has ended with success" unit_succeeds
systemd_down
kill "$client_job"
wait "$client_job"
t "the units are well-formed" inside systemd-analyze verify vhost-tap-stats.timer
t "power off" stop_guest
t "the worker has ended" worker_gone
end_guest
modprobe -r vhost_net
t "takeover of /dev/vhost-net" inside vhost-tapctl takeover on --persist
t "udev gives that node to the group kvm, too" eval "node=/dev/vhost-net; is_given_to_kvm"
node=/dev/vhost-tap
t "the module is unloaded" inside modprobe -r vhost_tap
t "dkms uninstall" inside dkms uninstall "vhost-tap/$version" -k "$(uname -r)"
t "doctor: no DKMS module for this kernel" doctor_fixes "dkms autoinstall &&"
t "apt purge of the module" inside sh -c "modprobe -r vhost_tap && apt-get -y purge vhost-tap-dkms"
t "the purge has undone the takeover" test ! -e "$root/etc/modprobe.d/vhost-tap-takeover.conf"
t "doctor: the module is not installed" doctor_says_apt
tap_end
