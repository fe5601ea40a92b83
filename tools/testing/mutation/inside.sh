#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run kselftests in a debug kernel until one of them fails twice (see check.py). If none
# does, unload and load the module, and look for leaks.
#
# Usage: inside.sh KO|- PROGRAM[:CASE]...
#        -  only run the kselftests
# The last line is "found: PROGRAM: CASE" if one fails. A case that passes when it is
# repeated is reported as unstable, and does not count.
set -u
root=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=tools/testing/uml/inside.sh
. "$root/tools/testing/uml/inside.sh"

# Print the results of a program up to its first failure, whose name is in $case then.
fails() { # PROGRAM[:CASE] CASE-TO-IGNORE...
	local line program=$1 pid
	shift
	exec 3< <(exec "$root/tools/testing/selftests/vhost_tap/run.sh" "$program")
	pid=$!
	while IFS= read -r -u 3 line; do
		printf '%s\n' "$line"
		[[ $line == "not ok "* ]] || continue
		case=${line#not ok * *: }
		case=${case%% \#*}
		[[ " $* " != *" $case "* ]] || continue
		kill "$pid"
		# It ends the program first, which must not run while the next one does.
		wait "$pid"
		return 0
	done
	wait "$pid"
	return 1
}

[[ $1 == - ]] || forget || exit 125
for program in "${@:2}"; do
	unstable=()
	while fails "$program" "${unstable[@]}"; do
		first=$case
		again=${program%%:*}:$first
		[[ $first != "ended with "* ]] || again=$program
		if fails "$again"; then
			echo "found: ${program%%:*}: $first"
			exit 1
		fi
		echo "unstable: ${program%%:*}: $first"
		unstable+=("$first")
	done
done
[[ $1 != - ]] || exit 0
if ! { rmmod vhost_tap && insmod "$1" && rmmod vhost_tap; }; then
	echo "found: unload and load"
	exit 1
fi
no_leak "kmemleak"
[[ $failed == 0 ]] || echo "found: kmemleak: a leak"
exit $failed
