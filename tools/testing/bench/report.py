#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py DIR BED: DIR/BED.raw and BED.about -> BED.txt, BED.json, BED.svg, BED.png

A line of BED.raw: boot, node, row, rounds, packets in a round, figure,
figure of a whole round per packet, its median, kicks and calls per packet;
or boot, node, row, errno. The ratio is taken boot by boot, where both sides
were measured one right after the other.
"""

import json
import statistics
import subprocess
import sys

# Issue 4: ratio of ours to in-tree that is wanted.
TARGETS = {"tx-64": 0.60, "rx-64": 0.60, "tx-1500": 0.75, "rx-1500": 0.75,
           "tx-gso": 0.95, "rx-gso": 0.95, "tx-64-burst1": 1.0, "rx-64-burst1": 1.0}
# Ours with something on, to ours without it.
OWN = [("-log", 1.05), ("-iotlb", 1.10), ("-iotlb4k", 1.10), ("-reg500", 1.02)]


def is_burst(row):
    """Bursts are about latency: the whole of a round counts."""
    return "-burst" in row


def read_raw(path):
    """-> {row: {"in_tree" or "ours": {boot: [value, kicks, calls]} or "ERRNO"}}"""
    names = {"/dev/vhost-net": "in_tree", "/dev/vhost-tap": "ours", "a": "in_tree", "b": "ours"}
    rows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            col = line.rstrip("\n").split("\t")
            if len(col) < 4 or col[1] not in names:
                continue
            row, name = rows.setdefault(col[2], {}), names[col[1]]
            if len(col) < 10:
                row.setdefault(name, col[3])
                continue
            if not isinstance(row.get(name), dict):
                row[name] = {}
            row[name][col[0]] = [float(col[6 if is_burst(col[2]) else 5]),
                                 float(col[8]), float(col[9])]
    return rows


def summary(values):
    v = sorted(values)
    low, high = v[len(v) // 4], v[3 * len(v) // 4]
    median = statistics.median(v)
    return {"median": median, "quartiles": [low, high], "boots": len(v),
            "spread": (high - low) / median if median else 0.0}


def ratio(over, under):
    """Summary of over/under, boot by boot; None when they never met."""
    both = [over[boot][0] / under[boot][0] for boot in over
            if boot in under and under[boot][0] > 0]
    return summary(both) if both else None


def judge(rows):
    out = []
    for row, sides in rows.items():
        r = {"row": row}
        for name, got in sides.items():
            if isinstance(got, dict):
                r[name] = summary([v[0] for v in got.values()])
                r[name]["kicks"] = statistics.median(v[1] for v in got.values())
                r[name]["calls"] = statistics.median(v[2] for v in got.values())
            else:
                r[name] = {"error": got}
        if all(isinstance(sides.get(n), dict) for n in ("ours", "in_tree")):
            r["ratio"] = ratio(sides["ours"], sides["in_tree"])
            if row in TARGETS:
                r["target"] = TARGETS[row]
        for suffix, target in OWN:
            if not row.endswith(suffix):
                continue
            plain = rows.get(row[:-len(suffix)], {})
            r["over_plain"] = {"target": target}
            for name in ("in_tree", "ours"):
                if isinstance(sides.get(name), dict) and isinstance(plain.get(name), dict):
                    r["over_plain"][name] = ratio(sides[name], plain[name])
        out.append(r)
    return out


def cell(side):
    if "median" not in side:
        return side.get("error", "-")
    return f"{side['median']:.1f} ±{side['spread'] * 50:.0f}%"


def pair(what):
    return f"{what['median']:5.2f} ±{what['spread'] * 50:2.0f}%" if what else "         -"


def table(about, rows):
    lines = [f"{k}: {v}" for k, v in about.items()]
    heads = about.get("sides", "in-tree ours").split()
    lines += ["", "Medians of boots, and half the distance of their quartiles; ratios are taken",
              "within a boot. on/off: against the row without it, each side for itself.", "",
              f"{'row':16} {heads[0]:>15} {heads[1]:>15} {'ratio':>10} {'target':>6}   "
              f"on/off: {heads[0]}, {heads[1]}, target"]
    for r in rows:
        line = (f"{r['row']:16} {cell(r.get('in_tree', {})):>15} {cell(r.get('ours', {})):>15} "
                f"{pair(r.get('ratio'))} ")
        if r.get("ratio") and "target" in r:
            line += f"{r['target']:6.2f}{' ' if r['ratio']['median'] <= r['target'] else '!'}"
        else:
            line += " " * 7
        own = r.get("over_plain")
        if own:
            missed = own.get("ours") and own["ours"]["median"] > own["target"]
            line += f"  {pair(own.get('in_tree'))} {pair(own.get('ours'))} {own['target']:.2f}{'!' if missed else ''}"
        lines.append(line.rstrip())
    lines += ["", "!: target missed"]
    return "\n".join(lines) + "\n"


def plot(base, about, rows):
    """Ratios as bars; 1 is in-tree."""
    have = [r for r in rows if r.get("ratio")]
    if not have:
        return
    title = "b against a" if "sides" in about else "vhost-tap against in-tree vhost_net"
    data = "\n".join(f'"{r["row"]}" {r["ratio"]["median"]:.3f}' for r in have)
    for kind, term in (("svg", "svg size 1200,600 font 'sans,11'"),
                       ("png", "pngcairo size 1200,600 font 'sans,10'")):
        script = f"""
set terminal {term}
set output '{base}.{kind}'
set title "{title}, {about.get('unit', '')}: ratio of medians, below 1 is better" noenhanced
set style fill solid 0.7
set boxwidth 0.7
set yrange [0:*]
set grid y
set xtics rotate by -60 font ',9' noenhanced
unset key
$data << END
{data}
END
plot $data using 0:2:xtic(1) with boxes lc rgb '#4477aa', 1 with lines lc rgb '#cc3311' lw 2
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    base = f"{sys.argv[1]}/{sys.argv[2]}"
    with open(base + ".about", encoding="utf-8") as f:
        about = dict(line.rstrip("\n").split("\t", 1) for line in f)
    if "sides" in about:        # no targets between two of ours
        TARGETS.clear()
    rows = judge(read_raw(base + ".raw"))
    text = table(about, rows)
    with open(base + ".txt", "w", encoding="utf-8") as f:
        f.write(text)
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump({"about": about, "rows": rows}, f, indent=1)
    plot(base, about, rows)
    print(text, end="")


if __name__ == "__main__":
    main()
