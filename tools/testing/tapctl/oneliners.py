#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""oneliners.py FILE: join the bpftrace -e programs of a document to one program"""

import re
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        programs = re.findall(r"bpftrace -e '([^']*)'", f.read())
    if len(programs) < 5:
        raise SystemExit(f"only {len(programs)} programs")
    print("\n".join(programs))


main()
