# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bash completion for vhost-tapctl
#
# "vhost-tapctl --complete" prints the words.

_vhost_tapctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} word='' glued='' first i
	local -a before=() found=()
	COMPREPLY=()

	# bash splits words at "=" and ":"; glue them together. The last one is the word
	# under the cursor.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		[=:]*) word+=${COMP_WORDS[i]} glued=1 ;;
		*)
			if [[ -z $glued ]]; then
				[[ $i == 1 ]] || before+=("$word")
				word=''
			fi
			word+=${COMP_WORDS[i]} glued='' ;;
		esac
	done
	# bash replaces the part behind the last "=" or ":" only.
	[[ $cur != [=:]* ]] || cur=''

	mapfile -t found < <(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin vhost-tapctl --complete "${before[@]}" 2>/dev/null)
	case ${found[0]:-} in
	:link)
		# compgen -W would run what a name may hold, as in $(reboot). /sys/class/net
		# may be that of another network namespace.
		while IFS= read -r i; do
			[[ $i != "${cur//\\/}"* ]] || COMPREPLY+=("$(printf %q "$i")")
		done < <(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev)
		return ;;
	:user) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
	:folder) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
	:file) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
	:command)
		for ((first = 2; first < COMP_CWORD; first++)); do
			[[ ${COMP_WORDS[first]} != -- ]] || break
		done
		if declare -F _command_offset >/dev/null; then
			_command_offset $((first + 1))
		else
			mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
		fi
		return ;;
	esac
	for i in "${found[@]%%$'\t'*}"; do
		[[ $i != "$word"* ]] || COMPREPLY+=("${i#"${word%"$cur"}"}")
	done
	[[ ${COMPREPLY[0]:-} != *[=:] ]] || compopt -o nospace 2>/dev/null
}

complete -F _vhost_tapctl vhost-tapctl
