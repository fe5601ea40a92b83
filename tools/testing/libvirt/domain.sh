# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # set and read by check-libvirt
#
# Shell functions of check-libvirt: the domain, its interfaces, their links, and QEMU's
# open files. Interface number I of a guest has the MAC 52:54:00:0a:00:0I and the network
# 10.9.I.0/24, with .1 outside and .2 in the guest. Uses g, answer, worker_tids and
# worker_ms of ../qemu/lib.sh.

# ---- links of the interfaces ----

# Number 1 is a bridge with the host's address, numbers 2 to 5 are one veth pair for each
# macvtap mode, whose far end stands for the network. 6 is a second bridge port for
# hot-plug, 7 another direct one.
make_networks() {
	local i
	for i in 1 6; do
		ip link add "br$i" type bridge && ip addr add "10.9.$i.1/24" dev "br$i" &&
			ip link set "br$i" up || return 1
	done
	for i in 2 3 4 5 7; do
		ip link add "va$i" type veth peer name "vb$i" && ip link set "va$i" up &&
			ip addr add "10.9.$i.1/24" dev "vb$i" && ip link set "vb$i" up || return 1
	done
}

mode_of=([2]=bridge [3]=vepa [4]=private [5]=passthrough [7]=bridge)

# Print the XML of interface $1 with $2 queues. $backend replaces <backend>.
interface_xml() {
	case $1 in
	1 | 6) echo "<interface type='bridge'><source bridge='br$1'/><target dev='vt$1'/>" ;;
	*) echo "<interface type='direct'><source dev='va$1' mode='${mode_of[$1]}'/>" ;;
	esac
	cat <<-XML
	  <mac address='52:54:00:0a:00:0$1'/>
	  <model type='virtio'/>
	  <driver name='vhost' queues='$2'/>
	  ${backend-<backend vhost='$node'/>}
	</interface>
	XML
}

# ---- the domain ----

# Print the XML of domain $1 with interfaces $3... of $2 queues each. The guest reads
# commands from its second serial port. Legacy virtio and MMIO kicks stay off: emulated
# SVM on 7.x sometimes hangs when an MMIO exit coincides with an interrupt.
domain_xml() {
	local i
	cat <<-XML
	<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
	  <name>$1</name>
	  <memory unit='MiB'>192</memory>
	  <vcpu>$2</vcpu>
	  <os>
	    <type arch='x86_64' machine='pc'>hvm</type>
	    <kernel>/var/lib/libvirt/images/vmlinux</kernel>
	    <initrd>/var/lib/libvirt/images/guest.cpio</initrd>
	    <cmdline>console=ttyS0 quiet loglevel=5 panic=-1 mitigations=off tsc=reliable</cmdline>
	  </os>
	  <features><acpi/></features>
	  <on_reboot>restart</on_reboot>
	  <devices>
	    <emulator>/usr/bin/qemu-system-x86_64</emulator>
	    <serial type='file'><source path='$guest_log.console' append='on'/></serial>
	    <serial type='pipe'><source path='$work/ctl'/></serial>
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	XML
	for i in "${@:3}"; do
		interface_xml "$i" "$2"
	done
	cat <<-XML
	  </devices>
	  <qemu:commandline>
	    <qemu:arg value='-global'/><qemu:arg value='virtio-net-pci.disable-legacy=on'/>
	    <qemu:arg value='-global'/><qemu:arg value='virtio-net-pci.modern-pio-notify=on'/>
	  </qemu:commandline>
	</domain>
	XML
}

# The guest's output goes here; QEMU runs as another user.
prepare_guest() {
	guest_log=$work/$case_name
	rm -f "$work"/ctl.{in,out}
	mkfifo "$work"/ctl.{in,out}
	: >"$guest_log.console"
	exec {to_guest}<>"$work/ctl.in" {from_guest}<>"$work/ctl.out"
}

# Define the domain and start it: define_and_start QUEUES INTERFACE...
define_and_start() {
	dom=$case_name
	prepare_guest
	domain_xml "$dom" "$@" >"$work/$dom.xml"
	v define --validate "$work/$dom.xml" && v start "$dom" || { qemu_says; return 1; }
	qemu_found
}

qemu_found() {
	qemu_pid=$(cat "/run/libvirt/qemu/$dom.pid") && last_pid=$qemu_pid
}

qemu_says() {
	grep -v -e '^[A-Z_]*=' -e ' \\$' "/var/log/libvirt/qemu/$dom.log" | tail -n 5
	dmesg | grep 'apparmor="DENIED"' | tail -n 3
}

# Give the guest's side of interface $1 its address, and find it by its MAC.
guest_address() {
	g "n=''; for d in /sys/class/net/*; do \
grep -q 52:54:00:0a:00:0$1 \$d/address && n=\${d##*/}; done; echo \$n; test -n \"\$n\" && \
ip link set \$n up && { ip addr add 10.9.$1.2/24 dev \$n; echo \$n >/tmp/name$1; }"
}

# Undefine the domain, keep the guest's log, end all that a failed case left.
end_domain() {
	local pid
	for pid in "${loads[@]}" $server_pid; do
		disown "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	done
	loads=() server_pid=''
	[[ -n ${dom:-} ]] || return 0
	v destroy "$dom" >/dev/null 2>&1
	v managedsave-remove "$dom" >/dev/null 2>&1
	v undefine "$dom" >/dev/null 2>&1
	exec {to_guest}>&- {from_guest}>&-
	t "the guest's kernel log is clean" guest_log_clean
	cp "$guest_log.console" "/var/log/libvirt/qemu/$dom.log" "$logs/"
	dom='' qemu_pid=''
}

# ---- open files of QEMU ----

# Print how many of QEMU's files are the character device MAJOR:MINOR (hexadecimal).
fds_of() {
	stat -L -c %F:%t:%T /proc/"$qemu_pid"/fd/* 2>/dev/null |
		grep -c -x "character special file:$1"
}

# QEMU has the node open $1 times with a worker for each, and no in-tree node.
holds() {
	local have workers others=0
	have=$(fds_of "$node_rdev")
	[[ $node_rdev == "$in_tree_rdev" ]] || others=$(fds_of "$in_tree_rdev")
	workers=$(worker_tids "$qemu_pid" | wc -l)
	echo "QEMU $qemu_pid holds $have $node, $others in-tree, $workers workers (expected $1, 0, $1)"
	[[ $have == "$1" && $workers == "$1" && $others == 0 ]]
}

# Wait at most $1 seconds for "holds $2": an unplug ends when the guest releases the device.
holds_soon() {
	local until=$((SECONDS + $1))
	while ((SECONDS < until)); do
		holds "$2" >/dev/null && return 0
		sleep 0.3
	done
	holds "$2"
}

# ---- traffic ----

# Test interface $1: both directions, TCP and UDP, with checked content.
traffic() {
	local net=10.9.$1 bytes=$((${2:-8} << 20))
	ping -q -c 3 -i 0.2 -W 5 "$net.2" && "$agent" tcp-send "$net.2" 5000 "$bytes" 1 &&
		g "agent tcp-send $net.1 5000 $bytes 2" &&
		"$agent" udp "$net.2" 5000 20 3 && g "agent udp $net.1 5000 20 4"
}

# Prepare a booted guest: addresses, its server, our server.
guest_ready() {
	local i
	for i in "$@"; do
		guest_address "$i" || return 1
	done
	g "(while :; do agent serve 5000; sleep 1; done >/dev/null 2>&1 &)"
	[[ -n $server_pid ]] || { "$agent" serve 5000 >/dev/null 2>&1 & server_pid=$!; }
}

# Endless TCP both ways. The UDP floods of lib.sh's load would leave too little of an
# emulated CPU for libvirtd and the guest.
tcp_load() {
	"$agent" tcp-send "10.9.$1.2" 5000 $((1 << 40)) 1 >/dev/null 2>&1 &
	loads+=($!)
	g "agent tcp-send 10.9.$1.1 5000 1000000000000 1 >/dev/null 2>&1" bg
	sleep 2
	kill -0 "${loads[0]}"
}

# End every agent in the guest and start its server again.
unload() {
	local pid
	for pid in "${loads[@]}"; do
		disown "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	done
	loads=()
	g "killall -9 agent; sleep 2; exit 0" || { stuck; return 1; }
}

# Log the state of all threads if a guest does not respond.
stuck() {
	local task
	v domstate "$dom" --reason
	v qemu-monitor-command "$dom" --hmp 'info status'
	for task in /proc/"$qemu_pid"/task/*; do
		echo "$(cat "$task/comm") $(grep State "$task/status") $(run_ms "${task##*/}") ms" \
			"$(head -n 3 "$task/stack" | tr '\n' ' ')"
	done
	tail -n 5 "$guest_log.console"
	device_folders "$qemu_pid" | xargs -r -I FOLDER grep -H . FOLDER/state FOLDER/rx FOLDER/tx |
		sed 's|.*vhost_tap/||'
} >>"$logs/stuck.log" 2>&1

carrier() {
	local until=$((SECONDS + 20))
	while ((SECONDS < until)); do
		g "grep -q -x $2 /sys/class/net/\$(cat /tmp/name$1)/carrier" && return 0
		sleep 0.3
	done
	return 1
}
