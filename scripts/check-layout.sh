#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-layout.sh [--update] [DIR] - hot structs lie as layout.golden says
#
# One line per member: offset, size, name; cacheline borders in between.  A
# changed golden file is explained in its commit.

set -u
cd "$(dirname "$0")/.." || exit 1
update=
[ "${1:-}" != --update ] || { update=1 && shift; }
dir=${1:-build/6.12/src/drivers/vhost_tap}
golden=scripts/layout.golden
structs=(vtap_ring vtap_mem vtap_chain vtap_queue)

if [ ! -e "$dir/tx.o" ]; then
	echo "no $dir/tx.o: build first (scripts/kernels build 6.12)"
	exit 1
fi

layout() {
	local s
	for s in "${structs[@]}"; do
		pahole -C "$s" "$dir/tx.o" 2>/dev/null | awk -v name="$s" '
			NR == 1 { print "struct " name }
			/cacheline [0-9]+ boundary/ {
				match($0, /cacheline [0-9]+/)
				print "  -- " substr($0, RSTART, RLENGTH)
				next
			}
			/^\t[^\t].*;[ \t]*\/\*[ \t]*[0-9]+(:[0-9 ]+)?[ \t]+[0-9]+[ \t]*\*\/$/ {
				comment = $0
				sub(/.*;[ \t]*\/\*[ \t]*/, "", comment)
				sub(/[ \t]*\*\/$/, "", comment)
				split(comment, at, /[ \t]+/)
				decl = $0
				sub(/;[ \t]*\/\*.*/, "", decl)
				sub(/ __attribute__.*/, "", decl)
				sub(/^[ \t]*/, "", decl)
				gsub(/[ \t]+/, " ", decl)
				printf "  %5d %5d  %s\n", at[1], at[length(at)], decl
			}
			/\/\* XXX .* hole/ {
				match($0, /[0-9]+ bytes? hole/)
				print "               (" substr($0, RSTART, RLENGTH) ")"
			}
			/\/\* size: / {
				match($0, /size: [0-9]+, cachelines: [0-9]+/)
				print "  " substr($0, RSTART, RLENGTH)
			}'
	done
}

if [ -n "$update" ]; then
	layout >$golden
	exit
fi
diff -u $golden <(layout) && exit
echo "explain the change in the commit, and run scripts/check-layout.sh --update"
exit 1
