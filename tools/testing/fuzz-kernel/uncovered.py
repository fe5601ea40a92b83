#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print how much of the driver a run of the fuzzer has reached, and what it has not.

Usage: uncovered.py vhost_tap.ko OUT

OUT has the files "points" and "sections" of the run. The first line is the summary. Then
come functions without any point, and the lines of missing points in the others. Assertions
and the code that loads and unloads the module do not count.
"""
import collections
import os
import re
import subprocess
import sys


def output(*cmd):
    return subprocess.run(cmd, check=True, capture_output=True, text=True).stdout


HOOK = "__sanitizer_cov_trace_pc"


def all_points(module):
    """Yield section and offset of each point: where the call of the hook returns to.

    UML compiles modules with -mcmodel=large, so gcc loads the hook's address into a register
    or a stack slot, and calls that.
    """
    section, holders, call = None, set(), False
    for line in output("objdump", "-dr", "--no-show-raw-insn", module).splitlines():
        if line.startswith("Disassembly of section"):
            section = line.split()[-1].rstrip(":")
        elif line.endswith(">:"):
            holders, call = set(), False
        match = re.match(r"\s+([0-9a-f]+):\s+(.*)", line)
        if not match:
            continue
        at, code = int(match.group(1), 16), match.group(2).strip()
        if code.startswith("R_X86_64"):
            if HOOK in code and loaded:
                holders.add(loaded)
            continue
        if call:
            yield section, at
        code = re.sub(r"\s+#.*", "", code)
        call = code.startswith("call") and code.split("*")[-1] in holders
        loaded = None
        load = re.match(r"movabs \$0x0,(%\w+)$", code)
        move = re.match(r"mov +([^,]*(?:\([^)]*\))?),(\S+)$", code)
        if load:
            loaded = load.group(1)
            holders.discard(loaded)
        elif move:
            (holders.add if move.group(1) in holders else holders.discard)(move.group(2))


# Branches that only a defect takes, and code that runs before and after any program.
NEVER = re.compile(r"lockdep_(assert|is_held)|WARN_ON|BUG_ON")
LOADING = re.compile(r"_(init|exit)$|^_sub_|^__probestub_|^__ns_")


def source_line(place, cache={}):
    """Return a line of the driver's source, or "" for other places."""
    path, _, nr = place.rpartition(":")
    if path not in cache:
        try:
            with open(path, encoding="utf-8") as f:
                cache[path] = f.read().splitlines()
        except OSError:
            cache[path] = []
    lines = cache[path]
    return lines[int(nr) - 1] if nr.isdigit() and int(nr) <= len(lines) else ""


def places(module, section, offsets):
    """Return the innermost function and the line of each offset."""
    text = subprocess.run(
        ["addr2line", "-f", "-i", "-a", "-j", section, "-e", module],
        input="".join(f"{o - 1:#x}\n" for o in offsets), check=True,
        capture_output=True, text=True).stdout
    found, at = {}, iter(text.splitlines())
    lines = list(at)
    i = 0
    for offset in offsets:
        i += 1                  # the address
        found[offset] = (lines[i], lines[i + 1].split(" ")[0])
        i += 2
        while i < len(lines) and not lines[i].startswith("0x"):
            i += 1              # the functions that it is inlined in
    return found


def main():
    module, out = sys.argv[1:]
    base = {}
    with open(os.path.join(out, "sections"), encoding="utf-8") as f:
        for line in f:
            path, address = line.strip().rsplit(":", 1)
            base[os.path.basename(path)] = int(address, 16)
    with open(os.path.join(out, "points"), encoding="utf-8") as f:
        seen = {int(line) + base[".text"] for line in f}

    points = collections.defaultdict(list)
    for section, offset in all_points(module):
        if section in base:
            points[section].append(offset)
    known = {base[s] + o for s, offsets in points.items() for o in offsets}
    functions = collections.defaultdict(lambda: [0, 0, set()])
    total = hit = 0
    for section, offsets in points.items():
        place = places(module, section, offsets)
        for offset in offsets:
            name, line = place[offset]
            if NEVER.search(source_line(line)) or LOADING.search(name):
                continue
            total += 1
            functions[name][0] += 1
            if base[section] + offset in seen:
                hit += 1
                functions[name][1] += 1
            else:
                functions[name][2].add(re.sub(r".*/drivers/vhost_tap/", "", line))
    whole = sum(1 for f in functions.values() if f[1])
    print(f"{hit} of {total} points, {whole} of {len(functions)} functions")
    if seen - known:
        print(f"{len(seen - known)} points are not found in the module's code")
    for name, (nr, done, missing) in sorted(functions.items(), key=lambda f: (f[1][1] > 0, f[0])):
        if missing:
            print(f"{name}: {done} of {nr}: {' '.join(sorted(missing))}")


main()
