#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the litmus tests of flags that decide on a wake-up; prints TAP.

A test is a file in the C dialect of the kernel's memory model
(tools/memory-model in the kernel source), so herd7 can run it too. This script
tries every execution on a simple model. All CPUs share one memory, and a CPU
makes its accesses in any order that barriers and equal addresses allow. The
model is weaker than x86, and as weak as arm64 for accesses without dependencies.

The "exists" clause of a test must never come true. The script then removes or
weakens each barrier and each control dependency in turn, and the clause must come
true: a barrier without effect would prove nothing. A line "site: FILE TEXT" in the
first comment quotes the code of a barrier in the driver, and the script checks that
the driver has this code. Each barrier in the driver must be in such a quotation.

In the kernel's model, smp_rmb() orders loads and smp_wmb() orders stores. The line
"model: x86-64, arm64" says that smp_rmb() also orders loads before later stores, as
on these two architectures.

Usage: check.py [FILE...]; all tests, and the search for barriers, without an argument
"""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DRIVER = HERE.parents[2] / "drivers/vhost_tap"

READ, WRITE, XCHG, LOCK, UNLOCK, FENCE = "RWXLUF"
LOADS, STORES = {READ, XCHG, LOCK}, {WRITE, XCHG, LOCK, UNLOCK}

# The calls that must be in a quotation.
BARRIER = re.compile(r"\b(?:smp_(?:mb\w*|rmb|wmb|store_\w+|load_\w+|acquire__\w+)"
                     r"|vtap_mb|vtap_release_fence)\(")

# Accesses of a statement: (kind, location, register, value, order). The order is
# "", "acquire" or "release", and for a fence its kind. A write with a register is
# only made if that register is not 0.
PATTERNS = [
    (r"if \((\w+)\)\s+WRITE_ONCE\(\*(\w+), (\d+)\)",
     lambda m: [(WRITE, m[2], m[1], int(m[3]), "")]),
    (r"WRITE_ONCE\(\*(\w+), (\d+)\)", lambda m: [(WRITE, m[1], None, int(m[2]), "")]),
    (r"(\w+) = READ_ONCE\(\*(\w+)\)", lambda m: [(READ, m[2], m[1], None, "")]),
    (r"smp_store_release\((\w+), (\d+)\)",
     lambda m: [(WRITE, m[1], None, int(m[2]), "release")]),
    (r"(\w+) = smp_load_acquire\((\w+)\)", lambda m: [(READ, m[2], m[1], None, "acquire")]),
    (r"smp_store_mb\(\*(\w+), (\d+)\)",
     lambda m: [(WRITE, m[1], None, int(m[2]), ""), (FENCE, None, None, None, "mb")]),
    (r"(\w+) = xchg\((\w+), (\d+)\)",
     lambda m: [(FENCE, None, None, None, "mb"), (XCHG, m[2], m[1], int(m[3]), ""),
                (FENCE, None, None, None, "mb")]),
    (r"smp_(mb|rmb|wmb)\(\)", lambda m: [(FENCE, None, None, None, m[1])]),
    (r"smp_mb__after_spinlock\(\)", lambda m: [(FENCE, None, None, None, "mb")]),
    (r"spin_lock\((\w+)\)", lambda m: [(LOCK, m[1], None, 1, "acquire")]),
    (r"spin_unlock\((\w+)\)", lambda m: [(UNLOCK, m[1], None, 0, "release")]),
]

# A statement without its barrier, or with a weaker one.
WEAKER = [
    (r"if \(\w+\)\s+(.*)", r"\1"),
    (r"smp_mb\(\)", "smp_rmb(); smp_wmb()"),
    (r"smp_store_release\((\w+), (\d+)\)", r"WRITE_ONCE(*\1, \2)"),
    (r"(\w+) = smp_load_acquire\((\w+)\)", r"\1 = READ_ONCE(*\2)"),
    (r"smp_store_mb\(\*(\w+), (\d+)\)", r"WRITE_ONCE(*\1, \2)"),
    (r"(\w+) = xchg\((\w+), (\d+)\)", r"\1 = READ_ONCE(*\2); WRITE_ONCE(*\2, \3)"),
    (r"smp_(mb|rmb|wmb|mb__after_spinlock)\(\)", ""),
]


class Test:
    """A parsed test: initial values, the statements of each thread, the clause."""

    def __init__(self, path):
        text = path.read_text()
        self.sites = re.findall(r"^ \* site: (\S+) (.*)$", text, re.M)
        self.fast_rmb = bool(re.search(r"^ \* model: x86-64, arm64$", text, re.M))
        text = re.sub(r"\(\*.*?\*\)|/\*.*?\*/", "", text, flags=re.S)
        init = re.search(r"\{(.*?)\}", text, re.S)[1]
        self.init = {k: int(v) for k, v in re.findall(r"(\w+) ?= ?(\d+);", init)}
        self.threads = []
        for body in re.findall(r"^P\d+\([^)]*\)\s*\{(.*?)^\}", text, re.S | re.M):
            parts = [part.strip() for part in body.split(";")]
            self.threads.append([p for p in parts if p and not p.startswith("int ")])
        clause = re.search(r"exists\s*\((.*)\)", text, re.S)[1]
        self.clause = [[(int(t), r, int(v)) for t, r, v in
                        re.findall(r"(\d+):(\w+)=(\d+)", part)]
                       for part in clause.split("\\/")]

    def mutants(self):
        """Yield (statement, threads) with the barrier of one statement removed."""
        for at, thread in enumerate(self.threads):
            for line, statement in enumerate(thread):
                for pattern, weaker in WEAKER:
                    if not re.fullmatch(pattern, statement):
                        continue
                    less = re.sub(pattern, weaker, statement).split("; ")
                    threads = list(self.threads)
                    threads[at] = thread[:line] + [s for s in less if s] + thread[line + 1:]
                    yield statement, threads


def accesses(thread):
    out = []
    for statement in thread:
        for pattern, make in PATTERNS:
            match = re.fullmatch(pattern, statement)
            if match:
                out += make(match)
                break
        else:
            raise ValueError(f"unknown statement: {statement}")
    return out


def fenced(op, fence, is_before, fast_rmb):
    """Return whether @fence orders @op, which is before or after it."""
    if op[0] == FENCE:		# smp_rmb() and smp_wmb() do not order each other
        return "mb" in (op[4], fence)
    return (fence == "mb" or fence == "rmb" and op[0] in LOADS or
            fence == "wmb" and op[0] in STORES or
            fence == "rmb" and fast_rmb and not is_before)


def ordered(first, second, fast_rmb):
    """Return whether @first, earlier in the program, must come before @second."""
    if first[0] == FENCE:
        return fenced(second, first[4], False, fast_rmb)
    if second[0] == FENCE:
        return fenced(first, second[4], True, fast_rmb)
    if second[0] == WRITE and second[2] and first[2] == second[2]:
        return True		# a control dependency
    return first[1] == second[1] or first[4] == "acquire" or second[4] == "release"


def can_happen(test, threads):
    """Return whether the clause of @test holds after some execution of @threads."""
    ops = [accesses(thread) for thread in threads]
    before = [[{j for j in range(i) if ordered(ops[t][j], ops[t][i], test.fast_rmb)}
               for i in range(len(ops[t]))] for t in range(len(ops))]
    start = (tuple(frozenset() for _ in ops), tuple(sorted(test.init.items())), ())
    seen, todo = {start}, [start]
    while todo:
        done, memory, registers = todo.pop()
        values = dict(registers)
        if all(len(d) == len(o) for d, o in zip(done, ops)):
            if any(all(values.get((t, r)) == v for t, r, v in part) for part in test.clause):
                return True
            continue
        for t, thread in enumerate(ops):
            for i, (kind, where, register, value, _) in enumerate(thread):
                if i in done[t] or not before[t][i] <= done[t]:
                    continue
                cells, now = dict(memory), dict(values)
                if kind == LOCK and cells.get(where, 0):
                    continue
                if kind in (READ, XCHG):
                    now[(t, register)] = cells.get(where, 0)
                if kind in STORES and (kind != WRITE or not register or now[(t, register)]):
                    cells[where] = value
                state = (done[:t] + (done[t] | {i},) + done[t + 1:],
                         tuple(sorted(cells.items())), tuple(sorted(now.items())))
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
    return False


def one_line(text):
    return " ".join(text.split())


def complaints(test):
    """Yield the errors of a test and of the code that it models."""
    for name, text in test.sites:
        if text not in one_line((DRIVER / name).read_text()):
            yield f"not found in {name}: {text}"
    if not test.sites:
        yield "the test has no site: line"
    if can_happen(test, test.threads):
        yield "the exists clause can come true"
    for statement, threads in test.mutants():
        if not can_happen(test, threads):
            yield f"barrier has no effect: {one_line(statement)}"


def untested(tests):
    """Yield the barriers of the driver that no site: line quotes."""
    for path in sorted(DRIVER.rglob("*.[ch]")):
        name = str(path.relative_to(DRIVER))
        text = path.read_text()
        code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"\S", "~", m[0]), text, flags=re.S)
        text, code = one_line(text), one_line(code)
        quoted = [m.span() for test in tests for site, quote in test.sites if site == name
                  for m in re.finditer(re.escape(quote), text)]
        for m in BARRIER.finditer(code):
            if not any(start <= m.start() and m.end() <= end for start, end in quoted):
                yield f"{name}: no litmus test quotes {text[m.start():m.start() + 60]}"


def main():
    paths = [Path(arg) for arg in sys.argv[1:]] or sorted(HERE.glob("*.litmus"))
    tests = [Test(path) for path in paths]
    results = [(path.stem, list(complaints(test))) for path, test in zip(paths, tests)]
    if not sys.argv[1:]:
        results.append(("for each barrier of the driver", list(untested(tests))))
    print("TAP version 13")
    for number, (name, found) in enumerate(results, 1):
        for line in found:
            print(f"# {line}")
        print(f"{'not ok' if found else 'ok'} {number} - litmus {name}")
    print(f"1..{len(results)}")
    sys.exit(any(found for _, found in results))


main()
