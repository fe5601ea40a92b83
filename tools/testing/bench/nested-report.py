#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""nested-report.py DIR BENCHMARK: evaluate DIR/BENCHMARK.raw and .about

Writes .txt, .json, .svg and .png. A line of the raw file has round, side (a: in-tree,
b: vhost-tap), row, key, value, as nested-vm writes them. The script computes a rate,
latencies, the worker's time, and kicks and calls per packet, megabyte or reply.

Other load on the machine makes times longer, never shorter, so the result of a time or
rate is the best quartile of its rounds; notifications are medians. The range of a
ratio contains 95 of 100 random draws of as many rounds, with repetition. A round has a
sample of each side, taken directly after each other.
"""

import json
import random
import statistics
import sys

import report

DRAWS = 1000
MIN_ROUNDS = 6         # the minimum for meaningful draws
# The unit of a row's work: its name, the counter, the scale.
WORK = {"tcp": ("MB", "bytes", 1e-6), "udp": ("packet", "packets", 1),
        "pktgen": ("packet", "packets", 1), "rr": ("answer", None, 1)}


def best_low(values):
    v = sorted(values)
    return v[(len(v) - 1) // 4]


def best_high(values):
    v = sorted(values)
    return v[len(v) - 1 - (len(v) - 1) // 4]


COST, RATE, COUNT, SIZE = range(4)
ESTIMATE = {COST: best_low, RATE: best_high, COUNT: statistics.median, SIZE: statistics.median}


def read_raw(path):
    """Read the raw file -> {row: {side: {round: {key: value}}}}"""
    rows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            rnd, side, row, key, value = line.rstrip("\n").split("\t")
            rows.setdefault(row, {}).setdefault(side, {}).setdefault(rnd, {})[key] = float(value)
    return rows


def figures(row, got):
    """Compute {figure: (value, kind)} of one sample."""
    kind, direction = (row.split("-") + [""])[:2]
    if kind == "idle":
        seconds = got["seconds"]
        return {"worker wakes /s": (got["switches"] / seconds, COUNT),
                "worker ms/s": (got["worker_ns"] / 1e6 / seconds, COST),
                "kicks /s": (got["kicks"] / seconds, COUNT),
                "calls /s": (got["calls"] / seconds, COUNT)}
    if kind == "burst":
        if direction == "flood":
            return {"1000 packets/s": (got["rx_packets"] / got["seconds"] / 1e3, RATE)}
        return {"dropped %": (got["dropped"] * 100 / got["sent"], COUNT),
                "calls/packet": (got["calls"] / got["rx_packets"], COUNT)}
    unit, key, scale = WORK[kind]
    work = (got[f"{direction}_{key}"] if key else got["answers"]) * scale
    out = {}
    if kind == "tcp":
        out["Mbit/s"] = (got["mbps"], RATE)
        out["worker s/GB"] = (got["worker_ns"] / 1e6 / work, COST)
        out["kB a packet"] = (work * 1e3 / got[f"{direction}_packets"], SIZE)
    elif kind == "rr":
        out["median us"] = (got["us50"], COST)
        out["p99 us"] = (got["us99"], COST)
        out["worker us/answer"] = (got["worker_ns"] / 1e3 / work, COST)
    else:
        out["1000 packets/s"] = (work / got["seconds"] / 1e3, RATE)
        out["worker s/million"] = (got["worker_ns"] / 1e3 / work, COST)
    out[f"kicks/{unit}"] = (got["kicks"] / work, COUNT)
    out[f"calls/{unit}"] = (got["calls"] / work, COUNT)
    return out


def ratio(pairs, estimate):
    """Compute vhost-tap to in-tree with the range; None if in-tree has no value."""
    below, over = (estimate([p[i] for p in pairs]) for i in (0, 1))
    if not below:
        return None
    dice = random.Random(1)
    draws = []
    for _ in range(DRAWS):
        drawn = dice.choices(pairs, k=len(pairs))
        below_it = estimate([p[0] for p in drawn])
        if below_it:
            draws.append(estimate([p[1] for p in drawn]) / below_it)
    draws.sort()
    return {"median": over / below,
            "range": [draws[len(draws) * 25 // 1000], draws[len(draws) * 975 // 1000 - 1]]}


def verdict(r, kind, rounds):
    """Call it a difference only if the whole range is on one side, by over half a percent."""
    low, high = r["range"]
    if rounds < MIN_ROUNDS or low <= 1 <= high or 0.995 < r["median"] < 1.005:
        return "~"
    return "better" if (r["median"] > 1) == (kind in (RATE, SIZE)) else "worse"


def sample(row, got):
    """As figures(), or None if the VM ended during the sample."""
    try:
        return figures(row, got)
    except KeyError:
        return None


def judge(rows):
    out = []
    for row, sides in rows.items():
        rounds = [r for r in sides.get("a", {}) if r in sides.get("b", {})]
        both = [[sample(row, sides[s][r]) for s in "ab"] for r in rounds]
        both = [pair for pair in both if all(pair)]
        for name, (_, kind) in both[0][0].items() if both else ():
            pairs = [(a[name][0], b[name][0]) for a, b in both]
            r = {"row": row, "figure": name, "more_is_better": kind in (RATE, SIZE)}
            for side, values in zip(("in_tree", "ours"), zip(*pairs)):
                r[side] = report.summary(values) | {"figure": ESTIMATE[kind](values)}
            r["ratio"] = ratio(pairs, ESTIMATE[kind])
            if r["ratio"]:
                r["verdict"] = verdict(r["ratio"], kind, len(pairs))
            out.append(r)
    return out


def number(side):
    v = side["figure"]
    digits = 0 if v >= 1000 or not v else 1 if v >= 10 else 2 if v >= 1 else 4
    return f"{v:.{digits}f} ±{side['spread'] * 50:2.0f}%"


def table(about, rows):
    lines = [f"{k}: {v}" for k, v in about.items()]
    rounds = max((r["ours"]["boots"] for r in rows), default=0)
    lines += ["", f"{rounds} rounds. Times and rates are the best quartile, other figures the median, ± half",
              "the distance of the quartiles. The range of a ratio holds 95 % of bootstrap samples.",
              "A ratio is marked with ~ if its range includes 1, if it differs from 1 by less than",
              f"half a percent, or if there are fewer than {MIN_ROUNDS} rounds.", "",
              f"{'row':18} {'figure':17} {'in-tree':>14} {'vhost-tap':>14}  {'ratio':>5} {'range':>10}"]
    last = None
    for r in rows:
        line = (f"{r['row'] if r['row'] != last else '':18} {r['figure']:17} "
                f"{number(r['in_tree']):>14} {number(r['ours']):>14}  ")
        if r["ratio"]:
            low, high = r["ratio"]["range"]
            line += f"{r['ratio']['median']:5.2f} {low:5.2f}-{high:.2f} {r['verdict']}"
        last = r["row"]
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def main():
    base = f"{sys.argv[1]}/{sys.argv[2]}"
    with open(base + ".about", encoding="utf-8") as f:
        about = dict(line.rstrip("\n").split("\t", 1) for line in f)
    rows = judge(read_raw(base + ".raw"))
    text = table(about, rows)
    with open(base + ".txt", "w", encoding="utf-8") as f:
        f.write(text)
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump({"about": about, "rows": rows}, f, indent=1)
    # As a cost, so that below 1 is better for every figure.
    bars = []
    for r in rows:
        if r["ratio"] and r["ratio"]["median"]:
            m = r["ratio"]["median"]
            bars.append({"row": f"{r['row']} {r['figure']}",
                         "ratio": {"median": 1 / m if r["more_is_better"] else m}})
    report.plot(base, {"unit": "rates inverted"}, bars)
    print(text, end="")


if __name__ == "__main__":
    main()
