# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set by check-ctl; read by it
#
# Shell functions of check-ctl: the takeover of /dev/vhost-net, with in-tree vhost_net
# and the files for modprobe.

net_node=/dev/vhost-net
boot_file=/run/modprobe.d/vhost-tap-takeover.conf
kept_file=/etc/modprobe.d/vhost-tap-takeover.conf
parameter=/sys/module/vhost_tap/parameters/takeover

state_is() {
	echo "takeover=$(<$parameter)" /sys/module/vhost_ne[t] /{run,etc}/modprobe.d/vhost-tap-takeover.con[f]
}

# The module has the name, and FILE keeps it.
is_on() { # FILE
	state_is
	[[ $(<$parameter) == Y && ! -d /sys/module/vhost_net && -e $1 &&
		$(</sys/class/misc/vhost-net/dev) == 10:238 && -c $net_node ]]
}

# Nothing is left of a takeover, and in-tree vhost_net has the name.
is_off() {
	state_is
	[[ $(<$parameter) == N && -d /sys/module/vhost_net && ! -e $boot_file && ! -e $kept_file &&
		$(</sys/class/misc/vhost-net/dev) == 10:238 ]]
}

on() { # OPTION...
	asan takeover on "$@"
}

# The command fails and says why, and the state is STATE as before.
declined() { # WORDS STATE ARG...
	local said status=0
	said=$(asan takeover "${@:3}" 2>&1) || status=$?
	echo "$status $said"
	[[ $status == 1 && $said == *"$1"* ]] && eval "$2"
}

held() { # NODE CMD...: run the command while this shell has the node open
	local file status=0
	exec {file}<>"$1"
	"${@:2}" || status=$?
	exec {file}>&-
	return "$status"
}

node_is() { # OWNER MODE
	ls -l $net_node
	[[ $(stat -c '%G %a' $net_node) == "$*" ]]
}

# A program that opens the name gets our device.
is_ours_by_name() {
	client_end
	client_start vt0 env VTAP_NODE=$net_node && soon my_device &&
		asan takeover status | grep "^driver .*process $client_pid, client"
	local status=$?
	client_end
	return "$status"
}

in_tree_stays_out() {
	local file
	! insmod "$work/modules/vhost_net.ko" && ! insmod "$work/modules/vhost_net.ko.xz" || return 1
	modprobe -v vhost_net && [[ ! -d /sys/module/vhost_net ]] || return 1
	for file in char-major-10-238 devname:vhost-net; do
		modprobe --resolve-alias "$file" | tee "$work/alias"
		[[ $(<"$work/alias") == vhost_tap ]] || return 1
	done
}

# ---- changes while programs open and close the nodes ----

churner() { # NODE
	exec python3 - "$1" "$work/stop" <<-'PYTHON'
	import errno, os, sys, time
	node, stop = sys.argv[1:]
	seen = {}
	while not os.path.exists(stop):
	    try:
	        os.close(os.open(node, os.O_RDWR))
	        name = "opened"
	    except OSError as error:
	        name = errno.errorcode[error.errno]
	    seen[name] = seen.get(name, 0) + 1
	    time.sleep(0.01)
	print(node, seen)
	sys.exit("opened" not in seen or bool(set(seen) - {"opened", "ENOENT", "ENODEV"}))
	PYTHON
}

# Retry until it succeeds: it is refused while a node is open.
in_the_end() { # ARG...
	local i status
	for ((i = 0; i < 300; i++)); do
		status=0
		vhost-tapctl takeover "$@" >"$work/said" 2>&1 || status=$?
		[[ $status != 0 ]] || return 0
		grep -q "is in use" "$work/said" || { cat "$work/said"; return 1; }
		refusals=$((refusals + 1))
	done
	return 1
}

ten_times() {
	local i pid pids=() refusals=0 status=0
	rm -f "$work/stop"
	for i in $node $net_node; do
		churner "$i" >"$work/churn.${i##*/}" 2>&1 &
		pids+=($!)
	done
	for ((i = 0; i < 10; i++)); do
		in_the_end on && is_on $boot_file && in_the_end off && is_off || { status=1; break; }
	done
	touch "$work/stop"
	for pid in "${pids[@]}"; do
		wait "$pid" || status=1
	done
	echo "$i times, refused $refusals times in between"
	cat "$work"/churn.*
	return "$status"
}

# The parameter can be written before the module's init and after its exit.
writes_and_reloads() {
	local i writers=() status=0
	rm -f "$work/stop"
	rmmod vhost_net
	for i in 1 2; do
		while [[ ! -e $work/stop ]]; do
			{ echo 1 >$parameter; echo 0 >$parameter; } 2>/dev/null
		done &
		writers+=($!)
	done
	for ((i = 0; i < 20; i++)); do
		rmmod vhost_tap && insmod "$VTAP_KO" || { status=1; break; }
	done
	touch "$work/stop"
	wait "${writers[@]}"
	echo 0 >$parameter
	modprobe vhost_net && is_off && return "$status"
}

# ---- the setting over a reload, which stands for a reboot ----

reloaded() { # FILE
	rmmod vhost_tap && ! [[ -e /sys/class/misc/vhost-net ]] && modprobe vhost_tap && is_on "$1"
}

# The static node of udev, which a program opens before the module is loaded.
loaded_by_open() {
	local status=0
	rmmod vhost_tap && mknod $net_node c 10 238 || return 1
	held $net_node is_on $kept_file || status=1
	asan takeover off && rm $net_node && modprobe -r vhost_net && modprobe vhost_net && return "$status"
}

# ---- refusals ----

built_in() {
	unshare -m bash -c 'mount -t tmpfs none /sys/module/vhost_net && exec asan takeover on' >"$work/said" 2>&1
	cat "$work/said"
	grep "impossible, because in-tree vhost-net is built into this kernel" "$work/said" && is_off
}

is_link() {
	local status=0
	rmmod vhost_net && rm -f $net_node && ln -s vhost-tap $net_node || return 1
	declined "is a link or another file" "[[ ! -e $boot_file ]]" on && ! echo 1 >$parameter || status=1
	rm $net_node && modprobe vhost_net && is_off && return $status
}

# This devname= has the name, but not the minor.
devname_has_it() {
	local status=0
	rmmod vhost_tap vhost_net && rm -f $net_node && insmod "$VTAP_KO" devname=vhost-net || return 1
	declined "is a link or another file" "[[ ! -e $boot_file ]]" on && ! echo 1 >$parameter &&
		rm $net_node && ! echo 1 >$parameter &&
		declined "another driver has the name" "[[ ! -e $boot_file ]]" on || status=1
	rmmod vhost_tap && modprobe -a vhost_net vhost_tap && is_off && return $status
}

loaded_without() {
	local before
	before=$(dmesg | wc -l)
	rmmod vhost_tap && insmod "$VTAP_KO" takeover=1 && is_off && [[ -c $node ]] &&
		dmesg | tail -n "+$((before + 1))" | grep "takeover: the name vhost-net is in use"
}

takeover_refused() {
	t "on is refused while in-tree vhost-net is in use, and by whom" \
		held $net_node declined "in-tree vhost-net is in use (process $$, check-ctl" is_off on
	t "on is refused while vhost-tap is in use" \
		held $node declined "vhost-tap is in use (process $$, check-ctl" is_off on
	t "the module itself refuses it, too" held $node eval "! echo 1 >$parameter && is_off"
	t "on is impossible if in-tree vhost-net is built in" built_in
	t "on is refused where the node is a link" is_link
	t "on is refused where devname= has the name" devname_has_it
	t "takeover=1 while in-tree has the name: loaded without, and a message" loaded_without
	t "not for an unprivileged user" status 4 "${user[@]}" asan takeover on
	t "nor off" status 4 "${user[@]}" asan takeover off
	t "neither on nor off" status 2 asan takeover perhaps
	t "neither yes nor no" eval "! echo perhaps >$parameter && is_off"
}

# With modules that modprobe finds, and the in-tree one loaded.
takeover_begin() {
	client_end
	getent group kvm >/dev/null || groupadd kvm
	id ctl >/dev/null 2>&1 || useradd -M ctl
	few_modules
	soon rmmod vhost_tap
	modprobe -a vhost_net vhost_tap
	rm -f $net_node
	rmmod vhost_net
	modprobe vhost_net && is_off
}

takeover_end() {
	rmmod vhost_tap
	insmod "$VTAP_KO"
	client_start vt0
}

part_takeover() {
	t "off at first" takeover_begin
	chgrp kvm $net_node
	chmod 640 $net_node
	t "on: unloads in-tree vhost_net and says so" eval 'on | tee /dev/stderr | grep "unloaded in-tree vhost_net"'
	t "the module has the name until the next boot" eval "is_on $boot_file && ! [[ -e $kept_file ]]"
	t "the node has its owner and mode" node_is kvm 640
	t "in-tree vhost_net stays out" in_tree_stays_out
	t "on again changes nothing" eval "on && is_on $boot_file && node_is kvm 640"
	t "a program that opens $net_node gets vhost-tap" is_ours_by_name
	t "off is refused while that node is open, and by whom" \
		held $net_node declined "vhost-tap is in use (process $$, check-ctl" "is_on $boot_file" off
	t "off is refused while the other node is open" held $node declined "is in use" "is_on $boot_file" off
	t "both nodes work meanwhile" held $node held $net_node true
	t "after a reload of the module" reloaded $boot_file
	t "off: in-tree vhost_net is loaded again" eval "asan takeover off | tee /dev/stderr | grep 'loaded again' && is_off"
	t "off again changes nothing" eval "asan takeover off && is_off"
	takeover_refused
	t "on --persist" eval "on --persist && is_on $kept_file && ! [[ -e $boot_file ]]"
	t "on without --persist keeps the file in /etc" eval "on && is_on $kept_file && ! [[ -e $boot_file ]]"
	t "after a reload of the module, too" reloaded $kept_file
	t "opening the static node loads the module" loaded_by_open
	t "off removes all of it" is_off
	t "on, then on --persist" eval "on && on --persist && is_on $kept_file && ! [[ -e $boot_file ]]"
	t "off after that loads in-tree vhost_net, too" eval "asan takeover off && is_off"
	takeover_end
}

part_takeover-churn() {
	local cpu=/sys/devices/system/cpu/cpu1/online
	t "off at first" takeover_begin
	echo 1 >$cpu
	t "on and off ten times while programs open both nodes" ten_times
	t "the module is loaded and removed while the parameter is written" writes_and_reloads
	echo 0 >$cpu
	takeover_end
}

part_takeover-doctor() {
	t "off at first" takeover_begin
	t "doctor: no takeover, no finding" eval '! finds $net_node'
	t "doctor: a file, but not the name" fix_t \
		"asan takeover on && rmmod vhost_tap && insmod $VTAP_KO" "gives the module the name vhost-net, but"
	t "doctor: the name, but no file" fix_t "rm $boot_file" "no file keeps the name"
	t "doctor: no node" fix_t "rm $net_node" "$net_node is not the module's node"
	t "doctor: a link in its place" fix_t "rm $net_node; ln -s vhost-tap $net_node" "$net_node is not the module's node"
	t "doctor: node not for this user" fix_t "chown root:root $net_node; chmod 600 $net_node" \
		"may not open $net_node" --user ctl
	mv "$work/modules/extra/vhost_tap.ko" "$work/hidden.ko"
	t "doctor: a file, but no module" fix_t "rmmod vhost_tap; depmod" \
		"keeps in-tree vhost_net from being loaded"
	mv "$work/hidden.ko" "$work/modules/extra/vhost_tap.ko"
	depmod
	t "without the file, in-tree vhost_net can be loaded again" eval "modprobe -a vhost_net vhost_tap && is_off"
	takeover_end
}
