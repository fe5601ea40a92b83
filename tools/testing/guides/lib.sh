# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set and read by check-guides, and by the guides
#
# Shell functions of check-guides: set-up that a guide expects of its reader, running a
# step, and the functions for ".. test:" lines.

# ---- the reader's machine and guest ----

# The machine for a guide: udev has given the node to the group kvm; NIC is connected to
# a peer with the address 10.9.1.1.
set_up() {
	qemu_account >/dev/null
	PATH=$root/build/vhost-tapctl:$PATH
	chgrp kvm /dev/vhost-tap && chmod 660 /dev/vhost-tap
	NIC=eth0 SOURCE=$root
	if [[ $guide == sriov ]]; then
		set_up_igb
	else
		ip link add $NIC type veth peer name far
		ip link set $NIC up
	fi
	ip link set far up
	prepare_guest a
	! declare -F "set_up_$guide" >/dev/null || "set_up_$guide"
}

# The NIC with SR-IOV of run-vm --igb; far is the other end of its cable.
set_up_igb() {
	local link
	modprobe -a igb igbvf virtio_net
	for link in /sys/class/net/*/device/driver; do
		case $(readlink -f "$link") in
		*/igb) NIC=$(cut -d / -f 5 <<<"$link") ;;
		*/virtio_net) ip link set "$(cut -d / -f 5 <<<"$link")" name far ;;
		esac
	done
}

# A guest called $1: GUEST has the options of QEMU in addition to the network. The guest
# reads commands from a serial port. One option keeps MMIO kicks off, because emulated
# SVM on 7.x hangs with them (see ../qemu/lib.sh). watchdog_thresh: on a slow host the
# kernel of a microVM, which lacks a clock, must not look hung.
prepare_guest() {
	ctl=$work/ctl-$1
	guest_log=$logs/$1
	rm -f "$ctl".{in,out}
	mkfifo "$ctl".{in,out}
	cat >"$work/$1.cfg" <<-CFG
	[machine]
	  kernel = "$guest_kernel"
	  initrd = "$guest_initrd"
	  append = "console=ttyS0 quiet loglevel=5 panic=-1 mitigations=off tsc=reliable watchdog_thresh=60"
	CFG
	GUEST="-accel kvm -m 256 -smp 2 -nodefaults -no-user-config -display none \
-readconfig $work/$1.cfg -chardev file,id=con,path=$guest_log.console -serial chardev:con \
-chardev pipe,id=ctl,path=$ctl -serial chardev:ctl \
-global virtio-net-pci.disable-legacy=on -global virtio-net-pci.modern-pio-notify=on"
	part=''
}

# ---- steps ----

run_step() {
	local file=$1 kind=${1##*.} text name line
	line=$(sed -n '1s/^# line //p' "$file")
	text=$(sed 1d "$file")
	name="line $line: $(head -n 1 <<<"$text" | cut -c 1-60)"
	step_failed=0
	# Background processes continue to write to the file of their step.
	rm -f "$work/said"
	[[ $kind == test ]] || rm -f "$work/last"
	: >"$work/said"
	[[ $kind == test ]] || ln "$work/said" "$work/last"
	case $kind in
	host) run_block "$file" ;;
	guest) g "$(joined "$text")" >"$work/said" 2>&1 || step_failed=1 ;;
	test) eval "$text" >"$work/said" 2>&1 || step_failed=1 ;;
	fails)
		run_block "$file"
		cp "$work/said" "$work/complaint"
		if [[ $step_failed == 0 ]]; then step_failed=1; else step_failed=0; fi
		name+=" (fails)" ;;
	says)
		says "$text" >"$work/said" 2>&1 || step_failed=1
		name="line $line: the message is what it said" ;;
	esac
	tap_n=$((tap_n + 1))
	if [[ $step_failed == 0 ]]; then
		echo "ok $tap_n $guide: $name"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_n $guide: $name"
		tail -n 15 "$work/said" | sed 's/^/#   /'
		[[ $kind != test ]] || tail -n 15 "$work/last" | sed 's/^/#   before: /'
		tail -n 3 "$guest_log.console" 2>/dev/null | sed 's/^/#   guest: /'
	fi
}

# Run the step in this shell, as if typed; the first failed command ends it.
run_block() {
	trap 'step_failed=1; trap - ERR; return 1' ERR
	# shellcheck source=/dev/null
	. "$1" >"$work/said" 2>&1 </dev/null
	trap - ERR
}

# Send the guest one line: commands in sequence, up to the first failure.
joined() {
	sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' <<<"$1" | sed '/^ *#/d; /^$/d; $!s/$/ \&\&/' | paste -s -d ' '
}

# Check that the output contains each line of the text.
says() {
	local line
	while IFS= read -r line; do
		grep -qF -- "$line" "$work/complaint" || { echo "not said: $line"; cat "$work/complaint"; return 1; }
	done <<<"$1"
}

# ---- functions for ".. test:" lines ----

# Wait until the QEMU that was just started in the background ($!) has booted its guest.
guest_boots() {
	qemu_pid=${1:-$!}
	last_pid=$qemu_pid
	disown "${!:-}" 2>/dev/null
	exec {to_guest}<>"$ctl.in" {from_guest}<>"$ctl.out"
	answer 180 || { cat "$work/said"; return 1; }
	g "(while :; do agent serve 5000; sleep 1; done >/dev/null 2>&1 &)"
	[[ -n $server_pid ]] || { "$agent" serve 5000 >/dev/null 2>&1 & server_pid=$!; disown; }
}

# Send all kinds of packets between the host side .1 and the guest .2 of network $1.
traffic() {
	ping -q -c 3 -i 0.2 -W 5 "$1.2" && "$agent" tcp-send "$1.2" 5000 $((4 << 20)) 1 &&
		g "agent tcp-send $1.1 5000 $((4 << 20)) 2" &&
		"$agent" udp "$1.2" 5000 20 3 && g "agent udp $1.1 5000 20 4"
}

# The VF has carried what traffic() sent.
through_the_vf() {
	local n
	n=$(cat "/sys/class/net/$VF/statistics/tx_bytes")
	echo "the VF has sent $n bytes"
	((n > 4 << 20))
}

no_ping() {
	! ping -q -c 2 -i 0.2 -W 1 "$1"
}

# Attach two NICs of the guest to macvtaps of eth0, as if they were two guests, to test
# whether a broadcast of one arrives at the other.
two_macvtaps() {
	local i
	for i in 0 1; do
		ip link add link eth0 name "mvt$i" type macvtap mode bridge &&
			ip link set "mvt$i" up allmulticast on || return 1
	done
	prepare_guest two
	# shellcheck disable=SC2086 # words
	qemu-system-x86_64 $GUEST -netdev tap,id=n0,fd=5,vhost=on,vhostfd=3 \
		-netdev tap,id=n1,fd=6,vhost=on,vhostfd=4 \
		-device "virtio-net-pci,netdev=n0,mac=$(cat /sys/class/net/mvt0/address)" \
		-device "virtio-net-pci,netdev=n1,mac=$(cat /sys/class/net/mvt1/address)" \
		3<>$node 4<>$node 5<>"/dev/tap$(cat /sys/class/net/mvt0/ifindex)" \
		6<>"/dev/tap$(cat /sys/class/net/mvt1/ifindex)" >"$work/qemu.log" 2>&1 &
	guest_boots && g "ip link set eth0 up && ip link set eth1 up"
}

# arrives_in_mode MODE yes|no
arrives_in_mode() {
	local i before after
	for i in 0 1; do
		ip link set "mvt$i" type macvtap mode "$1" || return 1
	done
	g "cat /sys/class/net/eth1/statistics/rx_packets" >"$work/before"
	g "agent mcast-send eth0 239.1.2.5 6000 12" || return 1
	sleep 1
	g "cat /sys/class/net/eth1/statistics/rx_packets" >"$work/after"
	before=$(tr -dc 0-9 <"$work/before") after=$(tr -dc 0-9 <"$work/after")
	echo "mode $1: $((after - before)) frames arrived, of 12 sent"
	[[ $2 == no ]] || ((after - before >= 10)) || return 1
	[[ $2 == yes ]] || ((after - before <= 2))
}

# QEMU has the node open $1 times, with as many workers.
on_our_node() {
	local have workers rdev
	rdev=$(stat -L -c %t:%T "$node")
	have=$(stat -L -c %F:%t:%T /proc/"$qemu_pid"/fd/* 2>/dev/null | grep -c -x "character special file:$rdev")
	workers=$(worker_tids "$qemu_pid" | wc -l)
	echo "QEMU $qemu_pid holds $have $node, $workers workers (expected $1 of both)"
	[[ $have == "$1" && $workers == "$1" ]]
}

guest_ends() {
	stop_guest && exec {to_guest}>&- {from_guest}>&- && worker_gone
}

# ---- guides with their own set-up ----

# A microVM's board has one serial port, so the second is an ISA card.
prepare_microvm() {
	prepare_guest "$1"
	GUEST=${GUEST/-serial chardev:ctl/-device isa-serial,chardev=ctl,index=1}
}

# The container uses our files read-only; podman runs without systemd and
# manages cgroups itself.
podman_works() {
	local fs=$work/rootfs dir
	mkdir -p "$fs"/{dev,proc,sys,tmp,run,etc/qemu,usr,var,root} /etc/containers
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$fs/$dir"
	done
	cp /etc/ld.so.cache "$fs/etc/"
	cat >/etc/containers/storage.conf <<-CONF
	[storage]
	driver = "vfs"
	graphroot = "$work/podman"
	runroot = "/run/podman"
	CONF
	cat >/etc/containers/containers.conf <<-CONF
	[engine]
	runtime = "crun"
	cgroup_manager = "cgroupfs"
	events_logger = "none"
	[containers]
	log_driver = "none"
	volumes = ["/usr:/usr:ro", "$work:$work", "$logs:$logs",
		"${guest_kernel%/*}:${guest_kernel%/*}:ro", "${guest_initrd%/*}:${guest_initrd%/*}:ro"]
	CONF
	IMAGE="--rootfs $fs"
	# shellcheck disable=SC2086 # words
	podman run --rm --network none $IMAGE true
}

# Find the only QEMU, which another program has just started.
started_boots() {
	local i pid=''
	for ((i = 0; i < 300; i++)); do
		pid=$(pidof qemu-system-x86_64) && break
		sleep 0.2
	done
	[[ -n $pid ]] || { echo "no QEMU"; return 1; }
	guest_boots "$pid"
}

# Wait until testpmd, process $1, has created its tap. It takes the place of QEMU.
testpmd_starts() {
	local i
	qemu_pid=$1
	disown "$1"
	for ((i = 0; i < 300; i++)); do
		[[ ! -e /sys/class/net/dpdk0 ]] || { sleep 1; return 0; }
		kill -0 "$1" || return 1
		sleep 0.2
	done
	return 1
}

# Send in both directions continuously, and compare every byte at the receiver.
load_for_a_move() {
	"$agent" tcp-send "$1.2" 5000 $((1 << 40)) 1 >/dev/null 2>&1 &
	loads=($!)
	disown "$!"
	g "agent tcp-send $1.1 5000 1000000000000 1 >/tmp/load 2>&1" bg
	sleep 2
	kill -0 "${loads[0]}"
}

load_went_on() {
	local before after
	kill -0 "${loads[0]}" || return 1
	before=$(bytes_in_guest) && sleep 3 && after=$(bytes_in_guest) || return 1
	echo "guest received $before, then $after bytes"
	((after > before + 100000)) && g "pidof agent && test ! -s /tmp/load"
}

bytes_in_guest() {
	g "cat /sys/class/net/eth0/statistics/rx_bytes" | tr -dc 0-9
}

# Wait until the destination that was just started ($!) listens at $1.
waits_for_guest() {
	local i
	dest_pid=$!
	disown "$dest_pid"
	for ((i = 0; i < 150; i++)); do
		[[ ! -S $1 ]] || return 0
		sleep 0.2
	done
	return 1
}

# The guest has moved: its output now comes from the destination's serial port.
guest_came() {
	exec {to_guest}>&- {from_guest}>&-
	exec {to_guest}<>"$ctl.in" {from_guest}<>"$ctl.out"
	part='' qemu_pid=$dest_pid last_pid=$dest_pid
	g true
}

# ---- libvirt ----

set_up_libvirt() {
	apparmor_up && libvirtd_up apparmor && make -s -C "$root" install-apparmor || exit 125
	cp "$guest_kernel" /var/lib/libvirt/images/vmlinux
	cp "$guest_initrd" /var/lib/libvirt/images/guest.cpio
}

vm1_is_defined() {
	ctl=$work/ctl guest_log=$work/vm1
	mkfifo "$work"/ctl.{in,out} && : >"$guest_log.console"
	domain_xml vm1 2 >"$work/vm1.xml" && virsh -q define --validate "$work/vm1.xml"
}

domain_boots() {
	guest_boots "$(cat "/run/libvirt/qemu/$1.pid")"
}

domain_ends() {
	virsh -q destroy "$1" && exec {to_guest}>&- {from_guest}>&- && worker_gone
}

libvirtd_again() {
	libvirtd_down && libvirtd_up apparmor
}

# Check that the workers, in the order of their queues, may only run on the CPUs $@.
pinned_to() {
	local tid cpu want=("$@") i=0 bad=0
	for tid in $(worker_tids "$qemu_pid"); do
		cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$tid/status")
		echo "worker $tid: CPU $cpu, expected ${want[i]}"
		[[ $cpu == "${want[i]}" ]] || bad=1
		i=$((i + 1))
	done
	[[ $bad == 0 && $i == "${#want[@]}" ]]
}

# The limit of the first TX queue delays a connection from the guest's first CPU.
slowed() {
	g "taskset 1 agent tcp-send $1.1 5000 4000000 5" || return 1
	vhost-tapctl show
	vhost-tapctl show --json | jq -e '.queues | map(select(.rate == 1000000 and .counters.throttled > 0)) | length == 1'
}

end_guests() {
	local pid
	for pid in $server_pid $qemu_pid "${loads[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	[[ ! -e $guest_log.console ]] || t "the guest's kernel log is clean" guest_log_clean
}
