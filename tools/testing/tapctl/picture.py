#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""picture.py ANSI SVG: convert a terminal's screen (tmux capture-pane -e -p) to a picture

Update the picture of the README after make check-ctl:
  tools/testing/tapctl/picture.py build/6.12/check-ctl/top.ansi Documentation/images/top.svg

Supports the attributes that vhost-tapctl top uses: bold, reverse, red.
"""

import html
import re
import sys

WIDTH, CELL_W, CELL_H, LEFT, TOP = 80, 8.4, 18, 12, 26


def pieces(line):
    """Return (column, text, styles) of each run of characters in a line."""
    styles, column = set(), 0
    for escape, text in re.findall(r"(?:\x1b\[([0-9;]*)m|\x1b[()].|([^\x1b]+))", line):
        if text:
            yield column, text, frozenset(styles)
            column += len(text)
            continue
        for code in (escape or "0").split(";"):
            if code in ("", "0"):
                styles.clear()
            else:
                styles.add(int(code))


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        lines = f.read().split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    width, height = WIDTH * CELL_W + 2 * LEFT, len(lines) * CELL_H + TOP + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
           'role="img" aria-label="vhost-tapctl top">',
           f'<rect width="{width:.0f}" height="{height:.0f}" rx="6" fill="#1c1f24"/>',
           '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" '
           'fill="#d8dee4" xml:space="preserve">']
    for row, line in enumerate(lines):
        y = TOP + row * CELL_H
        for column, text, styles in pieces(line):
            if not text.strip() and 7 not in styles:
                continue
            x, fill = LEFT + column * CELL_W, ""
            if 7 in styles:
                out.append(f'<rect x="{x:.1f}" y="{y - 14}" width="{len(text) * CELL_W:.1f}" '
                           f'height="{CELL_H}" fill="#d8dee4"/>')
                fill = ' fill="#1c1f24"'
            elif 31 in styles:
                fill = ' fill="#ff7b72"'
            bold = ' font-weight="bold"' if 1 in styles else ""
            out.append(f'<text x="{x:.1f}" y="{y}" textLength="{len(text) * CELL_W:.1f}"'
                       f'{fill}{bold}>{html.escape(text)}</text>')
    out += ["</g>", "</svg>", ""]
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write("\n".join(out))


main()
