#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh HEADER PROBE.c... -- CC FLAGS... - compile each probe, write HEADER
#
# A probe foo_bar.c that compiles becomes "#define VTAP_HAVE_FOO_BAR 1"; one that
# does not becomes a comment.  What the compiler said is kept in HEADER.log.
# Names of probes in VTAP_WITHOUT are answered with "no", whatever the kernel has: so
# a path that only other kernels need is tested on this one.
# Called by Makefile.kcompat from inside the kernel's build.

set -u
header=$1
shift
files=
while [ "$1" != -- ]; do
	files="$files $1"
	shift
done
shift

tmp=$header.tmp
mkdir -p "$tmp"
trap 'rm -rf "$tmp"' EXIT

# W=1, KCFLAGS=-Werror and the like must not turn a "yes" into a "no".
ask() {
	"$@" -Wno-error -Wno-missing-prototypes \
	     -Werror=implicit-function-declaration \
	     -Werror=incompatible-pointer-types -Werror=int-conversion \
	     '-DKBUILD_MODNAME="probe"' '-DKBUILD_BASENAME="probe"' \
	     '-DKBUILD_MODFILE="probe"' -D__KBUILD_MODNAME=kmod_probe \
	     -fsyntax-only "$file" >"$tmp/$probe.log" 2>&1 &&
		: >"$tmp/$probe.yes"
}

n=0
for file in $files; do
	probe=${file##*/} probe=${probe%.c}
	case " ${VTAP_WITHOUT-} " in *" $probe "*) continue ;; esac
	ask "$@" &
	n=$((n + 1))
	[ $((n % 2)) -ne 0 ] || wait
done
wait

if [ ! -e "$tmp/control_pass.yes" ]; then
	echo "kcompat: this does not compile against the kernel, and must:" \
	     "scripts/kcompat/probe/control_pass.c" >&2
	cat "$tmp/control_pass.log" >&2
	exit 1
fi
if [ -e "$tmp/control_fail.yes" ]; then
	echo "kcompat: this compiles, and must not: scripts/kcompat/probe/control_fail.c" >&2
	exit 1
fi

{
	echo "/* Made by scripts/kcompat/run.sh from scripts/kcompat/probe/. */"
	echo "#ifndef VTAP_KCOMPAT_H"
	echo "#define VTAP_KCOMPAT_H"
	for file in $files; do
		probe=${file##*/} probe=${probe%.c}
		case $probe in control_*) continue ;; esac
		name=VTAP_HAVE_$(echo "$probe" | tr '[:lower:]' '[:upper:]')
		if [ -e "$tmp/$probe.yes" ]; then
			echo "#define $name 1"
		else
			echo "/* $name: no */"
		fi
	done
	echo "#endif"
} >"$tmp/header"
for file in "$tmp"/*.log; do
	probe=${file##*/}
	echo "== ${probe%.log}"
	cat "$file"
done >"$header.log"
mv "$tmp/header" "$header"
