#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""user-report.py DIR: evaluate DIR/user.raw and user.about

Writes user.txt, .json, .svg and .png. A line of user.raw has the number of the run, a
tab, and a line of tools/testing/user/bench.
"""

import re
import sys

sys.dont_write_bytecode = True
import report  # noqa: E402

VERBS = ["pop", "stage", "publish", "log", "must_call", "kick_*"]
FORM = re.compile(r"^(.{18}) (.{13}) (event_idx|flags) +(.*)$")
LONE = re.compile(r"^(translate, .*): +([\d.]+)$")


def read_raw(path):
    """Read the raw file -> {(memory, format, verb): [ns...]}"""
    rows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n").split("\t", 1)[1]
            if m := FORM.match(line):
                what = f"{m[2].strip()}, {m[3]}"
                for verb, ns in zip(VERBS, m[4].split()):
                    rows.setdefault((m[1].strip(), what, verb), []).append(float(ns))
            elif m := LONE.match(line):
                rows.setdefault((re.sub(" +", " ", m[1]), "", "translate"), []).append(float(m[2]))
    return rows


def table(about, rows):
    lines = [f"{k}: {v}" for k, v in about.items()]
    lines += ["", "Medians of all runs, ± half the distance of their quartiles. pop, stage, publish and",
              "log are per chain, 64 chains at a time; must_call and kick_* are per batch. log is the",
              "cost of marking pages in the dirty log.", "",
              f"{'memory':19} {'format':26} " + " ".join(f"{v:>11}" for v in VERBS)]
    lone, last = [], None
    for r in rows:
        cell = f"{r['ns']['median']:.1f} ±{r['ns']['spread'] * 50:.0f}%"
        if r["verb"] == "translate":
            lone.append(f"{r['memory']:46} {cell:>11}")
            continue
        if (r["memory"], r["format"]) != last:
            last = r["memory"], r["format"]
            lines.append(f"{r['memory']:19} {r['format']:26}")
        lines[-1] += f" {cell:>11}"
    return "\n".join(lines + [""] + lone) + "\n"


def main():
    base = f"{sys.argv[1]}/user"
    about = report.read_about(base)
    rows = [{"memory": m, "format": f, "verb": v, "ns": report.summary(ns)}
            for (m, f, v), ns in read_raw(base + ".raw").items()]
    report.write(base, about, rows, table(about, rows))
    report.plot_bars(base, f"ring/ in user space, {about['unit']}: pop, for each chain",
                     [(f"{r['memory']}, {r['format']}", r["ns"]["median"])
                      for r in rows if r["verb"] == "pop"])


if __name__ == "__main__":
    main()
