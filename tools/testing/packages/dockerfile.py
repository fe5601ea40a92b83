#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""dockerfile.py FILE RELEASE: convert a Dockerfile to a shell script

Its stages become one system that already has the packages and the copy of the sources.
All other commands run as written.
"""

import re
import sys


def main():
    print(f"set -e -x\nKERNEL_FULL_VERSION={sys.argv[2]}")
    with open(sys.argv[1], encoding="utf-8") as f:
        lines = f.read().splitlines()
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "RUN" and re.match(r"apt-get update && apt-get -y install ", rest):
            continue
        if word == "RUN":
            print(rest)
        elif word == "WORKDIR":
            print(f"mkdir -p {rest}\ncd {rest}")
        elif word == "COPY" and rest.startswith(". "):
            print(f"test -e {rest[2:]}/dkms.conf")
        elif word == "COPY":
            _, what, where = rest.split()
            print(f"mkdir -p {where}\ncp {what} {where}")
        elif word not in ("FROM", "ARG", "#"):
            raise SystemExit(f"what is {line}?")


main()
