#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-layout.sh [--update] [DIR] - compare the layout of hot structs with layout.golden
#
# layout.py prints the layout and describes its format.  A commit that changes
# layout.golden explains why.

set -u
cd "$(dirname "$0")/.." || exit 1
update=
[ "${1:-}" != --update ] || { update=1 && shift; }
dir=${1:-build/6.12/src/drivers/vhost_tap}
golden=scripts/layout.golden
structs=(vtap_ring vtap_mem vtap_chain vtap_stats vtap_queue vtap_worker)

if [ ! -e "$dir/tx.o" ]; then
	echo "no $dir/tx.o: build first (scripts/kernels build 6.12)"
	exit 1
fi

layout() { scripts/layout.py "$dir/tx.o" "${structs[@]}"; }

if [ -n "$update" ]; then
	layout >$golden
	exit
fi
diff -u $golden <(layout) && exit
echo "if the change is intended: run scripts/check-layout.sh --update and explain it in the commit"
exit 1
