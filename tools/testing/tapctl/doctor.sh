# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set by check-ctl; read by it
#
# Shell functions of check-ctl: each finding of the doctor, provoked and mended by
# the command that is printed with it. The others: the module that dkms has for
# another kernel, in ../packages/use-deb.sh, and SELinux, in ../libvirt/check-selinux.

# The doctor with "$@"; its findings, and below the line of $1 its command. With
# ASan the first time.
sick() {
	"${doctor:-asan}" doctor "${@:2}" >"$work/doctor" 2>&1
	grep -q -F -- "$1" "$work/doctor"
}

# $1 is found, the command that is printed with it mends it, in at most three
# rounds (a node may want two things).
mended() {
	local what=$1 cmd round doctor
	shift
	sick "$what" "$@" || { echo "not found: $what"; cat "$work/doctor"; return 1; }
	doctor=vhost-tapctl
	for round in 1 2 3; do
		grep -F -A 1 -- "$what" "$work/doctor" | grep -q '^  why:  .' || { echo "no reason"; return 1; }
		cmd=$(grep -F -A 2 -- "$what" "$work/doctor" | sed -n 's/^  mend: //p' | head -n 1)
		echo "$what -> $cmd"
		[[ -n $cmd ]] || return 1
		bash -e -c "$cmd" >"$work/mend" 2>&1
		if [[ $cmd == *"vhost-tapctl doctor"* ]]; then
			! grep -F -- "$what" "$work/mend"
			return
		fi
		sick "$what" "$@" || return 0
	done
	cat "$work/mend" "$work/doctor"
	return 1
}

# A folder of modules that depmod is done with in no time.
few_modules() {
	local dir keep=$work/modules name file
	dir=/lib/modules/$(uname -r)
	mkdir -p "$keep"
	for name in tun tap vhost vhost_iotlb vhost_net; do
		file=$(modinfo -n "$name") && [[ -e $file ]] && cp "$file" "$keep/"
	done
	cp "$dir"/modules.{order,builtin,builtin.modinfo} "$keep/" 2>/dev/null
	mkdir "$keep/extra"
	cp "$VTAP_KO" "$keep/extra/vhost_tap.ko"
	mount --bind "$keep" "$dir" && depmod
}

mend_t() { # SETUP WHAT DOCTOR-ARG...
	eval "$1" >"$work/setup" 2>&1 || { cat "$work/setup"; return 1; }
	mended "${@:2}"
}

doctor_tap() {
	local make='ip tuntap add dev dt0 mode tap vnet_hdr' drop='ip link del dt0 2>/dev/null;'
	t "doctor: no tap" mend_t "$drop true" "there is no such tap" --tap dt0 --queues 1
	t "doctor: tap without multi_queue" mend_t "$drop $make" "made without multi_queue" --tap dt0 --queues 4
	t "doctor: multi_queue for one queue" mend_t "$drop $make multi_queue" "with multi_queue, for one queue" --tap dt0
	t "doctor: tap without vnet_hdr" mend_t "$drop ip tuntap add dev dt0 mode tap" "without vnet_hdr" --tap dt0
	t "doctor: somebody else's tap" mend_t "$drop $make user root" "belongs to somebody else" --tap dt0 --user nobody
	t "doctor: link down" mend_t "$drop $make" "the link is down" --tap dt0
	t "doctor: scatter-gather off" mend_t "ethtool -K dt0 sg off" "scatter-gather is off" --tap dt0
	t "doctor: GSO off" mend_t "ethtool -K dt0 gso off" "segmentation offload is off" --tap dt0
	t "doctor: more queues than processors" mend_t true "64 queues on" --tap dt0 --queues 64
	ip link del dt0
	ip link add dmy0 type dummy
	ip link set dmy0 up
	t "doctor: no tap but a NIC" mend_t true "the link is no tap" --tap dmy0 --queues 2
	t "doctor: no macvtap but a NIC" mend_t true "the link is no macvtap" --macvtap dmy0
	t "doctor: no macvtap" mend_t true "there is no such macvtap" --macvtap dm0
	t "doctor: no tap but a macvtap" mend_t true "the link is no tap" --tap dm0
	t "doctor: no macvtap but a tap" mend_t true "the link is no macvtap" --macvtap tap0 --queues 2
	ip link del tap0
	ip link del macvtap0
	t "doctor: macvtap without its node" mend_t 'rm /dev/tap*' "node is not there" --macvtap dm0
	t "doctor: macvtap's node closed" mend_t 'chmod 600 /dev/tap*; chgrp root /dev/tap*' \
		"node may not be opened" --macvtap dm0 --user ctl
	ip link del dmy0
}

# The note names who has it; the command leaves that one alone, and who comes next
# gets our node.
in_tree_user() {
	local pid next
	ip tuntap add dev dt1 mode tap vnet_hdr && ip tuntap add dev dt2 mode tap vnet_hdr || return 1
	quick_vmm dt1 && pid=$vmm_pid || return 1
	sick "in-tree vhost_net is in use, too (process $pid, qemu-system" || { cat "$work/doctor"; return 1; }
	mended "in-tree vhost_net is in use" || return 1
	quick_vmm dt2 && next=$vmm_pid || return 1
	vhost-tapctl show --json | jq -c '[.devices[].owner_pid]' | tee "$work/owners"
	kill "$pid" "$next"
	wait "$pid" "$next"
	umount /dev/vhost-net
	ip link del dt1
	ip link del dt2
	[[ $(<"$work/owners") == "[$next]" ]]
}

# QEMU without a machine, that asks for vhost=on and no more; it says when it is there.
quick_vmm() { # TAP
	local i
	qemu-system-x86_64 -machine none -nodefaults -display none \
		-netdev "tap,id=n,ifname=$1,script=no,downscript=no,vhost=on" \
		-qmp "unix:$work/$1.qmp,server=on,wait=off" >"$work/$1.vmm" 2>&1 &
	vmm_pid=$!
	for ((i = 0; i < 100; i++)); do
		[[ ! -S $work/$1.qmp ]] || { sleep 0.3; return 0; }
		sleep 0.1
	done
	cat "$work/$1.vmm"
	return 1
}

# Two processors for as long as this takes.
free_worker() {
	local cpu=/sys/devices/system/cpu/cpu1/online tid status=0
	echo 1 >$cpu && client_start vt0 || return 1
	mended "runs on any processor" || status=1
	tid=$(vhost-tapctl show --json | jq '.devices[0].workers[0].tid')
	[[ $(taskset -p -c "$tid") == *": 0" ]] || { taskset -p -c "$tid"; status=1; }
	client_end
	echo 0 >$cpu
	return $status
}

# It cannot be mended here: the key goes into the firmware, by its own screen.
unsigned() {
	sick "not signed by a key that this kernel knows" && grep -A 2 "not signed" "$work/doctor" &&
		grep -q '^  mend: .*mokutil --import /var/lib/dkms/mok.pub$' "$work/doctor"
}

part_doctor() {
	client_end
	getent group kvm >/dev/null || groupadd kvm
	useradd -M ctl
	t "modules that modprobe finds" few_modules
	t "doctor: module not loaded" mend_t "rmmod vhost_tap" "vhost_tap is not loaded"
	t "doctor: tun not loaded" mend_t "rmmod vhost_tap vhost_net tun" "tun is not loaded"
	modprobe -a vhost_net vhost_tap
	t "doctor: unsigned module" unsigned
	t "doctor: node under another name" mend_t "rmmod vhost_tap; modprobe vhost_tap devname=vtapx" \
		"under another name"
	t "doctor: vhost_net in use, and by whom" in_tree_user
	t "doctor: worker not pinned" free_worker
	t "doctor: node missing" mend_t "rm $node" "$node is not there"
	t "doctor: node is a file" mend_t "rm $node; touch $node" "$node is something else"
	t "doctor: node not for this user" mend_t "chown root:root $node; chmod 600 $node" \
		"$node may not be opened" --user ctl
	t "doctor: /dev/net/tun missing" mend_t "rm /dev/net/tun" "/dev/net/tun is not there"
	t "doctor: /dev/net/tun closed" mend_t "chmod 600 /dev/net/tun" "/dev/net/tun may not be opened" --user ctl
	t "doctor: few memory slots" mend_t true "few memory slots"
	t "doctor: AppArmor" mend_t "mkdir -p /etc/apparmor.d/abstractions;
		rm -rf /etc/apparmor.d/abstractions/libvirt-qemu.d; touch /etc/apparmor.d/abstractions/libvirt-qemu" \
		"AppArmor does not let"
	doctor_tap
	ip tuntap add dev dt0 mode tap vnet_hdr
	ip link set dt0 up
	t "doctor: nothing left" status 0 asan doctor --tap dt0
	ip link del dt0
	client_start vt0
}
