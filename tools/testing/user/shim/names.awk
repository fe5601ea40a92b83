# SPDX-License-Identifier: GPL-2.0
#
# names.awk - keep the shim's names apart from those of system headers
#
# Reads annotations.h, kernel_api.h and user_access.h. Prints undef.h, which makes every name that
# they define free for them: macros are undefined, functions and types get the
# prefix "shim_". With -v clash=1 it prints clash.h, which defines all these names
# with another meaning, as a newer C library or UAPI header may do.

function note(name, kind)
{
	if (name ~ /^(shim_|SHIM_|VTAP_SHIM_)/ || (name in kind_of && kind_of[name] == "macro"))
		return
	if (!(name in kind_of))
		order[++n] = name
	kind_of[name] = kind
}

/^#[ \t]*define[ \t]/ {
	name = $0
	sub(/^#[ \t]*define[ \t]+/, "", name)
	sub(/[^A-Za-z0-9_].*/, "", name)
	note(name, "macro")
}

/^typedef .*;/ || /^} [a-z0-9_]+;/ {
	name = $0
	if (name ~ /\(\*/) {
		sub(/.*\(\*/, "", name)
		sub(/\).*/, "", name)
	} else {
		sub(/;.*/, "", name)
		sub(/.*[ *]/, "", name)
	}
	note(name, "type")
}

/^[a-z][A-Za-z0-9_ *]*[ *][A-Za-z0-9_]+\(/ && !/^typedef/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	note(name, "function")
}

END {
	for (i = 1; i <= n; i++) {
		name = order[i]
		kind = kind_of[name]
		print "#undef " name
		if (clash && kind == "macro")
			print "#define " name " shim_clash_with_" name
		else if (clash && kind == "type")
			print "typedef struct shim_clash *" name ";"
		else if (clash)
			print "struct shim_clash *" name "(struct shim_clash *);"
		else if (kind != "macro")
			print "#define " name " shim_" name
	}
}
