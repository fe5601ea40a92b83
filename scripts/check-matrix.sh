#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-matrix.sh VER... - build for each kernel with W=1 and -Werror
#
# Prints three TAP results for each kernel: the build, a modpost and objtool without
# warnings, and the results of the probes against kcompat/expected.txt.  Only this
# script uses build/matrix/VER, because a build with other flags recompiles everything.

set -u
shopt -s lastpipe	# "... | result" sets variables of this shell
cd "$(dirname "$0")/.." || exit 1
n=0 failed=0
mkdir -p build/logs

result() {	# STATUS NAME, diagnostics on stdin
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		cat >/dev/null
		echo "ok $n $2"
	else
		sed 's/^/# /'
		echo "not ok $n $2"
		failed=1
	fi
}

answers() {	# VER: the probes that must succeed on it, from expected.txt
	awk -v ver="$1" '/^[^#]/ { for (i = 2; i <= NF; i++) if ($i == ver) print substr($1, 1, length($1) - 1) }' \
		scripts/kcompat/expected.txt | sort
}

echo "TAP version 13"
for ver in "$@"; do
	log=build/logs/build-$ver.log
	dir=build/matrix/$ver
	# These modules are not debugged, and the compiler is faster without -g.
	{
		scripts/kernels fetch "$ver" headers &&
			VTAP_BUILD=$PWD/$dir scripts/kernels build "$ver" -j"$(nproc)" W=1 "KCFLAGS=-Werror -g0"
	} >"$log" 2>&1
	status=$?
	release=$(modinfo -F vermagic "$dir/vhost_tap.ko" 2>/dev/null | cut -d ' ' -f 1)
	tail -n 20 "$log" | result $status "$ver build W=1 -Werror (${release:-no module})"
	[ $status -eq 0 ] || continue

	# KCFLAGS only reaches the compiler, so search the log for other tools' warnings.
	warnings=$(grep -iE 'warning|objtool|^ERROR' "$log" | grep -vE '^# ')
	status=0
	# Delete the objects, so that the next run compiles them and warns again.
	[ -z "$warnings" ] || { status=1 && find "$dir/src" -name '*.o' -delete; }
	result $status "$ver modpost and objtool are silent" <<<"$warnings"

	header=$dir/src/drivers/vhost_tap/vtap_kcompat.h
	difference=$(diff <(answers "$ver") \
		<(sed -n 's/^#define VTAP_HAVE_\(.*\) 1$/\1/p' "$header" | sort))
	result $? "$ver probes match kcompat/expected.txt" <<<"$difference"
done
echo "1..$n"
exit $failed
