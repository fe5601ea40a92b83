#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run all selftests and print one flat list of TAP results, "program: test" each. The
# module must be loaded and the programs built (make).
#
# Usage: run.sh [-o FOLDER-OF-PROGRAMS] [PROGRAM[:CASE]...]
# CASE is a test's name, or its whole name as printed: fixture.test or
# fixture.variant.test.
# The default list has no polling_test, burst_test and numa_test. They need two CPUs on two
# nodes: make check-vm boots another VM for them. VTAP_NODE selects the node,
# VTAP_ROUNDS the length of the kick race, VTAP_SNAPSHOTS the number of snapshots,
# VTAP_PROGRAM_TIMEOUT the seconds that a program may take (default 600).
# Exit status: 1 if a test failed.

here=$(cd "$(dirname "$0")" && pwd)
dir=$here/../../../../build/selftests
if [[ $1 == -o ]]; then
	dir=$2
	shift 2
fi
[[ $# != 0 ]] || set -- abi_test data_test frames_test charge_test header_test shape_test backend_test rx_direct_test rx_device_test frags_test frags_set_test \
	notify_test live_test lifecycle_test handover_test snapshot_test \
	hostile_test hostile_packet_test hostile_mem_test bad_buffer_test recover_test cve_test \
	iotlb_test iotlb_miss_test iotlb_data_test dirty_test dirty_live_test \
	packed_test packed_hostile_test features_test tunnel_test fair_test pairs_test \
	workers_test shared_test threads_test limits_test netlink_test rate_test kill_test stats_test sample_test.sh errno_diff.sh

cd "$dir" || exit 1

# A program runs in a session of its own. The mark is in the environment of all its
# children, and in our lines between those of the program, which cannot guess it.
session='' mark=run.sh-$$-$RANDOM$RANDOM
end_program() {
	local children
	[[ -z $session ]] || pkill -KILL -s "$session"
	session=''
	mapfile -t children < <(grep -slzF "VTAP_PROGRAM=$mark" /proc/[0-9]*/environ | cut -d / -f 3)
	[[ ${#children[@]} == 0 ]] || kill -KILL "${children[@]}" 2>/dev/null
}
trap 'end_program; exit 130' INT TERM HUP

echo "TAP version 13"
n=0 failed=0

result() { # VERDICT TEXT
	n=$((n + 1))
	echo "$1 $n $2"
	[[ $1 == ok ]] || failed=$((failed + 1))
}

for prog; do
	only=()
	case $prog in
	*:*.*) only=(-r "${prog#*:}") ;;
	*:*) only=(-t "${prog#*:}") ;;
	esac
	prog=${prog%%:*}
	path=./$prog
	[[ -x $path ]] || path=$here/$prog
	start=$SECONDS told=0 status='' why=''
	while IFS= read -r line; do
		case $line in
		"1..0 # SKIP "*)
			result ok "$prog ${line#1..0 }" ;;
		"# # "* | "TAP version"* | 1..*) ;;
		"ok "*"# SKIP unknown")
			# The guest library skipped the test.
			line=${line#ok * }
			result ok "$prog: ${line%unknown}$why" ;;
		"ok "*)
			result ok "$prog: ${line#ok * }" ;;
		"not ok "*)
			told=1
			result "not ok" "$prog: ${line#not ok * }" ;;
		"#  RUN "* | "#            OK "* | "# Totals:"* | "# PASSED:"* | "# Starting"*) ;;
		"") ;;
		"$mark session "*)
			session=${line##* } ;;
		"$mark exit "*)
			status=${line##* }
			# Do not wait for children that still have the pipe open.
			break ;;
		"#      SKIP      "*)
			why=${line#\#      SKIP      }
			echo "$line" ;;
		*)
			echo "# ${line#\# }" ;;
		esac
	done < <(
		# shellcheck disable=SC2016
		VTAP_PROGRAM=$mark bash -c 'echo "$VTAP_PROGRAM session $$"; exec setsid timeout -k 10 "$@" 2>&1' \
			run.sh "${VTAP_PROGRAM_TIMEOUT:-600}" "$path" "${only[@]}"
		# The program may have ended within a line.
		printf '\n%s exit %s\n' "$mark" $?)
	# 4 means "skipped" in kselftest.
	[[ $status == [04] || $told == 1 ]] || result "not ok" "$prog: ended with ${status:-no status}"
	end_program
	echo "# $prog: $((SECONDS - start)) s"
done
echo "1..$n"
[[ $failed == 0 ]]
