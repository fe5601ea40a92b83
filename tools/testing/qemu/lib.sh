# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2009 # the caller sets variables; ps lists threads
#
# Shell functions of check-qemu, check-migrate, demo and bench/nested: print TAP, start
# and stop guests, observe the workers of a vhost node. The caller sets node, work, logs,
# case_name, guest_kernel, guest_initrd, agent, guest_mac and host_dev.

# ---- TAP ----

tap_n=0 tap_bad=0

# Run "$@" as the test $1; print its output only if it fails.
t() {
	local name="$case_name: $1" log=$work/t.log begin=$EPOCHREALTIME failed=0
	shift
	tap_n=$((tap_n + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $tap_n $name"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_n $name"
		echo "# failed: $*"
		tail -n 15 "$log" | sed 's/^/#   /'
		tail -n 60 "$log" >>"$logs/failed.log"
		failed=1
	fi
	echo "$EPOCHREALTIME $begin $name" |
		awk '{ printf "%6.1f s ", $1 - $2; $1 = $2 = ""; print }' >>"$logs/times"
	[[ $failed == 0 ]]
}

# Run a test that in-tree vhost-net is known to fail.
t_better() {
	if [[ $node == /dev/vhost-tap ]]; then
		t "$@"
	elif "${@:2}" >/dev/null 2>&1; then
		t "$1" true
	else
		tap_n=$((tap_n + 1))
		echo "ok $tap_n $case_name: $1 # SKIP $node fails this"
	fi
}

tap_end() {
	echo "1..$tap_n"
	[[ $tap_bad == 0 && $tap_n != 0 ]]
	exit
}

# ---- the guest ----

qemu_pid='' server_pid=''

# Set defaults that a case may change before it starts its guest.
guest_defaults() {
	guest_smp=1 guest_mem=256 guest_machine=pc,usb=off guest_append='' guest_opts=() qemu_by=()
	guest_qemu=qemu-system-x86_64 guest_console=ttyS0
	# disable-legacy and modern-pio-notify keep kicks off MMIO: emulated SVM on 7.x
	# sometimes hangs when an MMIO exit coincides with an interrupt.
	guest_nic=disable-legacy=on,modern-pio-notify=on
	[[ $(uname -m) == aarch64 ]] || return 0
	guest_machine=virt,gic-version=3 guest_opts=(-cpu host)
	guest_qemu=qemu-system-aarch64 guest_console=ttyAMA0 guest_nic=disable-legacy=on,romfile=
}
guest_defaults

# Put the guest's DMA behind an IOMMU of the kind $1, intel or virtio. The mappings of
# its driver then go through the device IOTLB. ATS, which lets a guest flush the
# device's entries, exists only behind a root port. QEMU 7.2 does not forward the
# flushes of a guest without ATS to any vhost device, and such a guest crashes.
guest_iommu() {
	guest_nic+=,iommu_platform=on,ats=on
	case $1 in
	intel)
		guest_machine=q35,usb=off,sata=off,smbus=off,kernel-irqchip=split
		guest_opts+=(-device "intel-iommu,intremap=on,device-iotlb=on"
			-device "pcie-root-port,id=rp,chassis=1,slot=1")
		guest_nic+=,bus=rp
		guest_append+=' intel_iommu=on' ;;
	virtio)
		[[ $guest_qemu == *aarch64 ]] || guest_machine=q35,usb=off,sata=off,smbus=off
		guest_opts+=(-device "virtio-iommu-pci") ;;
	esac
}

# The NIC is behind that IOMMU, and its driver negotiated VIRTIO_F_ACCESS_PLATFORM.
behind_iommu() {
	has_feature 33 &&
		g "cd -P /sys/class/net/eth0/device/.. && pwd && ls /sys/class/iommu && \
			cat iommu_group/type && grep -q '^DMA' iommu_group/type"
}

# The node has reported misses in both directions.
iotlb_used() {
	local rx tx
	[[ $node == /dev/vhost-tap ]] || return 0
	rx=$(counter rx iotlb_misses) tx=$(counter tx iotlb_misses)
	echo "misses: rx $rx, tx $tx"
	((rx > 0 && tx > 0))
}

# Guest and device have negotiated the feature bit $1.
has_feature() {
	local bits
	bits=$(g "cat /sys/class/net/eth0/device/features")
	bits=${bits#guest: }
	echo "features $bits"
	[[ ${bits:$1:1} == 1 ]]
}

# Start QEMU with -netdev $1 and the NIC properties $2. Without $1 the program that
# starts QEMU ($qemu_by) adds the NIC. Commands for the guest go through a serial port
# made of two fifos, and so do QEMU's QMP commands. With $slot several guests can run.
start_guest() {
	local f=$work/ctl${slot:-} fifo nic=()
	[[ -z $1 ]] || nic=(-netdev "$1"
		-device "virtio-net-pci,netdev=n,mac=$guest_mac,$guest_nic${2:+,$2}")
	for fifo in "$f".{in,out} "$f"-qmp.{in,out}; do
		rm -f "$fifo"
		mkfifo "$fifo"
	done
	guest_log=$logs/$case_name${slot:-}
	"${qemu_by[@]}" "$guest_qemu" -accel kvm -machine "$guest_machine" -m "$guest_mem" \
		-smp "$guest_smp" -nodefaults -no-user-config -display none \
		-kernel "$guest_kernel" -initrd "$guest_initrd" \
		-append "console=$guest_console quiet loglevel=5 panic=-1 mitigations=off tsc=reliable $guest_append" \
		-chardev "file,id=con,path=$guest_log.console" -serial chardev:con \
		-chardev "pipe,id=ctl,path=$f" -serial chardev:ctl \
		-chardev "pipe,id=qmp,path=$f-qmp" -mon chardev=qmp,mode=control \
		"${guest_opts[@]}" "${nic[@]}" \
		</dev/null >"$guest_log.qemu" 2>&1 &
	qemu_pid=$!
	last_pid=$qemu_pid
	part=''
	exec {to_guest}<>"$f.in" {from_guest}<>"$f.out" {to_qmp}<>"$f-qmp.in" {from_qmp}<>"$f-qmp.out"
	qmp qmp_capabilities >/dev/null
}

# Run the QMP command $1 with the JSON object $2 and print the result. Fail on an
# error and after a minute without a reply.
qmp() {
	local line='' more until=$((SECONDS + 60))
	printf '{"execute": "%s", "arguments": %s}\n' "$1" "${2:-{\}}" >&"$to_qmp"
	while ((SECONDS < until)); do
		if ! IFS= read -r -t 1 -u "$from_qmp" more; then
			line+=$more
			kill -0 "$qemu_pid" 2>/dev/null || { echo "QEMU is gone"; return 1; }
			continue
		fi
		line+=$more
		case $line in
		'{"return":'*) printf '%s\n' "${line%$'\r'}"; return 0 ;;
		'{"error":'*) printf '%s: %s\n' "$1" "${line%$'\r'}"; return 1 ;;
		esac
		line=''
	done
	echo "no reply to $1"
	return 1
}

# Check whether QEMU has ended, or has stopped the guest because its emulated processor
# failed, and say so.
guest_lost() {
	kill -0 "$qemu_pid" 2>/dev/null || { echo "QEMU is gone"; return 0; }
	grep -s -E '^(KVM internal error|KVM: entry failed|error: kvm run failed)' "${guest_log:-}.qemu"
}

# Read until the guest has booted or, with $2, until the reply to this command, and print
# the reply. Fail with the status of the command, or with 99 after $1 s. The reply to
# an earlier command, which took too long, is ignored.
answer() {
	local line said=() until=$((SECONDS + $1))
	while ((SECONDS < until)); do
		if ! IFS= read -r -t 1 -u "$from_guest" line; then
			# A line cut by the timeout continues in the next read.
			part=${part:-}$line
			! guest_lost || return 99
			continue
		fi
		line=${part:-}$line
		part=''
		case $line in
		"@@${2:-boot}"*)
			printf '%s' "${said[@]/%/$'\n'}"
			return "${line#@@* }" ;;
		@@*) said=() ;;
		*) said+=("guest: $line") ;;
		esac
	done
	printf '%s' "${said[@]/%/$'\n'}"
	echo "no reply from the guest"
	return 99
}

# Send the command $1 to the guest, with the time as its name in $asked.
tell() {
	asked=$EPOCHREALTIME
	printf '%s %s\n' "$asked" "${1//$'\n'/ }" >&"$to_guest"
}

# Run $1 in the guest, at most $patience seconds; with "bg" as $2, do not wait for its end.
g() {
	if [[ ${2:-} == bg ]]; then
		tell "($1) &"
	else
		tell "$1"
	fi
	answer "${patience:-300}" "$asked "
}

# Wait until $2 succeeds in the guest, at most $1 seconds.
g_wait() {
	local until=$((SECONDS + $1))
	while ((SECONDS < until)); do
		g "$2" >/dev/null && return 0
		sleep 0.3
	done
	return 1
}

guest_net() {
	g "ip link set eth0 up && ip addr add $1.2/24 dev eth0 && \
		(agent serve 5000 >/dev/null 2>&1 &)"
}

guest_up() {
	t "guest boots" answer 300 || { tail -n 5 "$guest_log".* | sed 's/^/# /'; return 1; }
	t "guest finds its NIC" guest_net "$1" || return 1
	t "QEMU uses the node without a fallback" quiet_qemu || return 1
	"$agent" serve 5000 >"$guest_log.server" 2>&1 &
	server_pid=$!
	ms_before=$(worker_ms)
}

# QEMU 10 also names what TCG's processor lacks of an EPYC. QEMU 11 deprecates -mon, whose
# replacement QEMU 7.2 does not have.
quiet_qemu() {
	! grep -v -e 'Number of .* cpus requested' -e TUNSETSTEERINGEBPF -e "doesn't support requested feature: CPUID" \
		-e "'-mon' is deprecated" \
		"$guest_log.qemu"
}

reboot_guest() {
	tell 'reboot -f'
	answer 300 && guest_net "$1"
}

# Send endless traffic both ways, until the guest or the link ends.
load() {
	local i
	for i in 1 2; do
		"$agent" tcp-send "$1.2" 5000 $((1 << 40)) 1 >/dev/null 2>&1 &
		loads+=($!)
	done
	"$agent" udp-flood "$1.2" 9 600 >/dev/null 2>&1 &
	loads+=($!)
	g "agent tcp-send $1.1 5000 1000000000000 1 >/dev/null 2>&1" bg
	g "agent udp-flood $1.1 9 600 >/dev/null 2>&1" bg
	sleep 3
}
loads=()

end_load() {
	disown "${loads[@]}"
	kill -KILL "${loads[@]}"
	loads=()
	g "killall -9 agent; exit 0"
}

kill_guest() {
	kill -KILL "$qemu_pid"
	wait "$qemu_pid"
	[[ $? == 137 ]] || return 1
	qemu_pid=''
}

stop_guest() {
	local i
	tell 'poweroff -f'
	for ((i = 0; i < 300; i++)); do
		kill -0 "$qemu_pid" 2>/dev/null || { qemu_pid=''; return 0; }
		sleep 0.1
	done
	return 1
}

# After a case, end all its processes and check that the guest's kernel log is clean.
end_guest() {
	local pid
	# Disown the processes first: else the shell reports each end.
	for pid in "${loads[@]}" "${streams[@]}" $server_pid $qemu_pid; do
		disown "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	done
	loads=() streams=() qemu_pid='' server_pid=''
	if [[ -n ${to_guest:-} ]]; then
		exec {to_guest}>&- {from_guest}>&- {to_qmp}>&- {from_qmp}>&-
		to_guest=''
		t "the guest's kernel log is clean" guest_log_clean
	fi
}

guest_log_clean() {
	! grep -a -E 'BUG|WARNING|Oops|WATCHDOG|timed out|Call Trace|panic|id .* is not a head' \
		"$guest_log.console"
}

# ---- checked streams in the background ----

declare -A streams=()

# Start streams from either side to $1.1 and $1.2, one of each name in $2...: tcp* both
# ways at once, udp* echoed. They end when a test asks for their result.
start_streams() {
	local name what seed=20
	rm -f "$work/stop"
	for name in "${@:2}"; do
		what=dgrams
		[[ $name != tcp* ]] || what=stream
		"$agent" "$what" "$1.2" 5000 "$work/stop" "$((++seed))" >"$work/$name.said" 2>&1 &
		streams[$name]=$!
		g "(agent $what $1.1 5000 /stop $((++seed)); echo \$? >/$name.rc) >/$name.out 2>&1" bg
	done
	sleep 2
	streams_live
}

streams_live() {
	local name
	for name in "${!streams[@]}"; do
		kill -0 "${streams[$name]}" || { cat "$work/$name.said"; return 1; }
	done
	g "for n in ${!streams[*]}; do cat /\$n.out; ! test -e /\$n.rc || exit 1; done"
}

# Print the results of both ends of the stream $1, and fail unless all bytes arrived.
host_result() {
	touch "$work/stop"
	wait "${streams[$1]}"
	local status=$?
	cat "$work/$1.said"
	return "$status"
}

guest_result() {
	g "touch /stop" >/dev/null
	g_wait 100 "cat /$1.rc" || { g "cat /$1.out"; return 1; }
	g "cat /$1.out; exit \$(cat /$1.rc)"
}

# ---- multicast, between $host_dev and the guest's eth0 ----

mcast_in() {
	g "agent mcast-recv eth0 $1 6000 10 20 >/tmp/mc 2>&1; echo \$? >/tmp/mc.rc" bg
	sleep 1
	"$agent" mcast-send "$host_dev" "$1" 6000 12 || return 1
	g_wait 20 "cat /tmp/mc.rc" && g "cat /tmp/mc; test \$(cat /tmp/mc.rc) = 0"
}

mcast_out() {
	local pid
	"$agent" mcast-recv "$host_dev" "$1" 6000 10 20 &
	pid=$!
	sleep 0.5
	g "agent mcast-send eth0 $1 6000 12"
	wait "$pid"
}

# ---- several guests, each in a slot ----

declare -A at_pid at_to at_from at_qto at_qfrom at_log
here_slot=''

# Make the guest that was just started, with slot=-$1, slot $1.
keep_slot() {
	at_pid[$1]=$qemu_pid at_to[$1]=$to_guest at_from[$1]=$from_guest
	at_qto[$1]=$to_qmp at_qfrom[$1]=$from_qmp at_log[$1]=$guest_log
	use "$1"
}

# Make the guest of slot $1 the current one.
use() {
	slot=-$1
	here_slot=$1 qemu_pid=${at_pid[$1]} guest_log=${at_log[$1]} part=''
	to_guest=${at_to[$1]} from_guest=${at_from[$1]} to_qmp=${at_qto[$1]} from_qmp=${at_qfrom[$1]}
}

# Remove a slot whose QEMU has ended.
drop_slot() {
	disown "${at_pid[$1]}" 2>/dev/null
	local to=${at_to[$1]} from=${at_from[$1]} qto=${at_qto[$1]} qfrom=${at_qfrom[$1]}
	exec {to}>&- {from}>&- {qto}>&- {qfrom}>&-
	unset "at_pid[$1]"
}

# ---- the worker ----

# Print the thread ids of the workers of process $1: threads of QEMU, or on 6.1 kernel
# threads with its pid in their name.
worker_tids() {
	grep -l -s -x "vhost-$1" /proc/"$1"/task/[0-9]*/comm /proc/[0-9]*/comm |
		sed 's|/comm$||; s|.*/||' | sort -nu
}

# Print the CPU time of thread $1 in ms. Ticks are too coarse: on a slow machine they
# are often charged to the wrong thread.
run_ms() {
	awk '{ print int($1 / 1000000) }' "/proc/$1/schedstat"
}

# Print the CPU time of all workers together.
worker_ms() {
	local tid
	for tid in $(worker_tids "$qemu_pid"); do
		run_ms "$tid"
	done 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}

workers() {
	local n
	n=$(worker_tids "$qemu_pid" | wc -l)
	echo "$n workers named vhost-$qemu_pid"
	[[ $n == "$1" ]]
}

worker_gone() {
	local i
	for ((i = 0; i < 50; i++)); do
		[[ -n $(worker_tids "$last_pid") ]] || return 0
		sleep 0.1
	done
	ps -eLo pid,tid,stat,comm | grep "vhost-$last_pid"
	return 1
}

# Check that the worker uses almost no CPU time for two seconds.
worker_sleeps() {
	local before after
	sleep 1
	grep -H . /sys/kernel/debug/vhost_tap/*/* >"$work/before" 2>/dev/null
	before=$(worker_ms)
	sleep 2
	after=$(worker_ms)
	[[ $((after - before)) -lt 600 ]] && return
	grep -H . /sys/kernel/debug/vhost_tap/*/* 2>/dev/null | diff "$work/before" -
	echo "worker: ran $((after - before)) of 2000 ms"
	return 1
}

# Print the debugfs folders of process $1, in the order in which it opened the files.
device_folders() {
	grep -lsx "owner_pid $1" /sys/kernel/debug/vhost_tap/*/state | sed 's|/state$||' | sort -V
}

# counter DIRECTION NAME - print a counter, summed over the devices of QEMU
counter() {
	device_folders "$qemu_pid" | sed "s|\$|/$1|" | xargs -r cat 2>/dev/null |
		awk -v name="$2" '$1 == name { sum += $2 } END { print sum + 0 }'
}

# Check that the worker has run and that the node counted packets in both directions.
vhost_used() {
	local ms
	ms=$(($(worker_ms) - ms_before))
	echo "worker: $ms ms; rx $(counter rx packets) tx $(counter tx packets) packets"
	[[ $ms -gt 100 ]] || return 1
	[[ $node != /dev/vhost-tap ]] ||
		(($(counter rx packets) > 1000 && $(counter tx packets) > 1000))
}

# Flows pinned to each guest CPU use each queue, so that every worker runs.
both_queues() {
	local tid before=() after=() i
	mapfile -t tids < <(worker_tids "$qemu_pid")
	for tid in "${tids[@]}"; do before+=("$(run_ms "$tid")"); done
	for i in 1 2 3 4; do
		g "for c in 1 2; do taskset \$c agent tcp-send $1.1 5000 4000000 $i || exit 1; done" ||
			return 1
	done
	for tid in "${tids[@]}"; do after+=("$(run_ms "$tid")"); done
	for i in "${!tids[@]}"; do
		echo "worker ${tids[i]}: ${before[i]} to ${after[i]} ms"
		[[ $((after[i] - before[i])) -ge 10 ]] || return 1
	done
}

# ---- several queue pairs, one fd each ----

# Print the counter $1 of each pair, rx and tx, in the order of the pairs.
pair_counters() {
	local dirs
	mapfile -t dirs < <(device_folders "$qemu_pid")
	dirs=("${dirs[@]/%//rx}" "${dirs[@]/%//tx}")
	mapfile -t dirs < <(printf '%s\n' "${dirs[@]}" | sort -V)
	awk -v name="$1" '$1 == name { print $2 }' "${dirs[@]}" 2>/dev/null
}

# Let the guest use $2 queues. Check that those carry packets in both directions, that
# the others do not, and that no queue breaks.
use_channels() { # NET COUNT
	local first now i try moved
	g "agent channels eth0 $2" || return 1
	# Packets in flight may still arrive.
	sleep 0.3
	mapfile -t first < <(pair_counters packets)
	for try in 1 2 3; do
		g "agent flows $1.1 5000 32" || return 1
		mapfile -t now < <(pair_counters packets)
		moved=0
		for ((i = 0; i < $2 * 2; i++)); do
			((now[i] > first[i])) && moved=$((moved + 1))
		done
		((moved < $2 * 2)) || break
	done
	echo "packets, rx and tx of each pair: ${first[*]}, then ${now[*]}"
	[[ $node != /dev/vhost-tap ]] || ((moved == $2 * 2)) || return 1
	for ((i = $2 * 2; i < ${#first[@]}; i++)); do
		((now[i] == first[i])) || return 1
	done
	[[ -z $(pair_counters broken | grep -v '^0$') ]]
}

# Check that the stream's result ("$@" prints it) is correct and had no long pause.
no_pause() {
	local said status=0
	"$@" >"$work/result" || status=$?
	said=$(<"$work/result")
	echo "$said"
	[[ $status == 0 && $said =~ longest\ pause\ ([0-9]+)\ ms ]] || return 1
	echo "# $case_name: ${1%_result} $2: ${BASH_REMATCH[0]}" >>"$work/pauses"
	((BASH_REMATCH[1] < 5000))
}

# Unload and load the module, which only works without users.
module_cycle() {
	[[ $node == /dev/vhost-tap ]] || { rmmod vhost_net && modprobe vhost_net; return; }
	rmmod vhost_tap || return 1
	[[ ! -e $node ]] || { echo "$node still exists"; return 1; }
	insmod "${VTAP_KO:?}" && [[ -c $node ]]
}
