#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""metrics.py [-v]: check the sizes of files and functions against the style guide.

A function in kernel style has a line at column 0 with a parameter list, then an
opening and a closing brace at column 0.
"""

import re
import subprocess
import sys

FILE_LINES = 600
FUNCTION_LINES = 100
PARAMETERS = 7          # the aim is 5, but the kernel sets the signatures of callbacks

HEAD = re.compile(r"^[A-Za-z_][\w\s\*]*?\b(\w+)\s*\(", re.M)


def sources():
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
        check=True, capture_output=True, text=True).stdout.split()
    return sorted(set(out))


def functions(lines):
    """Yield (name, first line, number of lines, number of parameters)."""
    i = 0
    while i < len(lines):
        if lines[i] != "{":
            i += 1
            continue
        start = i - 1
        while start > 0 and lines[start][:1] in ("\t", " "):
            start -= 1
        end = i
        while end < len(lines) and not lines[end].startswith("}"):
            end += 1
        head = "\n".join(lines[start:i])
        m = HEAD.match(head)
        if m:
            params = head[m.end():head.rfind(")")]
            depth, count = 0, 1
            for c in params:
                depth += (c == "(") - (c == ")")
                count += c == "," and depth == 0
            # Skip macros with a body, as TEST_F: they have no parameter list.
            if m.group(1).isupper():
                count = 0
            yield m.group(1), start + 1, end - start + 1, count
        i = end + 1


def main():
    bad = []
    sizes = {}
    longest = (0, "")
    for path in sources():
        try:
            with open(path, encoding="utf-8") as f:
                lines = f.read().split("\n")
        except FileNotFoundError:       # deleted, not yet committed
            continue
        n = len(lines) - 1
        sizes.setdefault(path.split("/")[0], []).append((n, path))
        if n > FILE_LINES:
            bad.append(f"{path}: {n} lines, limit {FILE_LINES}")
        for name, line, length, params in functions(lines):
            longest = max(longest, (length, f"{path}:{line} {name}()"))
            if length > FUNCTION_LINES:
                bad.append(f"{path}:{line}: {name}() has {length} lines, limit {FUNCTION_LINES}")
            if params > PARAMETERS and path.startswith("drivers/"):
                bad.append(f"{path}:{line}: {name}() has {params} parameters, limit {PARAMETERS}")
    if bad or "-v" in sys.argv[1:]:
        for top, files in sorted(sizes.items()):
            files.sort()
            print(f"{top}: {len(files)} files, {sum(n for n, _ in files)} lines, "
                  f"median {files[len(files) // 2][0]}, largest {files[-1][0]} ({files[-1][1]})")
        print(f"longest function: {longest[0]} lines, {longest[1]}")
    print("\n".join(bad), end="\n" if bad else "")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
