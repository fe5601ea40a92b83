#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""icount-docs.py [--check]: update the instruction counts in the documents

Reads tools/testing/bench/icount.expect, which check-icount writes. Updates the picture
Documentation/images/icount.svg and the parts of README.md and performance.rst between
"icount: NAME" and "icount: end". With --check it writes nothing, lists the files that
are out of date, and fails if there are any.
"""

import functools
import os
import re
import subprocess
import sys

import generated
import gnuplot

PICTURED = "6.12"
WORDS = {"ind2": "indirect, 2 buffers", "chain17": "chain of 17", "fwd": "forwarded, buffers ahead",
         "nomrg": "no mergeable buffers", "reg500": "500 memory regions", "log": "migrating (dirty log)",
         "iotlb4k": "virtual IOMMU, 4 KiB pages", "burst1": "one packet at a time", "packed": "packed ring",
         "gso": "GSO"}
PART = re.compile(r"^(\S+ icount: (?!end)(\w+)[^\n]*\n).*?^(\S+ icount: end)", re.M | re.S)
PICTURE = "Documentation/images/icount.svg"


@functools.cache
def lengths():
    """Read the frame lengths of the rows -> {row: bytes}"""
    with open("tools/testing/bench/rows.conf", encoding="utf-8") as f:
        return dict(re.findall(r"^(\S+) .*\blen=(\d+)", f.read(), re.M))


def words(row):
    """Expand a row name: tx-64-log -> from guest, 64 bytes, migrating (dirty log)"""
    direction, size, *rest = row.split("-")
    text = {"tx": "from guest", "rx": "to guest"}[direction] + ", "
    text += "64 KiB GSO" if size == "gso" else f"{lengths().get(row, size)} bytes"
    return text + "".join(", " + WORDS.get(r, r) for r in rest)


def read_expect(path):
    """Read the expected counts -> {kernel: {row: (in-tree, ours)}}"""
    kernels = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            fields = line.split()
            if len(fields) == 4 and fields[0] != "#":
                kernels.setdefault(fields[0], {})[fields[1]] = int(fields[2]), int(fields[3])
    return kernels


def plotted(counts):
    """List what the picture shows, in lines of gnuplot's data: packet, ours, in-tree"""
    return [f'"{words(row)}" {ours} {theirs}' for row, (theirs, ours) in counts.items() if theirs]


def comment(kernel, counts):
    """Repeat the data at the end of the picture, for is_current()"""
    return "<!--\n" + "\n".join([f"Linux {kernel}", *plotted(counts)]) + "\n-->\n"


def is_current(kernel, counts):
    """Compare the data of the picture, which each version of gnuplot draws differently"""
    with open(PICTURE, encoding="utf-8") as f:
        return f.read().endswith(comment(kernel, counts))


def draw(kernel, counts):
    """Draw the counts of vhost-tap in percent of in-tree vhost-net's"""
    title = f"Instructions per packet on Linux {kernel}, in-tree vhost-net = 100 %, less is better"
    lines = plotted(counts)
    data = "\n".join(lines)
    gnuplot.draw(PICTURE, f"920,{80 + 22 * len(lines)}", title, f"""
set style fill solid noborder
set border 0
set yrange [{len(lines) - 0.3}:-0.7]
set xrange [-75:140]
set xtics 0,20,100 format '%g %%' nomirror
unset ytics
set grid x
set arrow from 100, graph 0 to 100, graph 1 nohead lc rgb '#bf3b3b' lw 1.5 front
$data << END
{data}
END
percent(row) = 100.0 * column(2) / column(3)
plot $data using (0):0:(0):(percent(0)):($0-0.36):($0+0.36) with boxxyerror lc rgb '#6690b8', \\
     '' using (-1):0:1 with labels right noenhanced, \\
     '' using (103):0:(sprintf('%.0f %% (%d / %d)', percent(0), column(2), column(3))) with labels left
""")
    with open(PICTURE, "a", encoding="utf-8") as f:
        f.write(comment(kernel, counts))


def table(head, rows):
    """Format a simple table of reStructuredText"""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    rule = "  ".join("=" * w for w in widths)

    def line(cells):
        return "  ".join(c.ljust(w) for c, w in zip(cells, widths)).rstrip()
    return "\n".join([rule, line(head), rule, *map(line, rows), rule])


def versions(kernels):
    return sorted(kernels, key=lambda v: [int(n) for n in v.split(".")])


def by_kernel(kernels):
    """Tabulate the ratio and the counts of each row on each kernel"""
    names = versions(kernels)
    rows = []
    for row, (theirs, _) in kernels[PICTURED].items():
        if theirs:
            cells = [kernels[k].get(row, (0, 0)) for k in names]
            rows.append([words(row)] + [f"{o / t:.2f} ({o} / {t})" if t else "" for t, o in cells])
    return table(["packet", *names], rows)


def sentence(kernels):
    """Write the sentence of README.md with its three figures"""
    def less(row):
        theirs, ours = kernels[PICTURED][row]
        return f"{round(100 - 100 * ours / theirs)} %"
    return (f"On Linux {PICTURED} a 64-byte packet from the guest takes {less('tx-64')} fewer instructions than with\n"
            f"vhost-net, a 64-byte packet to the guest {less('rx-64')} fewer, and a 64 KiB packet from the\n"
            f"guest, with segmentation offload, {less('tx-gso')} fewer.")


def migration(kernels):
    """Write the sentence on the extra cost of a packet during migration"""
    more = [f"{round(100 * kernels[PICTURED]['rx-64-log'][i] / kernels[PICTURED]['rx-64'][i] - 100)} %" for i in (0, 1)]
    return (f"While a guest migrates, a 64-byte packet to it takes {more[1]} more instructions, and {more[0]} more with\n"
            f"vhost-net (rows `rx-64` and `rx-64-log` of `make check-icount`, Linux {PICTURED}).")


def main():
    os.chdir(f"{os.path.dirname(os.path.abspath(__file__))}/..")
    kernels = read_expect("tools/testing/bench/icount.expect")
    parts = {"figures": sentence(kernels), "migration": migration(kernels),
             "kernels": by_kernel(kernels)}
    bad = 0
    if "--check" not in sys.argv:
        subprocess.run(["scripts/deps", "bench"], check=True)
        draw(PICTURED, kernels[PICTURED])
    elif not is_current(PICTURED, kernels[PICTURED]):
        print(f"{PICTURE} differs from icount.expect; run {sys.argv[0]}")
        bad = 1
    wanted = {}
    for path in "README.md", "Documentation/performance.rst":
        with open(path, encoding="utf-8") as f:
            wanted[path] = PART.sub(lambda m: f"{m[1]}\n{parts[m[2]]}\n\n{m[3]}", f.read())
    return bad | generated.update(wanted, "icount.expect")


if __name__ == "__main__":
    sys.exit(main())
