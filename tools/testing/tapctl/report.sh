# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # set by check-ctl
#
# Shell functions of check-ctl: vhost-tapctl report with the module loaded. check-tool
# tests what the report removes and how it fails.

# unpack_report CMD...: run it, and unpack its archive in $work/report
unpack_report() {
	rm -rf "$work/report"
	mkdir -m 777 "$work/report"
	(cd "$work/report" && "$@" report --output r.tar.gz) || return 1
	tar -xzf "$work/report/r.tar.gz" -C "$work/report" --strip-components=1
}

# holds FILE PATTERN: a line of this file of the report matches
holds() {
	grep -q -e "$2" "$work/report/$1" || { echo "$1 has no line with: $2"; return 1; }
}

# The report has the device, its tap and the tap's bridge, without their addresses.
reports_device() {
	local mac files=$work/report status=0
	ip link add reportbr type bridge && ip link set vt0 master reportbr && unpack_report asan || status=1
	mac=$(cat /sys/class/net/vt0/address)
	head -n 100 "$files"/{contents,links,versions,module,kernel-log}.txt
	jq -e '.devices[0].id == '"$dev"' and .queues[0].tap == "vt0"' "$files/devices.json" &&
		holds links.txt "dev vt0$" && holds links.txt "dev reportbr$" &&
		holds links.txt 'bridge_id 8000.<MAC-' && holds links.txt "tun type tap" &&
		holds module.txt '^kthread_workers: ' && holds kernel-log.txt vhost_tap &&
		holds doctor.txt 'doctor --tap vt0' && holds vmm.txt "^device $dev, process [0-9]*:\$" || status=1
	! grep -r "$mac" "$files" || status=1
	ip link del reportbr
	return "$status"
}

reports_for_user() {
	unpack_report "${user[@]}" env TMPDIR=/tmp asan >"$work/said" || return 1
	cat "$work/said"
	grep -q "devices: this needs CAP_NET_ADMIN" "$work/said" && holds links.txt "dev vt0$"
}

# A device whose tap is in another network namespace than the reader's.
reports_elsewhere() {
	unshare -n "$work/asan" report --output "$work/elsewhere.tar.gz" >"$work/said"
	cat "$work/said"
	grep -q "taps of 2 queues in other network namespaces" "$work/said"
}

part_report() {
	t "report: device, tap and bridge, without addresses" reports_device
	t "report: names what a user may not read" reports_for_user
	t "report: taps of other namespaces" reports_elsewhere
}
