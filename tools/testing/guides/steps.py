#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""steps.py GUIDE DIR: extract the steps of a guide, one file for each

Blocks ".. code-block:: sh" are steps. Their ":class:" says where and how they run:

  (none)  on the host                 guest  in the guest
  fails   on the host, must fail      yours  the reader's values: the test has its own

A ".. code-block:: text" follows a "fails" step: the command's output must contain each
of its lines. A comment ".. test: COMMAND" is a step of the test only. The files are
DIR/NNN.KIND, with the guide's line number in a comment in the first line.
"""

import os
import re
import sys


def steps(lines):
    """Yield (kind, line number, text)."""
    i = 0
    fails = False
    while i < len(lines):
        test = re.match(r"\.\. test: (.*)", lines[i])
        block = re.match(r"( *)\.\. code-block:: (sh|text)$", lines[i])
        start = i + 1
        i += 1
        if test:
            yield "test", start, test.group(1)
        if not block:
            continue
        depth, kind = len(block.group(1)), "host"
        while i < len(lines) and re.match(r" +:\w+:", lines[i]):
            m = re.match(r" +:class: (\w+)", lines[i])
            kind = m.group(1) if m else kind
            i += 1
        body = []
        while i < len(lines) and (not lines[i] or len(lines[i]) - len(lines[i].lstrip()) > depth):
            body.append(lines[i])
            i += 1
        cut = min((len(b) - len(b.lstrip()) for b in body if b), default=0)
        text = "\n".join(b[cut:] for b in body).strip("\n")
        if block.group(2) == "text":
            if fails:
                yield "says", start, text
            fails = False
            continue
        if kind not in ("host", "guest", "fails", "yours"):
            sys.exit(f"line {start}: unknown class {kind}")
        fails = kind == "fails"
        if kind != "yours":
            yield kind, start, text


def main():
    guide, out = sys.argv[1:]
    with open(guide, encoding="utf-8") as f:
        lines = f.read().split("\n")
    found = list(steps(lines))
    if not found:
        sys.exit(f"{guide}: nothing to do")
    for n, (kind, line, text) in enumerate(found):
        with open(os.path.join(out, f"{n:03}.{kind}"), "w", encoding="utf-8") as f:
            f.write(f"# line {line}\n{text}\n")


if __name__ == "__main__":
    main()
