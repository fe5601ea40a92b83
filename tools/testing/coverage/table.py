#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print what gcovr found as a table by file, and test it. Prints TAP.

Usage: table.py SOURCE TOTAL.json UNCOVERED.txt whole|partial

A line of UNCOVERED.txt is "FILE FUNCTION: REASON", with FILE below drivers/vhost_tap. A
whole run has to reach the floor, and each line that it did not reach has to be in one of
these functions.
"""
import json
import os
import pathlib
import sys

FLOOR = {"lines": 97.0, "branches": 85.0}
DRIVER = "drivers/vhost_tap/"


def reasons(path):
    """Return {(file, function): reason}."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            place, colon, reason = line.strip().partition(": ")
            if colon and not line.startswith("#"):
                found[tuple(place.split())] = reason
    return found


def function_of(functions, number):
    """Return the function that the line is in: the last one that begins before it."""
    before = [f for f in functions if f["lineno"] <= number]
    return max(before, key=lambda f: f["lineno"])["name"] if before else "-"


def is_code(line):
    """Return whether a line counts. Older and newer gcovr mark the others differently."""
    return not line.get("gcovr/noncode") and not line.get("gcovr/excluded")


def count(entry):
    """Return covered lines, lines, taken branches and branches of a file."""
    lines = [n for n in entry["lines"] if is_code(n)]
    branches = [b for n in lines for b in n["branches"]]
    return (sum(n["count"] > 0 for n in lines), len(lines),
            sum(b["count"] > 0 for b in branches), len(branches))


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def row(name, lines, nr_lines, branches, nr_branches):
    print(f"# {name:<28} {lines:5} of {nr_lines:5} {percent(lines, nr_lines):6.1f} "
          f"{branches:7} of {nr_branches:5} {percent(branches, nr_branches):6.1f}")


def missing(files, source, known):
    """Print the uncovered lines; return the number of those without a reason."""
    unknown = 0
    for entry in files:
        name = entry["file"].removeprefix(DRIVER)
        with open(os.path.join(source, entry["file"]), encoding="utf-8") as f:
            text = f.read().splitlines()
        for line in entry["lines"]:
            number = line["line_number"]
            if not is_code(line) or line["count"]:
                continue
            function = function_of(entry["functions"], number)
            reason = known.get((name, function), "no reason")
            unknown += reason == "no reason"
            print(f"# {name}:{number}: {function}: {text[number - 1].strip()}  [{reason}]")
    return unknown


def main():
    source, total, listed, extent = sys.argv[1:]
    with open(total, encoding="utf-8") as f:
        files = sorted(json.load(f)["files"], key=lambda entry: entry["file"])
    named = {entry["file"] for entry in files}
    # Without tracepoint definitions (gcovr.cfg), nothing of trace.c is left.
    absent = [str(p.relative_to(source)) for p in sorted(pathlib.Path(source, DRIVER).rglob("*.c"))
              if str(p.relative_to(source)) not in named and p.name != "trace.c" and not p.name.endswith(".mod.c")]
    unknown = missing(files, source, reasons(listed))
    print(f"# {'file':<28} {'lines':>14} {'%':>6} {'branches':>16} {'%':>6}")
    sums = [0, 0, 0, 0]
    for entry in files:
        counts = count(entry)
        row(entry["file"].removeprefix(DRIVER), *counts)
        sums = [a + b for a, b in zip(sums, counts)]
    row("total", *sums)
    if extent == "partial":
        return 0

    result = {"lines": percent(*sums[:2]), "branches": percent(*sums[2:])}
    failed = 0
    for i, kind in enumerate(FLOOR, 1):
        good = result[kind] >= FLOOR[kind]
        failed += not good
        print(f"{'' if good else 'not '}ok {i} - coverage.{kind}: "
              f"{result[kind]:.1f} %, floor {FLOOR[kind]:.0f} %")
    print(f"{'not ' if unknown else ''}ok 3 - coverage.reasons: "
          f"{unknown} uncovered lines without a reason")
    print("".join(f"# no counters: {name}\n" for name in absent), end="")
    print(f"{'not ' if absent else ''}ok 4 - coverage.files: {len(absent)} files without counters")
    print("1..4")
    return 1 if failed or unknown or absent else 0


sys.exit(main())
