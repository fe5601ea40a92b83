#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""uapi-rst.py HEADER: convert a uapi header to reST in Sphinx's C domain.

The script reads the comment at the top, the kernel-doc comments of types, and each
#define with the comment before it.

kernel-doc would lose the values of the macros, such as the numbers of the ioctls, and
every comment before a macro that does not begin with "define NAME -". The package
linux-kbuild of 6.12 has kernel-doc, that of 7.2 has not: it is in the whole source only.
"""

import re
import sys

ITEM = re.compile(
    r"/\*\*?(?P<comment>.*?)\*/[ \t]*\n|(?P<type>^(?:struct|enum) \w+ \{.*?^\};)"
    r"|^(?P<macro>#define\s+\w+.*?(?<!\\)\n)|(?P<blank>^\n)", re.S | re.M)


def clean(text):
    """Remove the comment markers."""
    return [re.sub(r"^\s*\* ?", "", line).rstrip() for line in text.strip().split("\n")]


def inline(line):
    """Escape plain text for reST and mark up @member and %VALUE."""
    line = line.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")
    line = re.sub(r"_(?=\W|$)", r"\\_", line)
    return re.sub(r"[@%](\w+)", r"``\1``", line)


def paragraphs(lines, indent=""):
    """Split into paragraphs; indented lines stay literal."""
    out, literal = [], False
    for line in lines:
        deep = line.startswith("  ") or line.startswith("\t")
        if deep and not literal:
            out += [indent + "::", ""]
        if literal and not deep and line:
            out.append("")
        if line:
            literal = deep
        out.append((indent + ("   " + line if literal else inline(line))).rstrip())
    return out + [""]


def type_rst(comment, body):
    """Describe a struct or enum: its members' "@name:" texts, then the description."""
    kind, name = body.split()[:2]
    first, *rest = clean(comment)
    members, text, where = {}, [], None
    for line in rest:
        m = re.match(r"@(\w+):\s*(.*)", line)
        if m:
            where = m.group(1)
            members[where] = [m.group(2)]
        elif where and line.strip():
            members[where].append(line.strip())
        else:
            where = None
            text.append(line)
    out = [f".. c:{kind}:: {name}", "", "   " + inline(first.split(" - ", 1)[1]), ""]
    out += paragraphs(text, "   ")
    member, form = {"struct": ("member", r"^\t(.*?\b(\w+)(?:\[\w+\])?);"),
                    "enum": ("enumerator", r"^\t((\w+)(?: = .*)?),")}[kind]
    for full, short in re.findall(form, body, re.M):
        if short not in members:
            sys.exit(f"uapi-rst: {name}.{short} has no description")
        out += [f"   .. c:{member}:: {full}", "", "      " + inline(" ".join(members[short])), ""]
    return out


def macro_rst(comment, body):
    """Describe a macro with a value. Include guards have no value."""
    name, value = re.match(r"#define\s+(\w+(?:\([^)]*\))?)\s*(.*)", body, re.S).groups()
    value = re.sub(r"\s*\\\n\s*", " ", value).strip()
    if not value:
        return []
    return [f".. c:macro:: {name}", "", f"   ``{value}``", ""] + \
        (paragraphs(clean(comment), "   ") if comment else [])


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    name = re.sub(r".*include/uapi/", "", path)
    title = f"<{name}>"
    out = [".. SPDX-License-Identifier: GPL-2.0",
           f".. Made from {name} by scripts/uapi-rst.py.", "",
           "=" * len(title), title, "=" * len(title), ""]
    comment, top = "", True
    for m in ITEM.finditer(text):
        if m["comment"] is not None:
            comment = "" if "SPDX" in m["comment"] else m["comment"]
            if comment and top:
                out += paragraphs(clean(comment)[1:])
                comment, top = "", False
        elif m["type"]:
            out += type_rst(comment, m["type"])
            comment = ""
        elif m["macro"]:
            out += macro_rst(comment, m["macro"])
            comment = ""
        else:
            comment = ""
    print("\n".join(out))


if __name__ == "__main__":
    main()
