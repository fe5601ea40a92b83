# SPDX-License-Identifier: GPL-2.0
"""Samples of both nodes, their medians and ratios, and the table.

A round has one sample of each node, taken one directly after the other, so the ratio of
a round is free of slow changes of the load. The ratio of a row is the median of these
ratios. Its spread is the range between two of the sorted ratios which holds the true
median in at least 95 of 100 cases, whatever their distribution. With fewer than six
rounds it is all of them, and holds it in fewer cases.
"""

import math
import statistics

COVERAGE = 0.95
MIN_ROUNDS = 5          # fewer tell nothing


class Figure:
    """The kind of a figure: its title in the table, and whether more of it is better."""

    def __init__(self, title, more_is_better=False):
        self.title = title
        self.more_is_better = more_is_better


FIGURES = {
    "ns": Figure("ns a packet"),
    "worker_ns": Figure("worker ns a packet"),
    "p50_us": Figure("latency us, median"),
    "p99_us": Figure("latency us, 99th percentile"),
    "kpps": Figure("1000 packets/s", True),
    "gbit": Figure("Gbit/s", True),
    "worker_us": Figure("worker us a packet"),
    "vcpu_us": Figure("vCPUs us a packet"),
    "worker_s_gb": Figure("worker s/GB"),
    "vcpu_s_gb": Figure("vCPUs s/GB"),
    "worker_us_rr": Figure("worker us a reply"),
    "vcpu_us_rr": Figure("vCPUs us a reply"),
    "kicks_rr": Figure("kicks a reply"),
    "calls_rr": Figure("calls a reply"),
    "kicks": Figure("kicks a packet"),
    "calls": Figure("calls a packet"),
}


def covers(n, k):
    """Return the probability that sorted values k to n-1-k hold the median."""
    return 1 - 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2 ** n


def spread(values):
    """Return the low and high end of the range, see above."""
    v = sorted(values)
    k = 0
    while covers(len(v), k + 1) >= COVERAGE:
        k += 1
    return v[k], v[len(v) - 1 - k]


def verdict(ratio, more_is_better):
    """Return better or worse, or noise if the spread does not tell which."""
    if ratio["rounds"] < MIN_ROUNDS or ratio["low"] <= 1 <= ratio["high"]:
        return "noise"
    return "better" if (ratio["median"] > 1) == more_is_better else "worse"


class Samples:
    """All samples: row, figure, round, node."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.rows = {}
        self.failed = {}

    def add(self, row, number, side, got):
        """Add the figures of one sample; side is 0 or 1."""
        for key, value in got.items():
            self.rows.setdefault(row, {}).setdefault(key, {}).setdefault(number, {})[side] = value

    def fail(self, row, side, why):
        """A row cannot be measured on a node."""
        self.failed.setdefault(row, {})[side] = why

    def _judge_figure(self, row, key, rounds):
        both = [(got[0], got[1]) for got in rounds.values() if len(got) == 2]
        if not both:
            return None
        out = {"row": row, "figure": key, "title": FIGURES[key].title,
               "more_is_better": FIGURES[key].more_is_better,
               "a": {"median": statistics.median(a for a, _ in both), "rounds": [a for a, _ in both]},
               "b": {"median": statistics.median(b for _, b in both), "rounds": [b for _, b in both]}}
        ratios = [b / a for a, b in both if a > 0]
        # Where most rounds have none, a ratio of the others says nothing.
        if len(ratios) * 2 > len(both):
            low, high = spread(ratios)
            out["ratio"] = {"median": statistics.median(ratios), "low": low, "high": high,
                            "rounds": len(ratios)}
            out["verdict"] = verdict(out["ratio"], FIGURES[key].more_is_better)
        return out

    def judge(self):
        """Return a list with an object for each row and figure."""
        out = []
        for row, got in self.rows.items():
            out += [r for r in (self._judge_figure(row, key, rounds) for key, rounds in got.items()) if r]
        for row, sides in self.failed.items():
            out += [{"row": row, "node": self.nodes[side], "error": why} for side, why in sides.items()]
        return out


# ---- text ----

def number(v):
    """Write a number with three or four digits."""
    if v >= 1000:
        return f"{v:.0f}"
    if v >= 100:
        return f"{v:.1f}"
    if v >= 10:
        return f"{v:.2f}"
    if v >= 0.1 or not v:
        return f"{v:.3f}"
    return f"{v:.4f}" if v >= 0.001 else f"{v:.1e}"


def row_line(r, last):
    name = r["row"] if r["row"] != last else ""
    line = f"{name:16} {r['title']:27} {number(r['a']['median']):>9} {number(r['b']['median']):>9}"
    if "ratio" in r:
        ratio = r["ratio"]
        line += f"  {ratio['median']:5.2f}  {ratio['low']:.2f}-{ratio['high']:.2f}  {r['verdict']}"
    return line.rstrip()


def table(result, nodes):
    """Return the result as text."""
    host = result["about"]
    lines = [f"{k}: {v}" for k, v in host.items() if k != "warnings"]
    lines += [f"{k}: {v}" for k, v in result["options"].items()]
    lines += [f"warning: {w}" for w in host["warnings"]]
    a, b = (n.rsplit("/", 1)[-1] for n in nodes)
    lines += ["", f"Medians of all rounds, and {b} to {a}: the median of the rounds' ratios and its spread.",
              "noise: the spread has 1 in it, or there are too few rounds.", "",
              f"{'row':16} {'figure':27} {a[-9:]:>9} {b[-9:]:>9}  {'ratio':>5}  spread"]
    last = None
    for r in result["rows"]:
        if "error" in r:
            lines.append(f"{r['row']:16} not measured on {r['node']}: {r['error']}")
            continue
        lines.append(row_line(r, last))
        last = r["row"]
    return "\n".join(lines) + "\n"
