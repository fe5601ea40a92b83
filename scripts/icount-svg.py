#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""icount-svg.py KERNEL: instructions per packet, ours against in-tree, as a picture.

Reads tools/testing/bench/icount.expect, what check-icount recorded; writes SVG to
stdout. Documentation/images/icount.svg is that of 6.12; check-docs compares.
"""

import os
import sys

WORDS = {"ind2": "indirect, 2 buffers", "chain17": "chain of 17", "fwd": "forwarded, buffers ahead",
         "nomrg": "no mergeable buffers", "reg500": "500 memory regions", "log": "migrating (dirty log)",
         "iotlb4k": "virtual IOMMU, 4 KiB pages", "burst1": "one packet at a time"}
WIDTH, LEFT, RIGHT, ROW = 920, 320, 130, 22


def words(row):
    """tx-64-log: what it is, in words"""
    direction, size, *rest = row.split("-")
    text = {"tx": "from guest", "rx": "to guest"}[direction] + ", "
    text += "64 KiB GSO" if size == "gso" else f"{size} bytes"
    return text + "".join(", " + WORDS.get(r, r) for r in rest)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    rows = []
    with open(f"{here}/../tools/testing/bench/icount.expect", encoding="utf-8") as f:
        for line in f:
            fields = line.split()
            if fields[:1] == [sys.argv[1]] and len(fields) == 4 and fields[2] != "0":
                rows.append((fields[1], int(fields[2]), int(fields[3])))
    if not rows:
        sys.exit(f"no rows of {sys.argv[1]}")
    unit = (WIDTH - LEFT - RIGHT) / 1.1
    height = 70 + ROW * len(rows)
    one = LEFT + unit
    title = f"Instructions per packet on Linux {sys.argv[1]}, in-tree vhost_net = 100 %, less is better"
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           'font-family="DejaVu Sans, sans-serif" font-size="12">',
           f"<title>{title}</title>", f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           f'<text x="{WIDTH / 2}" y="22" font-size="14" text-anchor="middle">{title}</text>']
    for i, (row, theirs, ours) in enumerate(rows):
        y = 40 + i * ROW
        part = ours / theirs
        fill = "#7aa0c4" if part <= 1 else "#d08770"
        out += [f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{words(row)}</text>',
                f'<rect x="{LEFT}" y="{y + 3}" width="{min(part, 1.1) * unit:.1f}" height="{ROW - 6}" fill="{fill}"/>',
                f'<text x="{LEFT + 6}" y="{y + 14}" fill="#fff">{round(part * 100)} %</text>',
                f'<text x="{WIDTH - 8}" y="{y + 14}" text-anchor="end" fill="#555">{ours} of {theirs}</text>']
    out += [f'<path d="M{one:.1f} 36V{height - 24}" stroke="#bf3b3b" stroke-width="1.5"/>',
            f'<text x="{one:.1f}" y="{height - 8}" text-anchor="middle" fill="#bf3b3b">in-tree</text>', "</svg>"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
