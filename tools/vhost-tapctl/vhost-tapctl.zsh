#compdef vhost-tapctl
# SPDX-License-Identifier: GPL-2.0
# zsh completion for vhost-tapctl
#
# "vhost-tapctl --complete" prints the words.

_vhost-tapctl() {
	local -a lines plain described
	local line end

	# Without the quotes that the user typed.
	lines=("${(@f)$(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command vhost-tapctl --complete \
		"${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}")
	case ${lines[1]} in
	:link)
		# /sys/class/net may be that of another network namespace.
		lines=("${(@f)$(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev)}")
		compadd -a lines
		return ;;
	:user) _users; return ;;
	:folder) _files -/; return ;;
	:file) _files; return ;;
	:command)
		end=${words[(i)--]}
		shift $end words
		(( CURRENT -= end ))
		_normal
		return ;;
	esac
	for line in $lines; do
		case $line in
		*$'\t'*) described+=(${line/$'\t'/:}) ;;
		*[=:]) compadd -S '' -- $line ;;
		*) plain+=($line) ;;
		esac
	done
	(( ! $#described )) || _describe -t commands command described
	(( ! $#plain )) || compadd -a plain
}

_vhost-tapctl "$@"
