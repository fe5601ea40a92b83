# SPDX-License-Identifier: GPL-2.0
"""A plot of all ratios with their spreads, drawn by gnuplot."""

import html
import os
import subprocess

from common import Failure

TERMINALS = {".svg": "svg size {width},{height} font 'sans,11' background rgb 'white'",
             ".png": "pngcairo size {width},{height} font 'sans,10'"}


def kind_of(path):
    """Return the suffix of a plot, or fail."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in TERMINALS:
        raise Failure(f"{path}: a plot is a file .svg or .png")
    return suffix


def points(rows):
    """Return (name, cost, low, high): rates are inverted, so below 1 is better for all."""
    out = []
    for r in rows:
        if "ratio" not in r:
            continue
        v = [r["ratio"][k] for k in ("median", "low", "high")]
        if min(v) <= 0:
            continue
        if r["more_is_better"]:
            v = [1 / v[0], 1 / v[2], 1 / v[1]]
        out.append((f"{r['row']}, {r['title']}", *v))
    return out


def script(result, path, nodes):
    """Return the commands for gnuplot."""
    rows = points(result["rows"])
    if not rows:
        raise Failure("there is nothing to plot")
    a, b = (n.rsplit("/", 1)[-1] for n in nodes)
    terminal = TERMINALS[kind_of(path)].format(width=1000, height=120 + 18 * len(rows))
    # gnuplot's strings in double quotes have escapes.
    title = f"{b} / {a}, rates inverted: below 1 is better ({result['about']['kernel']})"
    data = "\n".join(f'"{name}" {len(rows) - i} {mid:.4f} {low:.4f} {high:.4f}'
                     for i, (name, mid, low, high) in enumerate(rows))
    title, out = (text.replace("\\", "\\\\").replace('"', '\\"') for text in (title, path))
    return f"""set terminal {terminal}
set output "{out}"
set title "{title}" noenhanced
set yrange [0.3:{len(rows) + 0.7}]
set xrange [0:*]
set grid x
set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#cc3311' lw 2
set ytics font ',9' noenhanced
unset key
$data << END
{data}
END
plot $data using 3:2:4:5:ytic(1) with xerrorbars pt 7 ps 0.6 lc rgb '#4477aa'
"""


def draw(result, path, nodes):
    """Write the plot."""
    done = subprocess.run(["gnuplot"], input=script(result, path, nodes), text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise Failure(f"gnuplot: {done.stderr.strip()}")
    if kind_of(path) == ".svg":
        # A description for readers who cannot see the picture.
        a, b = (n.rsplit("/", 1)[-1] for n in nodes)
        with open(path, encoding="utf-8") as f:
            svg = f.read()
        text = html.escape(f"Cost of {b} in relation to {a}")
        with open(path, "w", encoding="utf-8") as f:
            f.write(svg.replace("<title>Gnuplot</title>", f"<title>{text}</title>"))
