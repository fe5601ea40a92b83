#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""kernel-docs.py [--check]: update the table of kernels and architectures in the documents

Reads Documentation/kernels.txt, which make matrix-all writes. Updates the parts of
README.md and compat.rst between "kernels: table" and "kernels: end". With --check it writes
nothing, lists the files that are out of date, and fails if there are any.
"""

import os
import re
import sys

import generated

ROWS = {"": "amd64", "rt-amd64": "amd64, real-time", "cloud-amd64": "amd64, cloud", "arm64": "arm64",
        "arm64:clang": "arm64, clang", "powerpc64le": "ppc64el", "s390x": "s390x", "riscv64": "riscv64"}
ROWS |= {f":gcc-{n}": f"amd64, GCC {n}" for n in range(13, 17)}
PART = re.compile(r"^(\S+ kernels: table[^\n]*\n).*?^(\S+ kernels: end)", re.M | re.S)


def read_results(path):
    """Read the results -> {flavor: {series: word}}, and the kernels that were only checked"""
    results, checked = {}, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            fields = line.split()
            if len(fields) == 3 and fields[2] == "checked":
                checked.append(fields[0])
            elif len(fields) == 3 and fields[0] != "#":
                kernel, colon, compiler = fields[0].partition(":")
                series, _, flavor = kernel.partition("-")
                results.setdefault(flavor + colon + compiler, {})[series] = fields[2]
    return results, checked


def cells(results):
    """Arrange the results -> a list of rows of text, the heading first"""
    series = sorted({s for row in results.values() for s in row}, key=lambda v: [int(n) for n in v.split(".")])
    return [["Debian's kernel"] + series] + [[ROWS[f]] + [results[f].get(s, "-") for s in series]
                                             for f in ROWS if f in results]


def markdown(rows):
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|"] + lines[1:])


def rst(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = "  ".join("=" * w for w in widths)
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([rule, lines[0], rule] + lines[1:] + [rule])


def main():
    os.chdir(f"{os.path.dirname(os.path.abspath(__file__))}/..")
    results, checked = read_results("Documentation/kernels.txt")
    rows = cells(results)
    line = f"Checked by ``make check-btf``, without a build: {', '.join(checked)} (amd64)."
    wanted = {}
    for path, table in {"README.md": f"{markdown(rows)}\n\n{line.replace('``', '`')}",
                        "Documentation/compat.rst": f"{rst(rows)}\n\n{line}"}.items():
        with open(path, encoding="utf-8") as f:
            wanted[path] = PART.sub(lambda m, table=table: f"{m[1]}\n{table}\n\n{m[2]}", f.read())
    return generated.update(wanted, "kernels.txt")


if __name__ == "__main__":
    sys.exit(main())
