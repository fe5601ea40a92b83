# SPDX-License-Identifier: GPL-2.0
"""Write generated documents, or compare them with --check"""

import sys


def update(wanted, source):
    """Write {path: text}; with --check list the files that differ -> exit status"""
    bad = 0
    for path, text in wanted.items():
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                continue
        if sys.argv[1:] == ["--check"]:
            print(f"{path} differs from {source}; run {sys.argv[0]}")
            bad = 1
        else:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    return bad
