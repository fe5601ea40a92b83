#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check-index.py: check that no value from outside indexes a kernel array unmasked.

A CPU may mispredict a bounds check and read past an array with an index that the
guest or the client chose. array_index_nospec() or a mask keeps the index in the
array. This check looks at each index in drivers/vhost_tap: array[index],
*(pointer + index) and vtap_queue_at(dev, index). It accepts an index that

 - is a constant, or ends in "& (SIZE - 1)" or "% SIZE", or counts ("x++", "--x");
 - is a local variable that array_index_nospec() or a mask bounds, that a for_each
   macro sets, or that only gets accepted values and counts;
 - is in scripts/index.allow: "FILE INDEX reason", without blanks in INDEX.

A line of index.allow without such an index is an error too.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOW = "scripts/index.allow"
DRIVER = ROOT / "drivers/vhost_tap"

FUNCTION = re.compile(r"^(?![#\s{}/*])[^;={}]*?\([^;{}]*\)\s*\n\{\n(.*?)^\}", re.M | re.S)
SUBSCRIPT = re.compile(r"(?<=[\w\])])\[([^\[\]]+)\]")
NESTED = re.compile(r"(?<=[\w\])])\[([^\[\]]+(?:\[[^\[\]]*\][^\[\]]*)+)\]")
POINTER = re.compile(r"\*\([\w>.-]+ \+ ([^()]+|\w+\([^()]*\))\)")
QUEUE_AT = re.compile(r"vtap_queue_at\([\w>.-]+, ((?:[^()]|\([^()]*(?:\([^()]*\)[^()]*)*\))+)\)")
CONSTANT = re.compile(r"[A-Z0-9_+*/ -]+|sizeof\(.*|!!\w+")
BOUNDED = re.compile(r"array_index_nospec\(.*\)|.*(?:& \(.* - 1\)|% [\w>().-]+)"
                     r"|[\w>.-]+\+\+|--[\w>.-]+")


def without_comments(text):
    """Return @text with comments and strings blanked, in as many lines."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', blank, text, flags=re.S)


def is_bounded(index, body, seen=()):
    """Return whether @index, in a function with @body, stays in any array it indexes."""
    index = " ".join(index.split())
    if CONSTANT.fullmatch(index) or BOUNDED.fullmatch(index):
        return True
    if not re.fullmatch(r"\w+", index) or index in seen:
        return False
    if re.search(rf"for_each\w*\([^;{{}}]*\b{index}\b|\b{index} (?:= array_index_nospec\(|&= [^;]* - 1;)", body):
        return True
    values = re.findall(rf"(?<![\w>.]){index} = ((?:[^,;()]|\((?:[^()]|\([^()]*\))*\))+)", body)
    return bool(values) and all(is_bounded(v, body, (*seen, index)) for v in values)


def main():
    allowed, used, bad = {}, set(), []
    for line in (ROOT / ALLOW).read_text().splitlines():
        if line and not line.startswith("#"):
            name, index, *reason = line.split(None, 2)
            allowed[name, index] = reason
            if not reason:
                bad.append(f"{ALLOW}: {name} {index} has no reason")
    for path in sorted(DRIVER.rglob("*.[ch]")):
        name = str(path.relative_to(DRIVER))
        text = without_comments(path.read_text())
        for function in FUNCTION.finditer(text):
            body = function[1]
            for pattern in (SUBSCRIPT, NESTED, POINTER, QUEUE_AT):
                for m in pattern.finditer(body):
                    if is_bounded(m[1], body):
                        continue
                    index = "".join(m[1].split())
                    line = text.count("\n", 0, function.start(1) + m.start()) + 1
                    used.add((name, index))
                    if (name, index) not in allowed:
                        bad.append(f"drivers/vhost_tap/{name}:{line}: where is {m[0]} bounded?"
                                   f" Use array_index_nospec(), or add it to {ALLOW}")
    bad += [f"{ALLOW}: {name} has no such index {index}, remove its line"
            for name, index in allowed if (name, index) not in used]
    print("\n".join(bad), end="\n" if bad else "")
    sys.exit(bool(bad))


main()
