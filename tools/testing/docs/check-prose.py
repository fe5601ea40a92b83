#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check-prose.py [-v] [PAGE...]: check wording, spelling and length of sentences
check-prose.py --comments [FILE...]: check the wording of comments in the sources

The default pages are README.md and the other Markdown pages, Documentation, and manual
pages.

  faults     wording listed in prose.faults; in comments also questions
  sentences  no sentence has over 40 words
  spelling   aspell (American English, with prose.words) and codespell

prose.allow lists exceptions: PAGE TAB beginning of the sentence.
"""

import fnmatch
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGES = ["*.md", "Documentation/*.rst", "Documentation/guides/*.rst", "*.[1-8]"]
LONGEST = 40
C_FILE = r".*\.([ch]|pml|inc|litmus)$"
# Files that have no comments, or whose text is data
NO_SOURCE = r".*\.(md|rst|svg|json|yaml|[1-8]|words|faults|allow|xml)$|COPYING$|MAINTAINERS$"


def lines_of(name):
    with open(f"{HERE}/{name}", encoding="utf-8") as f:
        return [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]


def cells_of(lines, i):
    """Parse the simple table with its top border in line i -> (next line, its cells)"""
    border = lines[i]
    columns = [(m.start(), m.end()) for m in re.finditer(r"=+", border)]
    columns[-1] = (columns[-1][0], None)
    rows = []
    i += 1
    while i < len(lines) and lines[i].strip():
        if lines[i].strip("= "):
            cells = [lines[i][a:b].strip() for a, b in columns]
            if cells[0] or not rows:
                rows.append(cells)
            else:               # goes on in the next line
                rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells)]
        i += 1
    return i, [cell for row in rows for cell in row]


def blocks_of_rst(text):
    """Return paragraphs, titles, list items and table rows, without code and comments"""
    out, lines, i = [], text.split("\n"), 0
    while i < len(lines):
        line = lines[i]
        indent = len(line) - len(line.lstrip())
        code = line.rstrip().endswith("::") or re.match(r" *\.\. (?!\[|_)", line)
        if code:
            if line.rstrip().endswith("::") and not line.lstrip().startswith(".."):
                out.append(line.strip()[:-1])
            note = re.match(r" *\.\. (note|warning|tip)::(.*)", line)
            i += 1
            while not note and i < len(lines) and (not lines[i].strip() or
                                                   len(lines[i]) - len(lines[i].lstrip()) > indent):
                i += 1
            continue
        if re.match(r" *={2,}(  ?=+)+$", line):
            i, cells = cells_of(lines, i)
            out += ["", *(c for cell in cells for c in (cell, ""))]
            continue
        out.append("" if re.match(r"^[ =\-~^+*]*$", line) else line)
        # A list item, a definition and the end of a table start a new block.
        i += 1
        marker = re.match(r" *([-*]|\d+\.) +", line)
        if i < len(lines) and (re.match(r" *([-*]|\d+\.|\(?[a-z]\)) ", lines[i]) or re.match(r" *[=\-]{3,}", lines[i])
                               or len(lines[i]) - len(lines[i].lstrip()) not in (indent, marker and marker.end())):
            out.append("")
    return join(out)


def blocks_of_md(text):
    text = re.sub(r"(?s)```.*?```|<!--.*?-->|<img[^>]*>", "", text)
    out = []
    for line in text.split("\n"):
        if line.startswith("    ") and not (out and out[-1].strip()):
            out.append("")
            continue
        if line.startswith("|"):
            out += [cell.strip() if set(cell) - set("-: ") else "" for cell in line.strip("|").split("|") for cell in (cell, "")]
        elif line.startswith("#"):
            out += [line.lstrip("#"), ""]
        else:
            out += ["", line] if re.match(r" *([-*]|\d+\.) ", line) else [line]
    return join([re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line) for line in out])


def blocks_of_man(text):
    out, code = [], False
    for line in text.split("\n"):
        macro = re.match(r"[.']\s*(\\\"|\w+)\s*(.*)", line)
        code = code and not (macro and macro[1] == "EE") or bool(macro and macro[1] == "EX")
        if code or macro and macro[1] in ("TH", "EE", "\\\""):
            continue
        if macro and macro[1] in ("B", "I", "BR", "RB", "IR", "BI", "RI", "IB"):
            out.append("``X``" + (re.search(r"[.,;:]$", line) or [""])[0])
        elif macro:
            out += ["", macro[2].strip('"') if macro[1] in ("SH", "SS") else "", ""]
        else:
            out.append(re.sub(r"\\f[BI].*?\\f[PR]", "``X``", line).replace("\\", ""))
    return join(out)


def join(lines):
    """Split at blank lines."""
    blocks = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line.strip())
        elif blocks[-1]:
            blocks.append([])
    return [" ".join(b) for b in blocks if b]


def plain(block):
    block = re.sub(r":\w+:`[^`]*`|`[^`<]*<[^>]*>`__?|``.+?``|`[^`]+`", "X", block)
    block = re.sub(r"\bhttps?://\S+|\S+@\S+|(?<!\w)[-~/.][\w./-]*/\S*", "X", block)
    return re.sub(r"^([-*]|\d+\.) +|[*|]", "", block).strip()


def sentences(block):
    return [s for s in re.split(r"(?<=[.!?:;])[\"')]* +(?=[A-Z`(\"X])", block) if s]


def spelling(path, blocks):
    words = subprocess.run(["aspell", "list", "--lang=en_US", "--encoding=utf-8", "--ignore=2",
                            f"--personal={HERE}/prose.words"], input=re.sub(r"['\u2019]s\b", "", "\n".join(blocks)),
                           capture_output=True, text=True, check=True).stdout.split()
    for word in sorted(set(words)):
        # Names in code need no entry: capitals, digits, underscores.
        if not re.search(r"[A-Z].*[A-Z]", word):
            yield f"aspell does not know '{word}'"
    said = subprocess.run(["codespell", "--ignore-words-list=crate,te", path], capture_output=True, text=True, check=False).stdout
    yield from (line.split(":", 1)[1].strip() for line in said.splitlines())


def check(path, faults, allowed):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    kind = {"md": blocks_of_md, "rst": blocks_of_rst}.get(path.rsplit(".", 1)[1], blocks_of_man)
    blocks = [plain(b) for b in kind(text)]
    for sentence in (s for b in blocks for s in sentences(b)):
        if any(page == path and sentence.startswith(start) for page, start in allowed):
            continue
        count = len(re.findall(r"\w[\w'./-]*", sentence))
        if count > LONGEST:
            yield f"{count} words: {sentence[:70]}..."
        for expression, advice in faults:
            m = re.search(expression, sentence, re.I)
            if m:
                yield f"'{m.group(0).strip()}': {advice}: {sentence[:70]}"
    yield from spelling(path, blocks)


def comments_of(path, text):
    """Yield (line, text) for the comments and docstrings of a source file."""
    if re.match(C_FILE, path):
        found = re.finditer(r"(?s)/\*(.*?)\*/", text)
    else:
        found = re.finditer(r"(?m)((?:^[ \t]*#(?!!).*\n)+)|\"\"\"((?s:.*?))\"\"\"", text)
    for m in found:
        body = re.sub(r"(?m)^[ \t]*[*#] ?", "", m[m.lastindex])
        # Each member and argument of kernel-doc is a block.
        yield text.count("\n", 0, m.start()) + 1, re.sub(r"(?m)^@", "\n@", body)


def check_comments(path, faults):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    for line, comment in comments_of(path, text):
        for block in join(comment.split("\n")):
            for sentence in sentences(plain(block)):
                if sentence.endswith("?"):
                    yield f"line {line}: a question: {sentence[:70]}"
                for expression, advice in faults:
                    m = re.search(expression, re.sub(r"(?i)there (is|are) no", "", sentence), re.I)
                    if m:
                        yield f"line {line}: '{m.group(0).strip()}': {advice}: {sentence[:70]}"


def main():
    os.chdir(f"{HERE}/../../..")
    verbose, comments = "-v" in sys.argv, "--comments" in sys.argv
    pages = [a for a in sys.argv[1:] if not a.startswith("-")]
    faults = [line.split("\t") for line in lines_of("prose.faults")]
    allowed = [line.split("\t") for line in lines_of("prose.allow")]
    if not pages:
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                               capture_output=True, text=True).stdout.split("\n")
        pages = [f for f in files if os.path.isfile(f) and (
            not re.match(NO_SOURCE, f) if comments else any(fnmatch.fnmatch(f, p) for p in PAGES))]
    bad = 0
    for path in sorted(set(pages)):
        for s in check_comments(path, faults) if comments else check(path, faults, allowed):
            print(f"{path}: {s}")
            bad = 1
    if verbose:
        print(f"{len(pages)} pages, {len(allowed)} exceptions")
    return bad


if __name__ == "__main__":
    sys.exit(main())
