# SPDX-License-Identifier: GPL-2.0
"""Find the places of a C file where a small defect can be planted.

The parser knows only what it needs: comments, strings, the bodies of functions, and
statements that begin a line, as the kernel's style has them. Assertions, messages and
prefetches are left out, because no test can notice them.
"""
import re

# Statements and conditions that only check or report. Without them the driver does the same.
LEFT_OUT = re.compile(r"\b(pr_\w+|trace_\w+|seq_p\w+|lockdep_\w+|WARN_ON\w*|BUILD_BUG_ON\w*|static_assert|ASSERT_\w+|"
                      r"might_\w+|\w+_assert_held|NL_SET_ERR_MSG\w*|prefetchw?|kcsan_\w+|MODULE_\w+)\b")
BARRIER = re.compile(r"\b(smp_\w+|vtap_mb|vtap_release_fence)\(")

# Operator, pattern, replacements. A pattern's first group is what a replacement replaces.
TOKENS = [
    ("comparison", r" (<|>|<=|>=|==|!=) ",
     {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="]}),
    ("logic", r" (&&|\|\|)(?=\s)", {"&&": ["||"], "||": ["&&"]}),
    ("arithmetic", r" ([-+*&|]|<<|>>) ",
     {"+": ["-"], "-": ["+"], "*": ["+"], "&": ["|"], "|": ["&"], "<<": [">>"], ">>": ["<<"]}),
    ("assignment", r" ([-+|&])(?== )", {"+": ["-"], "-": ["+"], "|": ["&"], "&": ["|"]}),
    ("increment", r"(\+\+|--)", {"++": ["--"], "--": ["++"]}),
    ("negation", r"(!)(?!=)", {"!": [""]}),
    ("constant", r"\b(true|false)\b", {"true": ["false"], "false": ["true"]}),
    ("errno", r"(?<=-)(E[A-Z]{2,})\b", None),
    ("constant", r"(?<![\w.])(\d+)(?=U?L*\b)", None),
]


def blank(text):
    """Replace comments, strings and preprocessor lines by blanks of the same length."""
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:\\\n|[^\n])*"
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S | re.M)


def closing(code, at):
    """Return the position after the bracket that closes the one at AT."""
    depth = 0
    for m in re.compile(r"[][(){}]").finditer(code, at):
        depth += 1 if m[0] in "[({" else -1
        if depth == 0:
            return m.end()
    raise ValueError("unbalanced brackets")


def bodies(code):
    """Yield the ranges of the bodies of functions, without their braces."""
    at = 0
    while (begin := code.find("{", at)) >= 0:
        at = closing(code, begin)
        if code[:begin].rstrip().endswith(")"):
            yield begin + 1, at - 1


def statements(code, begin, end):
    """Yield (start, end, operator) of the calls, assignments and jumps that begin a line."""
    for m in re.compile(r"^\t+(?=[\w*])", re.M).finditer(code, begin, end):
        start = m.end()
        # The end of the statement, brackets skipped.
        stop = start
        while stop < end and code[stop] not in ";{})]":
            stop = closing(code, stop) if code[stop] in "([" else stop + 1
        before = code[:m.start()].rstrip()
        text = code[start:stop]
        if code[stop] != ";" or not re.search(r"([;{}:)]|\b(else|do))$", before) or \
                re.match(r"(if|else|do|for|while|switch|return)\b", text):
            continue
        if re.match(r"(goto \w+|break|continue)$", text):
            yield start, stop, "removed jump"
        elif re.match(r"[\w.>-]+\(", text) and closing(code, code.index("(", start)) == stop:
            yield start, stop, "removed barrier" if BARRIER.match(text) else "removed call"
        elif re.match(r"(?!\w+[ ]+\**\w)[^=]*?[^=!<>](=|[-+|&]=|<<=|>>=)\s", text) or re.search(r"^[^=]*(\+\+|--)$", text):
            yield start, stop, "removed assignment"


def arguments(code, begin, end):
    """Yield (start, end, replacement) of calls with two neighboring arguments swapped."""
    for m in re.compile(r"\b(?!(?:if|for|while|switch|sizeof|min|max|swap)\b)(\w+)\(").finditer(code, begin, end):
        start, stop = m.end(), closing(code, m.end() - 1) - 1
        cuts, at = [start], start
        while at < stop:
            if code[at] == ",":
                cuts.append(at + 1)
            at = closing(code, at) if code[at] in "([{" else at + 1
        cuts.append(stop + 1)
        parts = [(a + len(code[a:b]) - len(code[a:b].lstrip()), b - 1) for a, b in zip(cuts, cuts[1:])]
        for (a, b), (c, d) in zip(parts, parts[1:]):
            # Most pairs with one pointer do not compile.
            if code[a:b] != code[c:d] and code.startswith("&", a) == code.startswith("&", c):
                yield a, d, code[c:d] + code[b:c] + code[a:b]


def conditions(code, begin, end):
    """Yield (start, end, replacement) of negated conditions."""
    for m in re.compile(r"\b(?:if|while) (?=\()").finditer(code, begin, end):
        stop = closing(code, m.end())
        yield m.end(), stop, f"(!{code[m.end():stop]})"
    for m in re.compile(r"(?<=return )([^;?]+)(?= \?[^:])|(?<= = )([^;?]+)(?= \?[^:])").finditer(code, begin, end):
        yield m.start(), m.end(), f"!({m[0]})"


def replacements(name, token):
    if name == "errno":
        return ["EFAULT" if token == "EINVAL" else "EINVAL"]
    return [str(int(token) + 1)] + ([str(int(token) - 1)] if int(token) else [])


def defects(text):
    """Yield (start, end, replacement, operator) of all defects that can be planted in TEXT."""
    code = blank(text)
    for begin, end in bodies(code):
        for start, stop, name in statements(code, begin, end):
            yield start, stop, re.sub(r"[^\n]", "", code[start:stop]), name
        for start, stop, new in conditions(code, begin, end):
            yield start, stop, new, "negated condition"
        for start, stop, new in arguments(code, begin, end):
            yield start, stop, new, "swapped arguments"
        for name, pattern, table in TOKENS:
            for m in re.compile(pattern).finditer(code, begin, end):
                for new in table[m[1]] if table else replacements(name, m[1]):
                    yield m.start(1), m.end(1), new, name


def by_line(text):
    """Return {line number: [defect]}, with a statement's defects at its first line."""
    found, code = {}, blank(text)
    for defect in defects(text):
        start, stop = defect[:2]
        # The whole statement around the place says whether it matters.
        first = max(code.rfind(c, 0, start) for c in ";{}") + 1
        last = min(p for p in (code.find(c, stop) for c in ";{}") if p >= 0)
        if not LEFT_OUT.search(code[first:last]):
            found.setdefault(code.count("\n", 0, start) + 1, []).append(defect)
    return found
