# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set by check-ctl; read by it
#
# Shell functions of check-ctl: provoke each finding of the doctor and run the command
# that it prints. Other tests cover two findings: ../packages/use-deb.sh a module that
# DKMS has only for another kernel, ../libvirt/check-selinux SELinux.

# Check that the doctor, with the arguments after $1, reports the finding $1. Uses the build
# with ASan unless $doctor names another one.
finds() {
	"${doctor:-asan}" doctor "${@:2}" >"$work/doctor" 2>&1
	grep -q -F -- "$1" "$work/doctor"
}

# The doctor reports $1, and the command that it prints fixes it. A node may need two
# fixes, so try up to three times.
fixed() {
	local what=$1 cmd round doctor
	shift
	finds "$what" "$@" || { echo "not found: $what"; cat "$work/doctor"; return 1; }
	doctor=vhost-tapctl
	for round in 1 2 3; do
		grep -F -A 1 -- "$what" "$work/doctor" | grep '^  why: .' >/dev/null || { echo "no reason"; return 1; }
		cmd=$(grep -F -A 2 -- "$what" "$work/doctor" | sed -n 's/^  fix: //p' | head -n 1)
		echo "$what -> $cmd"
		[[ -n $cmd ]] || return 1
		bash -e -c "$cmd" >"$work/fix" 2>&1
		if [[ $cmd == *"vhost-tapctl doctor"* ]]; then
			! grep -F -- "$what" "$work/fix"
			return
		fi
		finds "$what" "$@" || return 0
	done
	cat "$work/fix" "$work/doctor"
	return 1
}

# A folder with few modules, which makes depmod fast.
few_modules() {
	local dir keep=$work/modules name file
	[[ ! -d $keep ]] || return 0
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

fix_t() { # SETUP WHAT DOCTOR-ARG...
	eval "$1" >"$work/setup" 2>&1 || { cat "$work/setup"; return 1; }
	fixed "${@:2}"
}

doctor_tap() {
	local make='ip tuntap add dev dt0 mode tap vnet_hdr' drop='ip link del dt0 2>/dev/null;'
	t "doctor: no tap" fix_t "$drop true" "the tap does not exist" --tap dt0 --queues 1
	t "doctor: tap without multi_queue" fix_t "$drop $make" "made without multi_queue" --tap dt0 --queues 4
	t "doctor: multi_queue for one queue" fix_t "$drop $make multi_queue" "with multi_queue, for one queue" --tap dt0
	t "doctor: tap without vnet_hdr" fix_t "$drop ip tuntap add dev dt0 mode tap" "without vnet_hdr" --tap dt0
	t "doctor: another user's tap" fix_t "$drop $make user root" "belongs to another user" --tap dt0 --user nobody
	t "doctor: link down" fix_t "$drop $make" "the link is down" --tap dt0
	t "doctor: scatter-gather off" fix_t "ethtool -K dt0 sg off" "scatter-gather is off" --tap dt0
	t "doctor: GSO off" fix_t "ethtool -K dt0 gso off" "segmentation offload is off" --tap dt0
	t "doctor: more queues than CPUs" fix_t true "64 queues on" --tap dt0 --queues 64
	ip link del dt0
	ip link add dmy0 type dummy
	ip link set dmy0 up
	t "doctor: no tap but a NIC" fix_t true "the link is not a tap" --tap dmy0 --queues 2
	t "doctor: no macvtap but a NIC" fix_t true "the link is not a macvtap" --macvtap dmy0
	t "doctor: no macvtap" fix_t true "the macvtap does not exist" --macvtap dm0
	t "doctor: no tap but a macvtap" fix_t true "the link is not a tap" --tap dm0
	t "doctor: no macvtap but a tap" fix_t true "the link is not a macvtap" --macvtap tap0 --queues 2
	ip link del tap0
	ip link del macvtap0
	t "doctor: macvtap without its node" fix_t 'rm /dev/tap*' "node does not exist" --macvtap dm0
	t "doctor: macvtap's node closed" fix_t 'chmod 600 /dev/tap*; chgrp root /dev/tap*' \
		"may not open the macvtap's node" --macvtap dm0 --user ctl
	ip link del dmy0
}

# The finding names the process that uses the node. The command does not affect that
# process; the next VMM gets our node.
in_tree_user() {
	local pid next
	ip tuntap add dev dt1 mode tap vnet_hdr && ip tuntap add dev dt2 mode tap vnet_hdr || return 1
	quick_vmm dt1 && pid=$vmm_pid || return 1
	finds "in-tree vhost-net is in use (process $pid, qemu-system" || { cat "$work/doctor"; return 1; }
	fixed "in-tree vhost-net is in use" || return 1
	quick_vmm dt2 && next=$vmm_pid || return 1
	vhost-tapctl show --json | jq -c '[.devices[].owner_pid]' | tee "$work/owners"
	kill "$pid" "$next"
	wait "$pid" "$next"
	umount /dev/vhost-net
	ip link del dt1
	ip link del dt2
	[[ $(<"$work/owners") == "[$next]" ]]
}

# Start QEMU without a machine, with vhost=on only. Returns when it is ready.
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

# Use a second CPU during this test.
free_worker() {
	local cpu=/sys/devices/system/cpu/cpu1/online tid status=0
	echo 1 >$cpu && client_start vt0 || return 1
	fixed "may run on any CPU" || status=1
	tid=$(vhost-tapctl show --json | jq '.devices[0].workers[0].tid')
	[[ $(taskset -p -c "$tid") == *": 0" ]] || { taskset -p -c "$tid"; status=1; }
	client_end
	echo 0 >$cpu
	return $status
}

# This test cannot apply the fix: the firmware enrolls the key, on its own screen.
unsigned() {
	finds "not signed by a key that this kernel knows" && grep -A 2 "not signed" "$work/doctor" &&
		grep -q '^  fix: .*mokutil --import /var/lib/dkms/mok.pub$' "$work/doctor"
}

# A process holds a file on a dead mount, as happens with NFS.
dead_mount() {
	local pid=$1 status=0
	ls -l "/proc/$pid/fd"
	if timeout 3 stat -L "/proc/$pid/fd/4"; then
		echo "the mount is not dead"
		return 1
	fi
	exec {in_tree}<>/dev/vhost-net
	timeout 20 vhost-tapctl doctor >"$work/doctor"
	[[ $? != 124 ]] && grep "in-tree vhost-net is in use (process $$, check-ctl" "$work/doctor" || status=1
	timeout 20 vhost-tapctl show || status=1
	timeout 20 vhost-tapctl prometheus >"$work/prom" || status=1
	exec {in_tree}>&-
	return $status
}

# A module with another version. Only the string in the file differs, so $1 must have the
# length of the true version.
other_version() {
	local version
	version=$(modinfo -F version "$VTAP_KO")
	LC_ALL=C sed "s/\\x00version=$version\\x00/\\x00version=$1\\x00/" "$VTAP_KO" >"$work/other.ko"
	[[ $(modinfo -F version "$work/other.ko") == "$1" ]]
}

other_build() {
	local build
	build=$(modinfo -F srcversion "$VTAP_KO")
	LC_ALL=C sed "s/srcversion=$build/srcversion=$(rev <<<"$build")/" "$VTAP_KO" >"$work/other.ko"
	[[ $(modinfo -F srcversion "$work/other.ko") != "$build" ]]
}

versions() {
	local installed folder=$work/modules
	installed=$folder/extra/vhost_tap.ko
	t "doctor: another version is loaded" fix_t \
		"other_version 9.9.9 && rmmod vhost_tap && insmod $work/other.ko" \
		"the loaded module has version 9.9.9, the installed one"
	t "doctor: another build is loaded" fix_t "other_build && rmmod vhost_tap && insmod $work/other.ko" \
		"the loaded module is not the installed build of version"
	other_version 9.9.9
	cp "$work/other.ko" "$installed"
	t "doctor: the tool has another version" eval "rmmod vhost_tap && modprobe vhost_tap &&
		finds 'vhost-tapctl has version $(vhost-tapctl --version | cut -d' ' -f2), the module 9.9.9'"
	rmmod vhost_tap
	t "doctor: the installed module has another version" finds "the module 9.9.9"
	cp "$VTAP_KO" "$installed"
	modprobe vhost_tap
	mkdir "$folder/updates"
	cp "$work/other.ko" "$folder/updates/vhost_tap.ko"
	t "doctor: a copy of another version is hidden" finds "updates/vhost_tap.ko (version 9.9.9)"
	rm -r "$folder/updates"
	t "doctor: one version, no finding" eval "! finds version || ! cat $work/doctor"
}

# With two CPUs, the doctor looks for workers that are not pinned.
loads_nothing() {
	local cpu=/sys/devices/system/cpu/cpu1/online status=0
	echo 1 >$cpu && rmmod vhost_tap || return 1
	vhost-tapctl doctor >/dev/null
	vhost-tapctl report -o "$work/report.tar.gz" || status=1
	[[ ! -e /sys/module/vhost_tap ]] || { echo "the module is loaded"; status=1; }
	echo 0 >$cpu
	modprobe vhost_tap
	return $status
}

part_doctor() {
	client_end
	getent group kvm >/dev/null || groupadd kvm
	useradd -M ctl
	t "modules that modprobe finds" few_modules
	t "doctor: module not loaded" fix_t "rmmod vhost_tap" "vhost_tap is not loaded"
	t "doctor: tun not loaded" fix_t "rmmod vhost_tap vhost_net tun" "tun is not loaded"
	modprobe -a vhost_net vhost_tap
	t "doctor and report load no module" loads_nothing
	t "doctor: unsigned module" unsigned
	versions
	t "doctor: node under another name" fix_t "rmmod vhost_tap; modprobe vhost_tap devname=vtapx" \
		"node has another name"
	t "doctor: vhost_net in use, and by whom" in_tree_user
	mkdir "$work/dead"
	modprobe fuse
	coproc DEADFS { exec "$root/build/tapctl-test/deadfs" "$work/dead"; }
	# shellcheck disable=SC2153
	dead_pid=$DEADFS_PID
	read -r -t 20 -u "${DEADFS[0]}" _
	t "doctor: a file on a dead mount" dead_mount "$dead_pid"
	umount -l "$work/dead"
	kill "$dead_pid"
	t "doctor: worker not pinned" free_worker
	t "doctor: node missing" fix_t "rm $node" "$node does not exist"
	t "doctor: node is a file" fix_t "rm $node; touch $node" "$node is not the module's node"
	t "doctor: node not for this user" fix_t "chown root:root $node; chmod 600 $node" \
		"may not open $node" --user ctl
	t "doctor: /dev/net/tun missing" fix_t "rm /dev/net/tun" "/dev/net/tun does not exist"
	t "doctor: /dev/net/tun closed" fix_t "chmod 600 /dev/net/tun" "may not open /dev/net/tun" --user ctl
	t "doctor: few memory regions" fix_t true "few memory regions"
	t "doctor: AppArmor" fix_t "mkdir -p /etc/apparmor.d/abstractions;
		rm -rf /etc/apparmor.d/abstractions/libvirt-qemu.d; touch /etc/apparmor.d/abstractions/libvirt-qemu" \
		"AppArmor does not let"
	doctor_tap
	ip tuntap add dev dt0 mode tap vnet_hdr
	ip link set dt0 up
	t "doctor: nothing left" status 0 asan doctor --tap dt0
	ip link del dt0
	client_start vt0
}
