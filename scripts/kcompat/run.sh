#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh HEADER PROBE.c... -- CC FLAGS... - compile each probe, write HEADER
#
# The header has "#define VTAP_HAVE_FOO_BAR 1" if probe foo_bar.c compiles, else a
# comment.  HEADER.log keeps the output of the compiler.  A probe named in VTAP_WITHOUT
# counts as failed on any kernel.  This tests the code for one kernel on another one.
# Makefile.kcompat calls this script from the kernel's build.

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

# Options such as W=1 and KCFLAGS=-Werror must not make a probe fail.
compile() {
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
	compile "$@" &
	n=$((n + 1))
	[ $((n % 2)) -ne 0 ] || wait
done
wait

if [ ! -e "$tmp/control_pass.yes" ]; then
	echo "kcompat: a probe that must compile fails, so all results are wrong:" \
	     "scripts/kcompat/probe/control_pass.c" >&2
	cat "$tmp/control_pass.log" >&2
	exit 1
fi
if [ -e "$tmp/control_fail.yes" ]; then
	echo "kcompat: a probe that must fail compiles: scripts/kcompat/probe/control_fail.c" >&2
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
