# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The answers that the probes of kcompat/probe give on a kernel. check-matrix.sh and
# check-btf read this file, in the root of the tree.

answers() {	# VER: the probes that must succeed on it, from expected.txt
	awk -v ver="$1" '/^[^#]/ { for (i = 2; i <= NF; i++) if ($i == ver) print substr($1, 1, length($1) - 1) }' \
		scripts/kcompat/expected.txt | sort
}

upstream_answers() {	# VER: the probes that must succeed on this version of Linux
	local file word limit rest
	for file in scripts/kcompat/probe/*.c; do
		read -r _ word limit rest <"$file"
		case $word in
		since) printf '%s\n' "$limit" "$1" | sort -CV || continue ;;
		until) printf '%s\n' "$1" "$limit" | sort -CV || continue ;;
		*) continue ;;
		esac
		basename "$file" .c
	done | tr '[:lower:]' '[:upper:]' | sort
}

# Probes for names that the kernel has only in the new form. Without them, nothing
# compiles on a kernel that has the new form.
replaced='DEV_SW_NETSTATS_TX_ADD|EVENTFD_SIGNAL_1ARG|FOLL_NOFAULT|HRTIMER_SETUP|UBUF_INFO_OPS'

wanted_answers() {	# NAME BASE
	case $1 in
	old) answers "$2" | grep -E "^($replaced)\$" ;;
	"$2") answers "$2" ;;
	*) upstream_answers "$1" ;;
	esac
}

# Print the arguments of make that give these answers on the kernel.
forced() {	# NAME BASE
	local without with name standin=() dir=scripts/kcompat/standin
	without=$(comm -13 <(wanted_answers "$1" "$2") <(answers "$2") | tr '[:upper:]' '[:lower:]')
	with=$(comm -23 <(wanted_answers "$1" "$2") <(answers "$2") | tr '[:upper:]' '[:lower:]')
	for name in $without; do
		[ ! -d "$dir/no_$name" ] || standin+=("no_$name")
	done
	for name in $with; do
		standin+=("$name")
	done
	printf '%s\n' "VTAP_WITHOUT=${without//$'\n'/ }" "VTAP_STANDIN=${standin[*]}"
}
