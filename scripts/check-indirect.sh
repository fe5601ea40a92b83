#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-indirect.sh [DIR] - refuse indirect calls on the packet path
#
# Searches the objects of the packet path for calls through a retpoline thunk or a
# register.  Each necessary call has a line "function reason" in indirect.allow.
# A line of indirect.allow without such a call is an error too.

set -u
cd "$(dirname "$0")/.." || exit 1
dir=${1:-build/6.12/src/drivers/vhost_tap}
allow=scripts/indirect.allow
objects=(worker.o tx.o rx.o pass.o iotlb_miss.o poll.o wakeup.o backend/xdp_tx.o backend/ring_rx.o backend/skb_rx.o
	backend/send.o backend/msg.o)

for o in "${objects[@]}"; do
	if [ ! -e "$dir/$o" ]; then
		echo "no $dir/$o: build first (scripts/kernels build 6.12)"
		exit 1
	fi
done

# "object function" for each indirect call or jump, compiler suffixes removed
found=$(for o in "${objects[@]}"; do
	objdump -dr --no-show-raw-insn "$dir/$o" | awk -v object="$o" '
		/^[0-9a-f]+ <.*>:$/ {
			name = $2
			gsub(/[<>:]/, "", name)
			sub(/\.(isra|constprop|part|cold).*/, "", name)
		}
		/R_X86_64_.*__x86_indirect_thunk_/ || /[ \t](call|jmp)[ \t]+\*/ {
			print object, name
		}'
done | sort -u)

status=0
while read -r object name; do
	[ -n "$object" ] || continue
	if ! grep -q "^${name}[[:space:]]" $allow; then
		echo "$object: indirect call in $name(), not in $allow"
		status=1
	fi
done <<<"$found"

while read -r name reason; do
	case $name in "" | "#"*) continue ;; esac
	if [ -z "$reason" ]; then
		echo "$allow: $name has no reason"
		status=1
	fi
	if ! grep -q " $name\$" <<<"$found"; then
		echo "$allow: $name makes no indirect call, remove its line"
		status=1
	fi
done <$allow
exit $status
