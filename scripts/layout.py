#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""layout.py OBJECT STRUCT... - print the layout of structs from debug information

Each member has a line with its offset, size and name. Members of unnamed structs and
unions are indented below "struct" or "union". Cacheline borders and holes have lines of
their own. The script uses pyelftools, because the output of pahole changes from version
to version.
"""
import sys

from elftools.elf.elffile import ELFFile

LINE = 64


def target(die):
    """Return the type behind typedefs and qualifiers, or None."""
    while die.tag in ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type"):
        if "DW_AT_type" not in die.attributes:
            return None
        die = die.get_DIE_from_attribute("DW_AT_type")
    return die


def size_of(die):
    die = target(die)
    if die is None:
        return 0
    if die.tag == "DW_TAG_array_type":
        size = size_of(die.get_DIE_from_attribute("DW_AT_type"))
        for dim in die.iter_children():
            if dim.tag != "DW_TAG_subrange_type":
                continue
            if "DW_AT_count" in dim.attributes:
                size *= dim.attributes["DW_AT_count"].value
            elif "DW_AT_upper_bound" in dim.attributes:
                size *= dim.attributes["DW_AT_upper_bound"].value + 1
            else:
                size = 0  # a flexible array
        return size
    if "DW_AT_byte_size" in die.attributes:
        return die.attributes["DW_AT_byte_size"].value
    raise ValueError(f"size of {die.tag}")


def print_members(die, base, depth, line):
    """Print the members of a struct or union; return the last border printed."""
    union = die.tag == "DW_TAG_union_type"
    end = base
    for member in die.iter_children():
        if member.tag != "DW_TAG_member":
            continue
        offset = base + member.attributes["DW_AT_data_member_location"].value \
            if "DW_AT_data_member_location" in member.attributes else base
        kind = target(member.get_DIE_from_attribute("DW_AT_type"))
        size = size_of(kind)
        if not union and offset > end:
            print(f"{'':15}({offset - end} byte{'s' * (offset - end > 1)} hole)")
        if offset // LINE > line:
            line = offset // LINE
            print(f"  -- cacheline {line}")
        if "DW_AT_name" in member.attributes:
            name = member.attributes["DW_AT_name"].value.decode()
        else:
            name = kind.tag.split("_")[2].replace("structure", "struct")
        print(f"  {offset:5} {size:5}  {'  ' * depth}{name}")
        if "DW_AT_name" not in member.attributes:
            line = print_members(kind, offset, depth + 1, line)
        end = max(end, offset + size)
    return line


def main():
    path, wanted = sys.argv[1], sys.argv[2:]
    found = {}
    with open(path, "rb") as f:
        for cu in ELFFile(f).get_dwarf_info().iter_CUs():
            for die in cu.get_top_DIE().iter_children():
                if die.tag == "DW_TAG_structure_type" and "DW_AT_name" in die.attributes and \
                        "DW_AT_declaration" not in die.attributes:
                    name = die.attributes["DW_AT_name"].value.decode()
                    if name in wanted:
                        found.setdefault(name, die)
        for name in wanted:
            if name not in found:
                sys.exit(f"{path}: no struct {name}")
            print(f"struct {name}")
            print_members(found[name], 0, 0, 0)
            size = size_of(found[name])
            print(f"  size: {size}, cachelines: {-(-size // LINE)}")


if __name__ == "__main__":
    main()
