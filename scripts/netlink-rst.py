#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""netlink-rst.py SPEC: convert a YNL specification to a page of reST.

The kernel's ynl_gen_rst.py would lose the numbers of enum values and make a section of
each attribute instead of a table. 7.2's ".. LINENO" lines separate each "do" and "dump"
from its request and reply, and Sphinx warns of them. No kernel package has the tool but
the whole source, from 6.8 on.
"""

import sys

import yaml


def one_line(text):
    """Join a doc string to one line and escape markup."""
    text = " ".join((text or "").split())
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`").replace("_ ", "\\_ ")


def table(head, rows):
    """Format a list table, because its cells may have any length."""
    out = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    for row in [head] + rows:
        for i, cell in enumerate(row):
            out.append(("   * - " if i == 0 else "     - ") + str(cell))
    return out + [""]


def title(text, mark):
    """Format a heading."""
    return [text, mark * len(text), ""]


def definitions(spec):
    """Describe the enums, their values, and the constants."""
    out = title("Values", "=")
    for d in spec["definitions"]:
        if d["type"] == "const":
            out += [f"``{d['name']}`` = {d['value']}", f"   {one_line(d.get('doc'))}", ""]
            continue
        out += [f"``{d['name']}`` ({d['type']}): {one_line(d.get('doc'))}", ""]
        rows = []
        for n, entry in enumerate(d["entries"], d.get("value-start", 0)):
            entry = {"name": entry} if isinstance(entry, str) else entry
            rows.append((entry.get("value", n), f"``{entry['name']}``", one_line(entry.get("doc"))))
        out += table(("value", "name", ""), rows)
    return out


def attribute_sets(spec):
    """Describe each attribute set."""
    out = title("Attributes", "=")
    for s in spec["attribute-sets"]:
        out += title(s["name"], "-")
        if "doc" in s:
            out += [one_line(s["doc"]), ""]
        rows = []
        for a in s["attributes"]:
            kind = a.get("type", "")
            of = a.get("enum") or a.get("nested-attributes") or a.get("sub-type")
            kind = f"{'list of ' if a.get('multi-attr') else ''}{kind}" + (f" ``{of}``" if of else "")
            rows.append((f"``{a['name']}``", kind, one_line(a.get("doc"))))
        out += table(("attribute", "type", ""), rows)
    return out


def operations(spec):
    """Describe requests, dumps and notifications."""
    out = title("Operations", "=")
    for op in spec["operations"]["list"]:
        out += title(op["name"], "-")
        out += [one_line(op.get("doc")), ""]
        if "notify" in op:
            out += [f"A notification of the group ``{op['mcgrp']}``, as the reply of ``{op['notify']}``.", ""]
        for how in ("do", "dump"):
            for what in ("request", "reply"):
                names = op.get(how, {}).get(what, {}).get("attributes")
                if names:
                    out += [f"{how}, {what}: " + ", ".join(f"``{n}``" for n in names), ""]
    return out


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        spec = yaml.safe_load(f)
    name = f"Netlink family {spec['name']}: reference"
    out = [".. SPDX-License-Identifier: GPL-2.0", ".. Made from the YNL specification.", "",
           "=" * len(name), name, "=" * len(name), ""]
    out += [line.strip() for line in spec["doc"].split("\n")] + [""]
    print("\n".join(out + operations(spec) + attribute_sets(spec) + definitions(spec)))


if __name__ == "__main__":
    main()
