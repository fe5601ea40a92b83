#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-matrix.sh VER... - build for each kernel, W=1, warnings are errors
#
# TAP, per kernel: the build, modpost without a word, and the answers of the
# probes against kcompat/expected.txt ("name: kernels that say yes").  The folders
# build/matrix/VER are for this alone: a build with other flags compiles all again.

set -u
shopt -s lastpipe	# "... | result" counts here, not in a subshell
cd "$(dirname "$0")/.." || exit 1
n=0 failed=0
mkdir -p build/logs

result() {	# STATUS NAME, what to say on stdin
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

answers() {	# VER: the names that are yes on it, by expected.txt
	awk -v ver="$1" '/^[^#]/ { for (i = 2; i <= NF; i++) if ($i == ver) print substr($1, 1, length($1) - 1) }' \
		scripts/kcompat/expected.txt | sort
}

echo "TAP version 13"
for ver in "$@"; do
	log=build/logs/build-$ver.log
	dir=build/matrix/$ver
	# Nobody debugs these modules, and without -g the compiler is faster.
	{
		scripts/kernels fetch "$ver" headers &&
			VTAP_BUILD=$PWD/$dir scripts/kernels build "$ver" -j"$(nproc)" W=1 "KCFLAGS=-Werror -g0"
	} >"$log" 2>&1
	status=$?
	release=$(modinfo -F vermagic "$dir/vhost_tap.ko" 2>/dev/null | cut -d ' ' -f 1)
	tail -n 20 "$log" | result $status "$ver build W=1 -Werror (${release:-no module})"
	[ $status -eq 0 ] || continue

	# KCFLAGS reaches the compiler, not modpost, objtool or ld.
	warnings=$(grep -iE 'warning|objtool|^ERROR' "$log" | grep -vE '^# ')
	status=0
	# The next run has to see them again.
	[ -z "$warnings" ] || { status=1 && find "$dir/src" -name '*.o' -delete; }
	result $status "$ver modpost and objtool are silent" <<<"$warnings"

	header=$dir/src/drivers/vhost_tap/vtap_kcompat.h
	difference=$(diff <(answers "$ver") \
		<(sed -n 's/^#define VTAP_HAVE_\(.*\) 1$/\1/p' "$header" | sort))
	result $? "$ver answers as in kcompat/expected.txt" <<<"$difference"
done
echo "1..$n"
exit $failed
