# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set and read by check-libvirt
#
# Cases of check-libvirt for programs that only support the name /dev/vhost-net.
# The client is QEMU without vhostfd=, which always opens that name. The in-tree module
# is loaded and owns the name. Each case gives the client our node under that name,
# without an effect on other programs.

# Create a tap for user $1.
client_tap() {
	ip link del vt9 2>/dev/null
	ip tuntap add dev vt9 mode tap vnet_hdr user "$1" && ip addr add 10.9.9.1/24 dev vt9 &&
		ip link set vt9 up
	guest_mac=52:54:00:0a:00:09
}

client_netdev=tap,id=n,ifname=vt9,script=no,downscript=no,vhost=on

# $1 names the process of QEMU if it is not the started one.
client_runs() {
	t "the guest boots" answer 120 || { tail -n 5 "$guest_log".* | sed 's/^/# /'; return 1; }
	[[ -z ${1:-} ]] || { qemu_pid=$(cat "$1") && last_pid=$qemu_pid; }
	t "QEMU does not report a fallback" quiet_qemu
	t "/dev/vhost-net in the process is $node" holds 1
	t "the guest finds its NIC" guest_ready 9 || return 1
	t "traffic, content compared" traffic 9
	t "power off" stop_guest
	t "the worker has ended" worker_gone
}

still_in_tree() {
	[[ $(stat -L -c %t:%T /dev/vhost-net) == "$in_tree_rdev" ]]
}

client_case() {
	t "/dev/vhost-net is the in-tree module" test "$in_tree_rdev" != "$node_rdev"
	client_tap "$1"
}

# A mount namespace: only QEMU sees the bind mount, and it ends with QEMU.
case_bind-mount() {
	client_case root || return
	# The inner shell expands its arguments.
	# shellcheck disable=SC2016
	qemu_by=(unshare -m sh -c "mount --bind $node /dev/vhost-net && exec \"\$@\"" sh)
	start_guest "$client_netdev" ""
	client_runs
	t "other processes see the original /dev/vhost-net" still_in_tree
}

# A mount namespace of an unprivileged user in the node's group: a user namespace permits
# the mount.
case_bind-mount-user() {
	client_case libvirt-qemu || return
	chgrp kvm "$node" && chmod 660 "$node"
	chmod 666 /dev/net/tun
	local guest_kernel=$work/vmlinux guest_initrd=$work/guest.cpio all_logs=$logs
	cp "/var/lib/libvirt/images/${guest_kernel##*/}" "/var/lib/libvirt/images/${guest_initrd##*/}" \
		"$work/" && chmod 644 "$guest_kernel" "$guest_initrd"
	logs=$work/user
	mkdir -p "$logs"
	chown libvirt-qemu "$logs"
	# shellcheck disable=SC2016
	qemu_by=(setpriv --reuid libvirt-qemu --regid libvirt-qemu --init-groups
		unshare --user --map-current-user --mount --keep-caps
		sh -c "mount --bind $node /dev/vhost-net && exec \"\$@\"" sh)
	# QEMU opens the fifos of start_guest.
	umask 0
	start_guest "$client_netdev" ""
	umask 022
	client_runs
	t "other processes see the original /dev/vhost-net" still_in_tree
	cp "$logs"/*.{console,qemu} "$all_logs/"
	logs=$all_logs
}

two_devices() {
	device_folders "$qemu_pid"
	[[ $(device_folders "$qemu_pid" | wc -l) == 2 ]]
}

# The whole machine: the module takes over the name. The domain has no <backend>, and the
# profiles of AppArmor no rule for the other name.
case_takeover() {
	local tapctl=$root/build/vhost-tapctl/vhost-tapctl own_node=$node own_rdev=$node_rdev
	local backend=''
	take_override_back
	t "in-tree has the name" still_in_tree
	t "takeover on" "$tapctl" takeover on
	chgrp kvm /dev/vhost-net && chmod 660 /dev/vhost-net
	node=/dev/vhost-net node_rdev=$in_tree_rdev
	# The numbers are in-tree's, but the driver is not.
	t "the driver of /dev/vhost-net is vhost-tap" test ! -e /sys/module/vhost_net
	if t "define and start, without <backend>" define_and_start 2 1 &&
		t "the guest boots" answer 120 && t "the guest finds its NIC" guest_ready 1; then
		t "QEMU is confined" grep -q '^libvirt-[0-9a-f-]* (enforce)' "/proc/$qemu_pid/attr/current"
		t "QEMU holds 2 x $node, as many workers" holds 2
		t "vhost-tap has these devices" two_devices
		t "traffic, content compared" traffic 1
		t "attach-device, with no rule added" attach_other
		t "the guest gets the plugged NIC" plugged 7
		t "traffic, content compared" traffic 7 2
		t "takeover off is refused meanwhile" eval "! $tapctl takeover off"
		t "destroy" v destroy "$dom"
	fi
	end_domain
	node=$own_node node_rdev=$own_rdev
	t "takeover off" "$tapctl" takeover off
	t "in-tree has the name again" still_in_tree
	t "make install-apparmor" make -s -C "$root" install-apparmor
}

# A link: tmpfiles.d makes the name a link before any program opens it. The test runs the
# same commands as systemd at boot, in the order of file names.
case_tmpfiles() {
	client_case root || return
	mkdir -p /run/tmpfiles.d /etc/tmpfiles.d
	t "the kernel's static nodes" kmod static-nodes --format=tmpfiles \
		--output=/run/tmpfiles.d/static-nodes.conf
	cp "$root/dist/00-vhost-net-is-vhost-tap.conf" /etc/tmpfiles.d/
	t "systemd-tmpfiles creates the link" systemd-tmpfiles --prefix=/dev --create --boot
	t "/dev/vhost-net leads to $node" leads_there
	t "reloading in-tree vhost_net keeps the link" reload_in_tree
	qemu_by=()
	start_guest "$client_netdev" ""
	client_runs
	rm /etc/tmpfiles.d/00-vhost-net-is-vhost-tap.conf /dev/vhost-net
	rmmod vhost_net && modprobe vhost_net
	t "without the file the name is the in-tree module" still_in_tree
}

leads_there() {
	ls -l /dev/vhost-net
	[[ $(readlink -f /dev/vhost-net) == "$node" ]]
}

reload_in_tree() {
	rmmod vhost_net && modprobe vhost_net && leads_there
}

# A container: --device SOURCE:NAME, with the engine's device filter and its AppArmor
# profile. The container uses our files read-only.
case_container() {
	local fs=$work/rootfs dir
	client_case root || return
	mkdir -p "$fs"/{dev,proc,sys,tmp,run,etc,usr,var,root}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$fs/$dir"
	done
	cp /etc/ld.so.cache "$fs/etc/"
	qemu_by=(podman --root "$work/podman" --runroot /run/podman --storage-driver vfs
		--cgroup-manager cgroupfs --events-backend none --runtime crun
		run --rm --network host --pidfile "$work/container.pid" --log-driver none
		--device "$node:/dev/vhost-net" --device /dev/kvm --device /dev/net/tun
		-v "/usr:/usr:ro" -v "$work:$work" -v "$logs:$logs"
		-v "${guest_kernel%/*}:${guest_kernel%/*}:ro" -v "${guest_initrd%/*}:${guest_initrd%/*}:ro"
		--rootfs "$fs")
	start_guest "$client_netdev" ""
	podman_pid=$qemu_pid
	client_runs "$work/container.pid"
	# podman removes its files after the container has ended.
	wait "$podman_pid"
	t "other processes see the original /dev/vhost-net" still_in_tree
}
