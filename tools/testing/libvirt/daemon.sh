# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set and read by check-libvirt
#
# Shell functions of check-libvirt in the VM, a host of Debian 12 or 13. They replace its
# boot scripts: load the profiles of the security modules, run libvirtd without systemd.

# Give /dev/kvm to the group of QEMU's account, as udev does.
qemu_account() {
	id libvirt-qemu && chgrp kvm /dev/kvm && chmod 660 /dev/kvm
}

# Debian's kernels start with AppArmor on; load the profiles as its service does.
apparmor_up() {
	mount -t securityfs none /sys/kernel/security &&
		apparmor_parser -r /etc/apparmor.d/usr.{sbin.libvirtd,lib.libvirt.virt-aa-helper}
}

# Start libvirtd with security driver $1 (none or apparmor) and the QEMU driver. QEMU
# runs as libvirt-qemu, as in Debian. stdio_handler avoids virtlogd, which would be
# another daemon.
libvirtd_up() {
	local i
	cat >/etc/libvirt/qemu.conf <<-CONF
	security_driver = "$1"
	stdio_handler = "file"
	CONF
	cat >/etc/libvirt/libvirtd.conf <<-CONF
	auth_unix_rw = "none"
	log_filters = "1:qemu.qemu_command 3:*"
	log_outputs = "3:file:$logs/libvirtd.log"
	CONF
	mkdir -p /run/libvirt /run/lock /var/log/libvirt/qemu
	rm -f /run/libvirtd.pid
	/usr/sbin/libvirtd -d -p /run/libvirtd.pid || return 1
	for ((i = 0; i < 150; i++)); do
		virsh -q version >/dev/null 2>&1 && return 0
		[[ $i -lt 20 || -e /run/libvirtd.pid ]] || break
		sleep 0.2
	done
	tail -n 20 "$logs/libvirtd.log"
	return 1
}

libvirtd_down() {
	local i pid
	pid=$(cat /run/libvirtd.pid 2>/dev/null) || return 0
	kill "$pid"
	for ((i = 0; i < 100; i++)); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# Run virsh, and print its output only if it fails.
v() {
	virsh -q "$@"
}
