#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Align the branches of user space with those of the kernel. Rewrites USER.json.

Usage: align.py KERNEL.json USER.json

gcovr adds counters of branches by their number within a line. A macro may have other
branches in user space. So the branches of user space only count on lines where the kernel
has the same number of them, and get the kernel's numbers.
"""
import json
import sys


def main():
    kernel_json, user_json = sys.argv[1:]
    with open(kernel_json, encoding="utf-8") as f:
        branches = {(entry["file"], line["line_number"]): line["branches"]
                    for entry in json.load(f)["files"] for line in entry["lines"]}
    with open(user_json, encoding="utf-8") as f:
        user = json.load(f)
    for entry in user["files"]:
        for line in entry["lines"]:
            kernel = branches.get((entry["file"], line["line_number"]))
            if kernel is None:
                continue
            if len(kernel) != len(line["branches"]):
                line["branches"] = []
            for mine, theirs in zip(line["branches"], kernel):
                # gcovr 5 numbers them by their order.
                if "branchno" in theirs:
                    mine["branchno"] = theirs["branchno"]
    with open(user_json, "w", encoding="utf-8") as f:
        json.dump(user, f)


main()
