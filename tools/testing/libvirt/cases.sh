# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set and read by check-libvirt
#
# Cases of check-libvirt for libvirt itself.

mac_of() {
	echo "52:54:00:0a:00:0$1"
}

# ---- operations on a domain with some interfaces ----

# life QUEUES INTERFACE...: run all virsh operations on a running domain.
life() {
	local queues=$1 i sum
	shift
	sum=$(($# * queues))
	t "define and start" define_and_start "$queues" "$@" || return
	t "the guest boots" answer 120 || return
	t "the guest finds its NICs" guest_ready "$@" || return
	t "QEMU holds $sum x $node, as many workers" holds "$sum"
	for i in "$@"; do
		t "$(kind_of "$i"): traffic, content compared" traffic "$i"
	done
	t "all queues' counters moved" counted "$sum"
	for i in "$1" "$2"; do
		t "$(kind_of "$i"): domif-setlink down and up" set_link "$i"
	done
	plug 6 "$queues" "$sum"
	plug 7 "$queues" "$sum"
	t "save under load" save_domain
	t "restore" restore_domain "$sum"
	for i in "$@"; do
		t "$(kind_of "$i"): traffic after restore" traffic "$i" 2
	done
	t "managedsave, then start" managed_save "$sum"
	t "traffic after managedsave" traffic "$1" 2
	t "load" tcp_load "$1"
	t "destroy under load" v destroy "$dom"
	t "the workers have ended" worker_gone
}

kind_of() {
	case $1 in
	1 | 6) echo bridge ;;
	*) echo "direct, ${mode_of[$1]}" ;;
	esac
}

case_queues-1() {
	life 1 1 2 3 4 5
}

case_queues-2() {
	life 2 1 2 3 4 5
}

# For make check-all: a bridge and a macvtap, with two queues each.
case_short() {
	life 2 1 2
}

# Check that every device of this QEMU in debugfs has moved packets in both directions.
counted() {
	local n
	[[ $node == /dev/vhost-tap ]] || return 0
	n=$(device_folders "$qemu_pid" | wc -l)
	echo "$n devices, rx $(counter rx packets) tx $(counter tx packets) packets"
	[[ $n == "$1" ]] && (($(counter rx packets) > 300 && $(counter tx packets) > 300))
}

set_link() {
	v domif-setlink "$dom" "$(mac_of "$1")" down || return 1
	carrier "$1" 0 || { echo "the guest still sees its link"; return 1; }
	! ping -q -c 2 -i 0.2 -W 1 "10.9.$1.2" || { echo "packets pass a link that is down"; return 1; }
	v domif-setlink "$dom" "$(mac_of "$1")" up || return 1
	carrier "$1" 1 || { echo "the guest does not see its link"; return 1; }
	traffic "$1" 2
}

# ---- hot-plug ----

# Plug in interface $1 ($2 queues) while the first interface has load, and unplug it while
# it has load itself. $3 nodes are open before and after.
plug() {
	local what
	what=$(kind_of "$1")
	interface_xml "$1" "$2" >"$work/plug.xml"
	t "$what: load" tcp_load 1
	t "$what: attach-device under load" v attach-device "$dom" "$work/plug.xml" --live || {
		unload
		return
	}
	t "$what: the guest gets the plugged NIC" plugged "$1"
	t "$what: the load ends" unload
	t "$what: QEMU holds $(($3 + $2)) x $node" holds $(($3 + $2))
	t "$what: traffic through the plugged NIC" traffic "$1"
	t "load" tcp_load "$1"
	t "$what: detach-device under load" v detach-device "$dom" "$work/plug.xml" --live
	t "$what: the node is closed and the worker has ended" holds_soon 60 "$3"
	t "$what: the load on the removed NIC ends" unload
	t "$what: the others still pass traffic" traffic 1 2
}

plugged() {
	local until=$((SECONDS + 60))
	while ((SECONDS < until)); do
		guest_address "$1" && return 0
		sleep 0.5
	done
	return 1
}

# ---- save and restore ----

save_domain() {
	tcp_load 1
	v save "$dom" "$work/$dom.save" || { unload; return 1; }
	worker_gone && ls -l "$work/$dom.save"
}

# The restored guest continues: its servers run, and so does its load.
restore_domain() {
	v restore "$work/$dom.save" && qemu_found || { qemu_says; return 1; }
	rm -f "$work/$dom.save"
	holds "$1" && unload
}

managed_save() {
	v managedsave "$dom" && worker_gone || return 1
	v start "$dom" && qemu_found && holds "$1"
}

# ---- AppArmor ----

take_override_back() {
	: >/etc/apparmor.d/local/abstractions/libvirt-qemu
	rm -rf /etc/apparmor.d/abstractions/libvirt-qemu.d
}

# QEMU may use a node that libvirtd opened before it started QEMU, whatever the profile
# says, because AppArmor does not check ioctls. It checks a node that is passed to a
# running QEMU.
hot_plug_denied() {
	interface_xml 6 1 >"$work/plug.xml"
	dmesg -C
	! v attach-device "$dom" "$work/plug.xml" --live || { echo "not denied"; return 1; }
	dmesg | grep 'apparmor="DENIED" .*name="/dev/vhost-tap"' || { dmesg | tail -n 5; return 1; }
	holds 1
}

# Use another interface than the denied one: libvirt 9.0 leaves that one's tap behind.
attach_other() {
	interface_xml 7 1 >"$work/plug.xml"
	v attach-device "$dom" "$work/plug.xml" --live
}

installed_once() {
	local rules=(/etc/apparmor.d/{local/abstractions/libvirt-qemu,abstractions/libvirt-qemu.d/vhost-tap}) before
	before=$(cat "${rules[@]}") && make -s -C "$root" install-apparmor && [[ $(cat "${rules[@]}") == "$before" ]]
}

# Compile a domain's profile as virt-aa-helper does.
profile_compiles() {
	sed 's/LIBVIRT_TEMPLATE/test/' /etc/apparmor.d/libvirt/TEMPLATE.qemu >"$work/profile"
	apparmor_parser -p "$work/profile" | grep '/dev/vhost-tap rw,' &&
		apparmor_parser -Q -K "$work/profile"
}

# Debian's profile as packaged, and with the addition in dist/apparmor.
case_apparmor() {
	take_override_back
	t "without the override: define and start" define_and_start 1 1 || return
	t "QEMU is confined" grep -q '^libvirt-[0-9a-f-]* (enforce)' "/proc/$qemu_pid/attr/current"
	t "the guest boots" answer 120 || return
	t "the guest finds its NIC" guest_ready 1
	t "without the override: attach-device is denied" hot_plug_denied
	t "make install-apparmor" make -s -C "$root" install-apparmor
	t "make install-apparmor again changes nothing" installed_once
	t "libvirt's profile compiles with the rule" profile_compiles
	t "with the override: attach-device, domain still running" \
		attach_other
	t "the guest gets the plugged NIC" plugged 7
	t "QEMU holds 2 x $node, as many workers" holds 2
	t "traffic, content compared" traffic 7 2
	t "destroy" v destroy "$dom"
}

# ---- error messages of libvirt ----

case_errors() {
	[[ $node == /dev/vhost-tap ]] || return 0
	dom=$case_name
	prepare_guest
	domain_xml "$dom" 2 1 >"$work/$dom.xml"
	t "define" v define "$work/$dom.xml"
	rmmod vhost_tap
	t "without the module the start fails with the reason" start_fails \
		"vhost-net was requested for an interface, but is unavailable"
	insmod "$VTAP_KO"
	ip tuntap add dev vt1 mode tap
	t "an existing tap with the name prevents the start, with the reason" start_fails \
		"The vt1 interface already exists"
	ip link del vt1
	t "the domain starts after both are fixed" v start "$dom"
}

start_fails() {
	local said
	! said=$(v start "$dom" 2>&1) || return 1
	echo "$said"
	[[ $said == *"$1"* ]]
}
