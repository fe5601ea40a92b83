#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""dockerfile.py GUIDE RELEASE: convert the Dockerfile in a guide to a shell script

Its stages become one system that already has the packages and the result of git clone.
All other commands run as written.
"""

import re
import sys

import yaml


def dockerfile(path):
    with open(path, encoding="utf-8") as f:
        blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", f.read(), re.M)
    for block in blocks:
        doc = yaml.safe_load("\n".join(line[3:] for line in block.split("\n")))
        if doc["kind"] == "ConfigMap":
            return doc["data"]["dockerfile"]
    raise SystemExit("no Dockerfile")


def main():
    print(f"set -e -x\nKERNEL_FULL_VERSION={sys.argv[2]}")
    for line in dockerfile(sys.argv[1]).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "RUN" and re.match(r"apt-get update && apt-get -y install ", rest):
            continue
        if word == "RUN" and rest.startswith("git clone "):
            print(f"test -e {rest.split()[-1]}/dkms.conf")
        elif word == "RUN":
            print(rest)
        elif word == "WORKDIR":
            print(f"mkdir -p {rest}\ncd {rest}")
        elif word == "COPY":
            _, what, where = rest.split()
            print(f"mkdir -p {where}\ncp {what} {where}")
        elif word not in ("FROM", "ARG"):
            raise SystemExit(f"what is {line}?")


main()
