#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-vm.sh [VER] - boot VER in a VM, run the kselftests there; TAP
#
# kselftest's runner puts the tests of a program behind "# " and adds a line
# for the program.  Here each test is a line of its own, "program: test"; the
# program's line counts only when it tells something that no test told.

set -u
cd "$(dirname "$0")/.." || exit 1
ver=${1:-6.12}
tests=tools/testing/selftests/vhost_tap
out=build/vm-$ver

# The harness belongs to the kernel, and is built with ours before the VM is up.
scripts/kernels fetch 7.2 source || exit 1
mkdir -p build/logs
log=build/logs/kselftest-build.log
if ! make -C $tests >"$log" 2>&1; then
	tail -n 20 "$log"
	exit 1
fi

echo "TAP version 13"
tools/testing/qemu/run-vm --kver "$ver" --timeout "${VTAP_VM_TIMEOUT:-3000}" --out "$out" -- \
	make --no-print-directory -C $tests run_tests |
	awk '
	function result(verdict, text) {
		sub(/^[0-9]+ (- )?/, "", text)
		print verdict " " ++n " " text
		bad += verdict != "ok"
	}
	{ sub(/\r$/, "") }
	/^# selftests: / { program = $NF; seen = failed = 0 }
	/^# (not )?ok [0-9]+/ {
		verdict = $2 == "ok" ? "ok" : "not ok"
		text = $0
		sub(/^# (not )?ok /, "", text)
		sub(/^[0-9]+ (- )?/, "", text)
		result(verdict, program ": " text)
		seen++
		failed += verdict != "ok"
		fflush()
		next
	}
	/^(not )?ok [0-9]+/ {
		verdict = $1 == "ok" ? "ok" : "not ok"
		if ((verdict == "ok" && seen) || (verdict != "ok" && failed)) {
			print "# " $0
			next
		}
		text = $0
		sub(/^(not )?ok /, "", text)
		result(verdict, text)
		fflush()
		next
	}
	/^(TAP version|1\.\.)/ { next }
	{ print; fflush() }
	END {
		print "1.." n + 0
		exit bad != 0
	}'
status=("${PIPESTATUS[@]}")
case ${status[0]} in
0) ;;
126) echo "not ok 0 kernel log of $ver is clean ($out/dmesg.log)" ;;
*) echo "# run-vm ended with status ${status[0]}, see $out" ;;
esac
[ "${status[0]}" -eq 0 ] && exit "${status[1]}"
exit "${status[0]}"
