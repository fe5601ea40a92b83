#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Compare the errno of every ioctl in every state between in-tree /dev/vhost-net and
# /dev/vhost-tap on the same kernel. Prints one test per state.
#
# errno_allow.txt lists the permitted differences, each with its reason:
#   KERNELS STATE CALL IN-TREE VHOST-TAP # reason
# All five are shell patterns (IN-TREE may be A|B); KERNELS matches uname -r.
#
# Usage: errno_diff.sh [VTAP_NODE=/dev/...]

shopt -s extglob
here=$(cd "$(dirname "$0")" && pwd)
node=${VTAP_NODE:-/dev/vhost-tap}
tool=./errno_table
[[ -x $tool ]] || tool=$here/errno_table
[[ -x $tool ]] || tool=$here/../../../../build/selftests/errno_table

skip_all() {
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 4
}
[[ -c $node ]] || skip_all "no $node"
modprobe vhost_net 2>/dev/null
[[ -c /dev/vhost-net ]] || skip_all "no /dev/vhost-net to compare with"
[[ $(uname -m) != s390x ]] || skip_all "the calls are those of a legacy guest, refused on a big-endian machine"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Both runs mostly wait for the kernel, so they run at the same time.
"$tool" /dev/vhost-net >"$tmp/intree" &
"$tool" "$node" >"$tmp/ours" || exit 1
wait $! || exit 1
[[ -z $VTAP_OUT ]] || cp "$tmp/intree" "$tmp/ours" "$VTAP_OUT/"

release=$(uname -r)
# The rows for this kernel, one array for each column.
state_of=() call_of=() intree_of=() ours_of=()
while read -r k s c a b; do
	# The right-hand sides are patterns, here and below.
	# shellcheck disable=SC2053
	[[ $release == $k ]] || continue
	state_of+=("$s") call_of+=("$c") intree_of+=("$a") ours_of+=("$b")
done < <(sed 's/[[:space:]]*#.*//; /^$/d' "$here/errno_allow.txt")

# Check that errno_allow.txt permits this difference.
allowed() { # STATE CALL IN-TREE VHOST-TAP
	local i
	for i in "${!state_of[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 == ${state_of[i]} && $2 == ${call_of[i]} &&
		   $3 == @(${intree_of[i]}) && $4 == ${ours_of[i]} ]] && return 0
	done
	return 1
}

paste -d' ' "$tmp/intree" <(cut -d' ' -f3 "$tmp/ours") >"$tmp/both"
states=$(cut -d' ' -f1 "$tmp/intree" | uniq)
echo "TAP version 13"
echo "1..$(($(wc -w <<<"$states") + 1))"
n=1 failed=0
if [[ $(wc -l <"$tmp/intree") == $(wc -l <"$tmp/ours") ]]; then
	echo "ok 1 both tables have $(wc -l <"$tmp/ours") lines"
else
	echo "not ok 1 the tables have different lengths"
	failed=1
fi
for state in $states; do
	n=$((n + 1))
	known=0 bad=0
	lines=$(grep "^$state " "$tmp/both")
	same=$(awk '$3 == $4' <<<"$lines" | wc -l)
	while read -r s call a b; do
		if allowed "$s" "$call" "$a" "$b"; then
			known=$((known + 1))
		else
			echo "# $s $call: in-tree $a, ours $b"
			bad=$((bad + 1))
		fi
	done < <(awk '$3 != $4' <<<"$lines")
	name="state $state: $same calls alike, $known known differences"
	if [[ $bad == 0 ]]; then
		echo "ok $n $name"
	else
		echo "not ok $n $name, $bad unlisted differences"
		failed=1
	fi
done
exit $failed
