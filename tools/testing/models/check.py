#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check the models of the driver's protocols with Spin; prints TAP.

A model is a .pml file in Promela. The first comment of a model has lines for this
script:

  function: FILE NAME...  functions of the driver that the model describes; each of
                          them must be defined in FILE
  site: FILE TEXT         code that must be in FILE, without the marks of comments
  run: OPTION...          a set of options with which the model must be correct
  mutant: OPTION...       a set of options with which Spin must find an error, because
                          the model lacks a barrier, a lock or a step

The model defines its options as OPTION(n); other words in a set only name it. A run
must search all states without an error, and a loop in which nothing makes progress is
an error. All runs together must reach each statement of the model, except those of

  never: STATEMENT        as Spin prints it, for example because only a mutant reaches it

Usage: check.py [MODEL...]; all models without an argument
"""
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
DRIVER = TOP / "drivers/vhost_tap"
OUT = TOP / "build/models"

# Limits of the verifier: bits of the hash table, and steps of one execution. The error
# of a mutant comes early.
HASH = 22
DEPTH = 1000000
MUTANT_DEPTH = 20000


class Model:
    """A model, with what its first comment says."""

    def __init__(self, path):
        self.path = path
        self.dir = OUT / path.stem
        text = path.read_text()
        header = text.split("*/")[1]  # [0] is the license

        def lines(key):
            return [m.split() for m in re.findall(rf"^ \* {key}: (.*)$", header, re.M)]

        self.functions = lines("function")
        self.sites = lines("site")
        self.runs = lines("run")
        self.mutants = lines("mutant")
        self.never = [" ".join(words) for words in lines("never")]
        text += (HERE / "memory.inc").read_text()
        self.options = {name: int(n) for name, n in
                        re.findall(r"^#define (\w+)\s+OPTION\((\d+)\)", text, re.M)}

    def option_string(self, words):
        on = [self.options[word] for word in words if word in self.options]
        return "".join(str(int(n in on)) for n in range(max(self.options.values()) + 1))


def code_complaints(model):
    """Yield what the model says about the driver's code and is not so."""
    for name in {line[0] for line in model.functions + model.sites}:
        if not (DRIVER / name).is_file():
            yield f"the driver has no file {name}"
            return
    for name, *functions in model.functions:
        text = (DRIVER / name).read_text()
        for function in functions:
            if not re.search(rf"^(?![ \t]).*\b{function}\([^;{{}}]*\)\s*\{{", text, re.M):
                yield f"{name} does not define {function}()"
    for name, *words in model.sites:
        text = (DRIVER / name).read_text().replace("/*", " ").replace("*/", " ")
        text = re.sub(r"^\s*\* ", " ", text, flags=re.M)
        if " ".join(words) not in " ".join(text.split()):
            yield f"not found in {name}: {' '.join(words)}"
    for word in [w for words in model.mutants for w in words if w.startswith("NO_")]:
        if word not in model.options:
            yield f"unknown option {word}"
    for kind, have in (("function", model.functions), ("site", model.sites),
                       ("run", model.runs), ("mutant", model.mutants)):
        if not have:
            yield f"the model has no {kind}: line"


def build(model):
    """Build the verifier. Return what went wrong, or an empty string."""
    model.dir.mkdir(parents=True, exist_ok=True)
    for command in (["spin", "-a", str(model.path)],
                    ["gcc", "-O1", "-w", "-DNP", "-o", "pan", "pan.c"]):
        done = subprocess.run(command, cwd=model.dir, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            return f"{command[0]}: {done.stdout.strip()}"
    return ""


def verify(model, words, depth):
    """Run the verifier and return its output."""
    env = dict(os.environ, MODEL_OPTIONS=model.option_string(words))
    # Each run has a folder, because a verifier that finds an error writes a file.
    where = model.dir / "-".join(words)
    where.mkdir(exist_ok=True)
    done = subprocess.run(["../pan", "-l", f"-w{HASH}", f"-m{depth}"], cwd=where, env=env,
                          text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    (where / "log").write_text(done.stdout)
    return done.stdout


def unreached(output):
    """Return the statements that a run did not reach: {(process, number): text}."""
    found, process = {}, ""
    for line in output.split("\n"):
        if line.startswith("unreached in proctype "):
            process = line.split()[-1]
        match = re.match(r'\t\S+, state (\d+), "(.*)"$', line)
        if match and match[2] != "-end-" and process != "buffers":
            found[process, match[1]] = match[2]
    return found


def run_complaint(output):
    """Return why the run of a correct model did not succeed, or an empty string."""
    for line in output.split("\n"):
        if re.search(r"^pan:\d+: |^error|too small|out of memory|not completed", line):
            return line
    return "" if re.search(r"errors: 0$", output, re.M) else "the verifier ended early"


def mutant_complaint(output):
    """Return why a mutant does not count as refuted, or an empty string."""
    if re.search(r"^pan:1: (assertion violated|non-progress cycle)", output, re.M):
        return ""
    return "Spin finds no error" if "errors: 0" in output else "the verifier failed"


class Tap:
    """The results so far."""

    def __init__(self):
        self.number = self.failed = 0

    def result(self, name, complaints):
        self.number += 1
        self.failed += bool(complaints)
        for line in complaints:
            print(f"# {line}")
        print(f"{'not ok' if complaints else 'ok'} {self.number} - {name}", flush=True)


def check(model, built, pool, tap):
    """Check one model and print a line for each run."""
    name = model.path.stem
    tap.result(f"{name}: names code of the driver", list(code_complaints(model)))
    error = built.result()
    if error:
        tap.result(f"{name}: compiles", error.split("\n"))
        return
    jobs = [(words, pool.submit(verify, model, words, DEPTH)) for words in model.runs]
    mutants = [(words, pool.submit(verify, model, words, MUTANT_DEPTH))
               for words in model.mutants]
    missed = None
    for words, job in jobs:
        output = job.result()
        states = re.search(r"^\s*(\S+) states, stored", output, re.M)
        print(f"# {states[1] if states else 'no'} states")
        tap.result(f"{name}: {' '.join(words)}", [c for c in [run_complaint(output)] if c])
        here = unreached(output)
        missed = here if missed is None else {k: v for k, v in missed.items() if k in here}
    for words, job in mutants:
        output = job.result()
        tap.result(f"{name}: {' '.join(words)} is refuted",
                   [c for c in [mutant_complaint(output)] if c])
    never = set(missed.values())
    tap.result(f"{name}: reaches its statements",
               [f"never reached: {t}" for t in sorted(never - set(model.never))] +
               [f"is reached: {t}" for t in sorted(set(model.never) - never)])


def main():
    paths = [HERE / (Path(arg).stem + ".pml") for arg in sys.argv[1:]]
    tap = Tap()
    print("TAP version 13")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        models = [Model(path) for path in paths or sorted(HERE.glob("*.pml"))]
        built = [pool.submit(build, model) for model in models]
        for model, result in zip(models, built):
            check(model, result, pool, tap)
    print(f"1..{tap.number}")
    sys.exit(tap.failed != 0)


main()
