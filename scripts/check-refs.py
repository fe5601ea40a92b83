#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check-refs.py: check that the tree refers only to files that are in it.

The check covers names of .md and .rst files and paths below our own folders, in all
tracked text. ELSEWHERE lists names that scripts generate or that belong to the kernel's
source. Contacts and links must not use example.org. Text must not cite issues by
number, because a reader of this tree has no access to them.
"""

import fnmatch
import os
import re
import subprocess
import sys

DOCUMENT = re.compile(r"(?<![\w*{$/.-])((?:[\w.-]+/)*[\w-]+\.(?:md|rst))(?![\w*])")
PATH = re.compile(r"(?<![\w$}/.-])((?:\.ci|dist|drivers/vhost_tap|include/compat|rpm|samples|scripts|"
                  r"tools/(?:testing/(?:bench|docs|guides|kunit|lib|libvirt|litmus|models|packages|qemu|tapctl|uml|user|selftests/vhost_tap)|"
                  r"vhost-tapctl))/[\w./*?-]*\w)")
NEVER = [(re.compile(r"\b[Ii]ssue #?\d+"), "cites an issue"),
         (re.compile(r"\bexample\.(?:com|net|org)\b"), "leads to a placeholder domain")]
# Pages that scripts/make-docs generates, names set by conventions, kernel pages.
ELSEWHERE = {"uapi-header.rst", "netlink-spec.rst", "coding-style.rst", "scripts/kcompat/probe/NAME.c"}
SKIP = ("scripts/check-refs.py", "COPYING", "*.svg", "*.golden")


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                         check=True, capture_output=True, text=True).stdout
    return [f for f in out.split("\n") if f and os.path.isfile(f)]


def main():
    files = tracked()
    names = {os.path.basename(f) for f in files}
    paths = set(files)
    for f in files:
        while f := os.path.dirname(f):
            paths.add(f)
    bad = 0
    for path in files:
        if any(fnmatch.fnmatch(path, pattern) for pattern in SKIP):
            continue
        try:
            with open(path, encoding="utf-8") as f:
                text = f.read()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            said = [f"refers to {m}, which is not in the tree" for m in DOCUMENT.findall(line)
                    if os.path.basename(m) not in names | ELSEWHERE]
            for m in PATH.findall(line):
                # Accept the name of a built file: foo or foo.ko from foo.c.
                if not (m.endswith(".ko") or {m, m + ".c"} & (paths | ELSEWHERE) or fnmatch.filter(paths, m)):
                    said.append(f"refers to {m}, which is not in the tree")
            said += [f"{why}: {m.group(0)}" for pattern, why in NEVER for m in [pattern.search(line)] if m]
            for s in said:
                print(f"{path}:{number}: {s}")
                bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
