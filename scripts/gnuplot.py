# SPDX-License-Identifier: GPL-2.0
"""Draw plots with gnuplot"""

import html
import subprocess

TERMINALS = {".svg": "svg size {size} font 'sans,11' background rgb 'white'",
             ".png": "pngcairo size {size} font 'sans,10'"}


def draw(path, size, title, script):
    """Run the script with its output in path, a .svg or .png of "width,height" pixels"""
    terminal = TERMINALS[path[-4:]].format(size=size)
    subprocess.run(["gnuplot"], text=True, check=True, input=f"""
set terminal {terminal}
set output '{path}'
set title "{title}" noenhanced
unset key
{script}""")
    if path.endswith(".svg"):
        # A description for readers who cannot see the picture.
        with open(path, encoding="utf-8") as f:
            svg = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(svg.replace("<title>Gnuplot</title>", f"<title>{html.escape(title)}</title>"))
