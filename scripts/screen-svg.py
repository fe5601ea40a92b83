#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""screen-svg.py [TITLE]: a terminal's screen, as tmux capture-pane -e prints it, as SVG.

Reads stdin, writes stdout. Of the escape sequences only colours, bold, dim and
reverse are known; others are left out.
"""

import re
import sys
from xml.sax.saxutils import escape

COLOURS = ["#1c1c1c", "#d75f5f", "#87af5f", "#d7af5f", "#5f87d7", "#af87d7", "#5fafaf", "#d0d0d0",
           "#6c6c6c", "#ff8787", "#afd787", "#ffd787", "#87afff", "#d7afff", "#87d7d7", "#ffffff"]
WIDTH, HEIGHT, FONT = 8.4, 18, 14


def runs(line):
    """Split a line into (text, style); the style is a dict."""
    style = {}
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z])", line):
        if not part.startswith("\x1b["):
            if part:
                yield part, dict(style)
            continue
        if part[-1] != "m":
            continue
        codes = [int(c or 0) for c in part[2:-1].split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                style = {}
            elif code in (1, 2, 7):
                style[code] = True
            elif code in (38, 48) and codes[:1] == [5]:
                style["fg" if code == 38 else "bg"] = codes[1]
                codes = codes[2:]
            elif 30 <= code <= 37 or 90 <= code <= 97:
                style["fg"] = code - (30 if code < 90 else 82)
            elif 40 <= code <= 47:
                style["bg"] = code - 40
            elif code in (39, 49):
                style.pop("fg" if code == 39 else "bg", None)


def colour(number, default):
    """A colour of the 16 of a terminal; others are rare, and take the default."""
    return COLOURS[number] if number is not None and number < 16 else default


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    title = sys.argv[1] if len(sys.argv) > 1 else "terminal"
    plain = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in lines]
    width = max(80, max(len(p) for p in plain)) * WIDTH + 24
    height = len(lines) * HEIGHT + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
           f'font-family="DejaVu Sans Mono, monospace" font-size="{FONT}">',
           f"<title>{escape(title)}</title>",
           f'<rect width="{width:.0f}" height="{height}" rx="6" fill="#1c1c1c"/>']
    for row, line in enumerate(lines):
        column = 0
        y = 12 + row * HEIGHT
        for text, style in runs(line):
            fg, bg = colour(style.get("fg"), "#d0d0d0"), colour(style.get("bg"), None)
            if style.get(7):
                fg, bg = bg or "#1c1c1c", fg
            x, long = 12 + column * WIDTH, len(text) * WIDTH
            if bg:
                out.append(f'<rect x="{x:.1f}" y="{y}" width="{long:.1f}" height="{HEIGHT}" fill="{bg}"/>')
            more = ' font-weight="bold"' if style.get(1) else ""
            more += ' fill-opacity="0.6"' if style.get(2) else ""
            if text.strip():
                out.append(f'<text x="{x:.1f}" y="{y + 13.5}" textLength="{long:.1f}" fill="{fg}"{more} '
                           f'xml:space="preserve">{escape(text)}</text>')
            column += len(text)
    print("\n".join(out + ["</svg>"]))


if __name__ == "__main__":
    main()
