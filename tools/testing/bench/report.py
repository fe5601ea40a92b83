#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py DIR BENCHMARK: evaluate DIR/BENCHMARK.raw and .about

Writes .txt, .json, .svg and .png. A line of the raw file has boot, node, row, rounds,
packets in a round, figure, figure of a whole round per packet, its median, kicks and
calls per packet, CPU time of workers, the 99th percentile, context switches of workers per
packet; or boot, node, row, errno. A row may occur several times in a boot.
Ratios use measurements of both sides taken directly after each other.
"""

import json
import os
import statistics
import sys

sys.dont_write_bytecode = True
sys.path.append(f"{os.path.dirname(os.path.abspath(__file__))}/../../../scripts")
import gnuplot  # noqa: E402

NODES = {"/dev/vhost-net": "in_tree", "/dev/vhost-tap": "ours", "a": "in_tree", "b": "ours",
         "/dev/vtap-baseline": "baseline", "/dev/vtap-baseline:kernel": "baseline_kernel",
         "/dev/vtap-ops": "ops"}

# The targets: cost of vhost-tap over in-tree's.
TARGETS = {"tx-64": 0.60, "rx-64": 0.60, "tx-1500": 0.75, "rx-1500": 0.75,
           "tx-gso": 0.95, "rx-gso": 0.95, "tx-64-burst1": 1.0, "rx-64-burst1": 1.0,
           "rr": 0.90, "rr-1k": 0.90, "rr-fixed": 1.0, "rr-1k-fixed": 1.0}
# vhost-tap with a feature to vhost-tap without it: the end of the row's name, the end of
# the other row's name, the target.
OWN = [("-log", "", 1.05), ("-iotlb", "", 1.10), ("-iotlb4k", "", 1.10),
       ("-reg500", "-spread", 1.02), ("-adapt", "-fixed", 1.10)]
# The target of the CPU time of adaptive polling over fixed polling.
ADAPT_CPU = ("rr-1k-adapt", "rr-1k-fixed", 0.5)
# The target of vhost-tap with a packed ring over a split one.
PACKED = 1.0
# vhost-tap's cost above the baseline, to in-tree's cost above the baseline.
ABOVE_BASELINE = 1 / 3
# Kicks or calls per packet below this count as none.
FEW = 0.0005


def is_burst(row):
    """Bursts measure latency, so the whole round counts."""
    return "-burst" in row


def read_raw(path):
    """Read the raw file -> {row: {side: {boot: [value, kicks, calls, CPU, switches, p99]} or "ERRNO"}}"""
    rows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            col = line.rstrip("\n").split("\t")
            if len(col) < 4 or col[1] not in NODES:
                continue
            row, name = rows.setdefault(col[2], {}), NODES[col[1]]
            if len(col) < 10:
                row.setdefault(name, col[3])
                continue
            if not isinstance(row.get(name), dict):
                row[name] = {}
            again = sum(key[0] == col[0] for key in row[name])
            row[name][col[0], again] = [float(col[6 if is_burst(col[2]) else 5]),
                                        float(col[8]), float(col[9]), float(col[10]),
                                        float(col[12]), float(col[11])]
    return rows


def summary(values):
    """Return the samples; a boot may have several."""
    v = sorted(values)
    low, high = v[len(v) // 4], v[3 * len(v) // 4]
    median = statistics.median(v)
    return {"median": median, "quartiles": [low, high], "boots": len(v),
            "spread": (high - low) / median if median else 0.0}


def verdict(got, target):
    """Return the verdict on which three quarters of the boots agree."""
    if got["quartiles"][1] <= target:
        return "met"
    return "not met" if got["quartiles"][0] > target else "not resolved"


def ratio(over, under, base=None, column=0):
    """Summarize over/under boot by boot, less base if any; None without common boots."""
    both = []
    for boot in over:
        if boot not in under or (base and boot not in base):
            continue
        less = base[boot][column] if base else 0.
        if under[boot][column] - less > 0:
            both.append((over[boot][column] - less) / (under[boot][column] - less))
    return summary(both) if both else None


def judged(got, target):
    return {**got, "target": target, "verdict": verdict(got, target)} if got else None


def side_of(got):
    if not isinstance(got, dict):
        return {"error": got}
    side = summary([v[0] for v in got.values()])
    for i, what in enumerate(("kicks", "calls", "worker", "switches", "p99"), 1):
        side[what] = statistics.median(v[i] for v in got.values())
    return side


def against_plain(rows, row, sides):
    """Compare each side with a feature to itself without."""
    out = {}
    for suffix, instead, target in OWN:
        if not row.endswith(suffix):
            continue
        # Counts are comparable whenever they were taken.
        plain = (rows.get(row + ":plain") or
                 rows.get(row.removesuffix(suffix) + instead, {}))
        for name in ("in_tree", "ours"):
            if isinstance(sides.get(name), dict) and isinstance(plain.get(name), dict):
                out[name] = ratio(sides[name], plain[name])
        if out.get("ours"):
            out["ours"] = judged(out["ours"], target)
    return out


def against_split(rows, row, sides):
    """Compare a packed ring, which in-tree lacks, to the split rings of both sides."""
    plain = rows.get(row + ":plain", {})
    out = {name: ratio(sides["ours"], plain[name]) for name in ("in_tree", "ours")
           if isinstance(sides.get("ours"), dict) and isinstance(plain.get(name), dict)}
    if out.get("ours"):
        out["ours"] = judged(out["ours"], PACKED)
    return out


def adaptive_cpu(rows, row, sides):
    """Compare the CPU time of adaptive polling to that of fixed polling; both are ours."""
    fixed = rows.get(ADAPT_CPU[1], {}).get("ours")
    if row != ADAPT_CPU[0] or not isinstance(fixed, dict) or not isinstance(sides.get("ours"), dict):
        return None
    got = ratio(sides["ours"], fixed, column=3)
    return judged(got, ADAPT_CPU[2])


def under_load(sides):
    """Check that kicks and calls per packet do not exceed in-tree's."""
    out = {}
    for column, what in ((1, "kicks"), (2, "calls")):
        more = summary([sides["ours"][boot][column] - sides["in_tree"][boot][column]
                        for boot in sides["ours"] if boot in sides["in_tree"]])
        out[what] = {"more": more, "verdict": verdict(more, FEW)}
    return out


def judge(rows, targets=True):
    out = []
    for row, sides in rows.items():
        if row.endswith(":plain"):
            continue
        r = {"row": row} | {name: side_of(got) for name, got in sides.items()}
        out.append(r)
        if row.endswith("-packed"):
            r["over_split"] = against_split(rows, row, sides)
        r["adaptive_cpu"] = adaptive_cpu(rows, row, sides)
        own = against_plain(rows, row, sides)
        if own:
            r["over_plain"] = own
        good = [n for n in sides if isinstance(sides[n], dict)]
        if not {"ours", "in_tree"} <= set(good):
            continue
        if row == "idle":
            r["wakeups"] = {"target": 0, "verdict": "met" if not any(
                v[0] for v in sides["ours"].values()) else "not met"}
            continue
        r["ratio"] = ratio(sides["ours"], sides["in_tree"])
        r["worker_ratio"] = ratio(sides["ours"], sides["in_tree"], column=3)
        if targets and r["ratio"] and row in TARGETS:
            r["ratio"] = judged(r["ratio"], TARGETS[row])
        if "stream" in row:
            r["load"] = under_load(sides)
        for name in ("baseline", "baseline_kernel"):
            if name in good:
                above = ratio(sides["ours"], sides["in_tree"], sides[name])
                r["above_" + name] = judged(above, ABOVE_BASELINE) | {
                    side: statistics.median(sides[side][boot][0] - low[0] for boot, low
                                            in sides[name].items() if boot in sides[side])
                    for side in ("in_tree", "ours")} if above else None
    return out


# ---- text ----

def cell(side):
    if "median" not in side:
        return side.get("error", "-")
    return f"{side['median']:.1f} ±{side['spread'] * 50:.0f}%"


def pair(what):
    if not what or "median" not in what:
        return "-"
    return f"{what['median']:.2f} ±{what['spread'] * 50:.0f}%"


def aim(what):
    """Print the target and whether it is met."""
    if not what or "verdict" not in what:
        return ""
    target = f"{what['target']:.2f}  " if "target" in what else ""
    return target + what["verdict"]


def part(title, head, lines):
    return ["", title, "", head] + lines if lines else []


def own_lines(rows):
    return [f"{r['row']:16} {pair(r['over_plain'].get('in_tree')):>11} "
            f"{pair(r['over_plain'].get('ours')):>11}  {aim(r['over_plain'].get('ours'))}"
            for r in rows if r.get("over_plain")]


def packed_lines(rows):
    return [f"{r['row']:22} {pair(r['over_split'].get('in_tree')):>11} "
            f"{pair(r['over_split'].get('ours')):>11}  {aim(r['over_split'].get('ours'))}"
            for r in rows if r.get("over_split")]


def baseline_lines(rows):
    out = []
    for r in rows:
        for name, called in (("baseline", ""), ("baseline_kernel", ", kernel's memory")):
            if not r.get("above_" + name):
                continue
            above = r["above_" + name]
            out.append(f"{r['row'] + called:25} {cell(r[name]):>15} "
                       f"{above['in_tree']:>12.1f} {above['ours']:>12.1f} "
                       f"{pair(above):>11}  {aim(above)}")
    return out


def request_lines(rows):
    """List the costs of a request other than its time."""
    return [f"{r['row']:16} {name:9} {r[side]['worker']:>10.0f} {r[side]['switches']:>9.2f} "
            f"{r[side]['kicks']:>8.2f} {r[side]['calls']:>8.2f}  {aim(side == 'ours' and r['adaptive_cpu'])}".rstrip()
            for r in rows if r["row"].startswith("rr")
            for side, name in (("in_tree", "in-tree"), ("ours", "vhost-tap"))
            if "median" in r.get(side, {})]


def p99_of(r, side):
    is_latency = "-latency" in r["row"] or r["row"].startswith("rr")
    return f"{r[side]['p99']:.0f}" if is_latency else ""


def two_cpu_lines(rows):
    """List the worker's part of each packet."""
    return [f"{r['row']:20} {name:9} {r[side]['worker']:>10.0f} "
            f"{pair(side == 'ours' and r.get('worker_ratio')):>11} {r[side]['kicks']:>9.4f} "
            f"{r[side]['calls']:>9.4f} {p99_of(r, side):>9}".rstrip()
            for r in rows for side, name in (("in_tree", "in-tree"), ("ours", "vhost-tap"))
            if "median" in r.get(side, {})]


def op_lines(rows):
    return [f"{r['row'].removeprefix('op-'):16} {cell(r['ops']):>15} {r['ops'].get('p99', 0):>9.0f}"
            for r in rows if "ops" in r]


def load_lines(rows):
    return [f"{r['row']:16} {what:6} {r['in_tree'][what]:>9.4f} {r['ours'][what]:>9.4f}  "
            f"{aim(r['load'][what])}"
            for r in rows if r.get("load") for what in ("kicks", "calls")]


def table(about, rows, two_cpus):
    one, two = about.get("sides", "in-tree vhost-tap").split()
    lines = [f"{k}: {v}" for k, v in about.items()]
    lines += part("Medians of all boots, ± half the distance of their quartiles. Ratios are computed "
                  "within a boot.\nA target is met or missed if three quarters of the boots agree.",
                  f"{'row':16} {one:>15} {two:>15} {'ratio':>11}  target",
                  [f"{r['row']:16} {cell(r.get('in_tree', {})):>15} {cell(r.get('ours', {})):>15} "
                   f"{pair(r.get('ratio')):>11}  {aim(r.get('ratio'))}".rstrip()
                   for r in rows if r["row"] != "idle" and "ops" not in r])
    lines += part("Cost of a feature: each driver with it, divided by the same driver without it:",
                  f"{'row':16} {one:>11} {two:>11}  target", own_lines(rows))
    lines += part("Packed rings of vhost-tap, divided by the split rings of each driver:",
                  f"{'row':22} {one:>11} {two:>11}  target", packed_lines(rows))
    lines += part("Cost above the baseline, a module without rings (baseline/vtap_baseline.c):",
                  f"{'row':25} {'baseline':>15} {one:>12} {two:>12} {'ratio':>11}  target",
                  baseline_lines(rows))
    if two_cpus:
        lines += part("For each packet: CPU time of the worker in ns and its ratio, kicks, calls; the 99th percentile\n"
                      "of the latency:",
                      f"{'row':20} {'':9} {'CPU time':>10} {'ratio':>11} {'kicks':>9} {'calls':>9} {'p99':>9}",
                      two_cpu_lines(rows))
        lines += part("Basic operations of this kernel in ns, and their 99th percentile:",
                      f"{'operation':16} {'median':>15} {'p99':>9}", op_lines(rows))
        return "\n".join(lines) + "\n"
    lines += part("Kicks and calls per packet while guest and device work at the same time:",
                  f"{'row':16} {'':6} {one:>9} {two:>9}  not more", load_lines(rows))
    lines += part("For each request: CPU time of the worker, its context switches, kicks and calls. The target\n"
                  "is for the CPU time of adaptive polling, as a part of that of fixed polling.",
                  f"{'row':16} {'':9} {'CPU time':>10} {'switches':>9} {'kicks':>8} {'calls':>8}  target",
                  request_lines(rows))
    lines += part("Context switches of an idle worker in 2 s:", f"{'':16} {one:>9} {two:>9}  target",
                  [f"{'':16} {r['in_tree']['median']:>9.1f} {r['ours']['median']:>9.1f}  "
                   f"{aim(r['wakeups'])}" for r in rows if r.get("wakeups")])
    return "\n".join(lines) + "\n"


# ---- plots ----

def plot_bars(base, title, bars, line=None):
    """Plot bars of (name, value)... with a horizontal line at a height."""
    if not bars:
        return
    data = "\n".join(f'"{name}" {value:.3f}' for name, value in bars)
    across = f", {line} with lines lc rgb '#cc3311' lw 2" if line else ""
    for kind in "svg", "png":
        gnuplot.draw(f"{base}.{kind}", "1200,600", title, f"""
set style fill solid 0.7
set boxwidth 0.7
set yrange [0:*]
set grid y
set xtics rotate by -60 font ',9' noenhanced
$data << END
{data}
END
plot $data using 0:2:xtic(1) with boxes lc rgb '#4477aa'{across}
""")


def plot(base, about, rows):
    """Plot ratios as bars; 1 is in-tree."""
    who = "b against a" if "sides" in about else "vhost-tap against in-tree vhost_net"
    where = f"{about.get('kernel', '')}, commit {about.get('source', '')}"
    plot_bars(base, f"{who}, {about.get('unit', '')}: ratio of medians, below 1 is better ({where})",
              [(r["row"], r["ratio"]["median"]) for r in rows if r.get("ratio")], 1)


def read_about(base):
    with open(base + ".about", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split("\t", 1) for line in f)


def write(base, about, rows, text):
    with open(base + ".txt", "w", encoding="utf-8") as f:
        f.write(text)
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump({"about": about, "rows": rows}, f, indent=1)
    print(text, end="")


def main():
    base = f"{sys.argv[1]}/{sys.argv[2]}"
    about = read_about(base)
    two_cpus = sys.argv[2] == "smp"
    # Neither two builds of vhost-tap nor two CPUs have targets.
    rows = judge(read_raw(base + ".raw"), "sides" not in about and not two_cpus)
    write(base, about, rows, table(about, rows, two_cpus))
    plot(base, about, rows)


if __name__ == "__main__":
    main()
