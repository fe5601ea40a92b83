#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-matrix.sh [--results FILE] KERNEL... - build for each with W=1 and -Werror
#
# A kernel is named as in scripts/kernels, with ":clang" or ":gcc-15" for a build by
# another compiler than the kernel's.  Prints three TAP results for each: the build, a modpost and objtool without warnings, and
# the results of the probes against kcompat/expected.txt.
#
# 6.9@6.1 is Linux 6.9 built on Debian's 6.1, if the archive has no 6.9: the probes
# give the answers that their first lines name for 6.9.  A probe that fails on 6.9 is
# made to fail (VTAP_WITHOUT).  If one must succeed, or the old code needs what 6.1 no
# longer has, a header of kcompat/standin provides it.  old@6.12 makes all probes fail
# whose old code compiles on 6.12, as if a distribution had backported the rest.
#
# With --results, a kernel
# that the archive does not have is skipped, and the others are updated in FILE: its
# lines are "KERNEL COMPILER fails|builds|runs". A kernel that builds keeps the word
# "runs", which a developer writes after make check-vm has passed on it.  Only this script uses
# build/matrix, because a build with other flags recompiles everything.

set -u
shopt -s lastpipe	# "... | result" sets variables of this shell
cd "$(dirname "$0")/.." || exit 1
n=0 failed=0 results=''
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

# shellcheck source-path=SCRIPTDIR source=probe-answers.sh
. scripts/probe-answers.sh

compiler() {	# MODULE: gcc-14, clang-19
	readelf -p .comment "$1" 2>/dev/null |
		sed -nE 's/.*(GCC|clang):? .*[ )]([0-9]+)\.[0-9]+\.[0-9]+.*/\1-\2/p' | tr 'GC' 'gc' | head -n 1
}

record() {	# KERNEL COMPILER fails|builds
	local word=$3
	[ -n "$results" ] || return 0
	[ "$word" = fails ] || ! grep -q "^$1 .* runs\$" "$results" || word=runs
	{
		grep '^#' "$results"
		{
			grep -v -e '^#' -e "^$1 " "$results"
			printf '%-18s %-9s %s\n' "$1" "$2" "$word"
		} | sort -V
	} >"$results.new"
	if cmp -s "$results.new" "$results"; then rm "$results.new"; else mv "$results.new" "$results"; fi
}

# These modules are not debugged, and the compiler is faster without -g.
build() {	# VER [MAKE-ARG]...
	VTAP_BUILD=$PWD/$dir scripts/kernels build "$1" -j"$(nproc)" "${@:2}" W=1 "KCFLAGS=-Werror -g0"
}

check() {	# KERNEL
	local ver=${1#*@} log=build/logs/build-${1/[:@]/-}.log dir=build/matrix/${1/[:@]/-}
	local args=() name=${1%@*} release status warnings header difference
	ver=${ver%:*}
	case $1 in
	*:clang) args=(LLVM=1) ;;
	*:gcc-*) args=("CC=${1#*:}") ;;
	esac
	[[ $1 = *@* ]] && mapfile -t args < <(forced "$name" "$ver") || name=${ver%%-*}
	scripts/kernels fetch "$ver" headers >"$log" 2>&1
	status=$?
	if [ $status -ne 0 ] && [ -n "$results" ] && grep -q 'the archive has no release of' "$log"; then
		n=$((n + 1))
		echo "ok $n $1 build # SKIP the archive has no headers of it"
		return
	fi
	if [ $status -ne 0 ]; then
		result $status "$1 build W=1 -Werror (cannot fetch the headers)" <"$log"
		return
	fi
	build "$ver" "${args[@]}" >>"$log" 2>&1
	status=$?
	release=$(modinfo -F vermagic "$dir/vhost_tap.ko" 2>/dev/null | cut -d ' ' -f 1)
	tail -n 20 "$log" | result $status "$1 build W=1 -Werror (${release:-no module})"
	if [ $status -ne 0 ]; then
		record "$1" - fails
		return
	fi

	# KCFLAGS only reaches the compiler, so search the log for other tools' warnings. Kbuild
	# also warns if another compiler built the kernel, which is the case for cross builds.
	warnings=$(grep -iE 'warning|objtool|^ERROR' "$log" |
		grep -vE '^# |warning: (the compiler|pahole version) differs from the one used to build the kernel')
	status=0
	# Debian's headers can override the compiler that the name asks for.
	if [[ $1 = *:* && $(compiler "$dir/vhost_tap.ko") != "${1#*:}"* ]]; then
		warnings+=$'\n'"built by $(compiler "$dir/vhost_tap.ko"), not by ${1#*:}"
	fi
	# Delete the objects, so that the next run compiles them and warns again.
	[ -z "$warnings" ] || { status=1 && find "$dir/src" -name '*.o' -delete; }
	result $status "$1 modpost and objtool are silent" <<<"$warnings"
	if [ $status -eq 0 ]; then
		record "$1" "$(compiler "$dir/vhost_tap.ko")" builds
	else
		record "$1" "$(compiler "$dir/vhost_tap.ko")" fails
	fi

	header=$dir/src/drivers/vhost_tap/vtap_kcompat.h
	difference=$(diff <(wanted_answers "$name" "${ver%%-*}") \
		<(sed -n 's/^#define VTAP_HAVE_\(.*\) 1$/\1/p' "$header" | sort))
	result $? "$1 probes match kcompat/expected.txt" <<<"$difference"
}

if [ "${1-}" = --results ]; then
	results=$2
	shift 2
fi
echo "TAP version 13"
for kernel in "$@"; do
	check "$kernel"
done
if [ -n "$results" ]; then
	sed '/^#/d; s/^/# /' "$results"
	scripts/kernel-docs.py
fi
echo "1..$n"
exit $failed
