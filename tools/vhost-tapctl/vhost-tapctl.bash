# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bash completion for vhost-tapctl

_vhost_tapctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words='' i
	COMPREPLY=()

	# Behind "--" the VMM's words begin.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
			return
		fi
	done
	# Only there it has a value.
	[[ ${COMP_WORDS[1]} != bench || $prev != --json ]] || prev=--output
	case $prev in
	--tap | --macvtap)
		# compgen -W would run what a name may hold, as in $(reboot). /sys/class/net
		# may be that of another network namespace.
		while IFS= read -r i; do
			[[ $i != "${cur//\\/}"* ]] || COMPREPLY+=("$(printf %q "$i")")
		done < <(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev)
		return ;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return ;;
	--output | --node | --plot | --kernel | --modules)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	polling)
		words="off fixed: adaptive:" cur=${cur#=} ;;
	=)
		[[ ${COMP_WORDS[COMP_CWORD - 2]} != polling ]] || words="off fixed: adaptive:" ;;
	--view)
		words="traffic drops workers" ;;
	--sort)
		words="packets bytes kicks calls drops batch tap starved wait blocked cpu cost" ;;
	--interval | --count | --queues | --mac | --id | --device | --rounds | --ms | --limit | --rows | --nodes | --append | --qemu-args)
		return ;;
	*)
		if [[ $COMP_CWORD == 1 ]]; then
			words="show stats top prometheus set pin monitor doctor report run bench takeover --help --version"
		else
			case ${COMP_WORDS[1]} in
			show) words="--json --all-namespaces" ;;
			monitor) words="--json" ;;
			stats) words="--json --all-namespaces --interval --count" ;;
			top) words="--interval --view --sort --once" ;;
			prometheus) words="--output --all-namespaces" ;;
			set) words="polling= busyloop-us= latency=" ;;
			doctor) words="--tap --macvtap --queues --user" ;;
			bench) words="--no-guest --json --plot --rows --list --rounds --ms --limit --queues --nodes --kernel --modules"
				words+=" --append --device --qemu-args" ;;
			takeover) words="on off status --persist --dry-run" ;;
			report) words="--output --tap" ;;
			run) words="--tap --macvtap --queues --mac --device --id --node --dry-run --" ;;
			esac
		fi ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	[[ ${COMPREPLY[0]:-} != *[=:] ]] || compopt -o nospace 2>/dev/null
}

complete -F _vhost_tapctl vhost-tapctl
