#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Plant defects in the driver, one at a time, and see whether the tests find them.

Usage: check.py [--seed SEED] [--number N] [--pass unit|quick|all] [--tests TESTS] [ID...]
  --seed SEED    seed of the random choice (default 1)
  --number N     number of defects (default 200)
  --pass unit    only run the unit tests, for defects in code that is compiled in user space
  --pass quick   only run the unit tests and the quick kselftests
  --tests TESTS  run these kselftests instead, as in make check-debug; only a defect that
                 they find gets a new result
  ID             test these defects again

The place of a defect is a random line of a function. Lines that no test executes are left out if
make coverage has measured them. Defects that do not compile, or whose code is the same, do not
count and are replaced by others. The order of the places depends only on their files and line
numbers, so a change of one file leaves the choice in the others as it was. The tests run until one
of them finds the defect: first the unit tests, for code that is compiled in user space, then
kselftests in a debug kernel (check-debug), first the quick ones and those of the file, then all
others. A result is a line of build/mutation/SEED.jsonl. The next run skips defects that have one
there or in SEED.jsonl next to this file, unless the defect has changed or moved since.
"""
import argparse
import difflib
import json
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import time

import defects

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OUT = ROOT / "build/mutation"
TREE = OUT / "tree"                 # the copy of the sources in which defects are planted
DRIVER = pathlib.Path("drivers/vhost_tap")
BUILT = TREE / "build/uml/7.2-debug"
UNIT_BUILD = ["make", "-s", "-C", "tools/testing/user", f"drv={TREE / DRIVER}", f"out={OUT}/user", f"{OUT}/user/unit"]
MODULE_BUILD = ["tools/testing/uml/build-uml", "--src", TREE, "debug"]
LIMIT = 3600                        # seconds that the kselftests of a defect may take

# Defects that no test can find, and why.
EQUIVALENT = dict(line.split("\t") for line in (HERE / "equivalent.txt").read_text().splitlines() if line[0] != "#")

PASSES = ["unit", "quick", "all"]
UNIT = re.compile(r"ring/|vnet_hdr|bucket|busypoll")
# Kselftests that take a few seconds, and those that exercise a file.
QUICK = """abi_test hostile_test packed_test bad_buffer_test live_test iotlb_test backend_test stats_test
           workers_test recover_test""".split()
OF_FILE = [
    (r"backend/frag", "frags_set_test frags_test"),
    (r"backend/(xdp_tx|send)|tx\.c", "data_test frames_test header_test hostile_packet_test cve_test"),
    (r"backend/.*rx|rx\.c|usercopy", "data_test rx_device_test hostile_packet_test rx_direct_test"),
    (r"backend/(backend|netdev|msg)", "backend_test rx_device_test lifecycle_test"),
    (r"ring/(dirty|log)", "dirty_test dirty_live_test"),
    (r"iotlb|ring/mem", "iotlb_test iotlb_miss_test iotlb_data_test live_test"),
    (r"ring/packed", "packed_test packed_hostile_test notify_test dirty_test"),
    (r"ring/", "hostile_test data_test shape_test notify_test dirty_test"),
    (r"limit|bucket", "rate_test"),
    (r"thread", "shared_test threads_test limits_test workers_test"),
    (r"worker|wakeup|numa", "workers_test threads_test pairs_test shared_test rate_test:queue_moves"),
    (r"busypoll", "recover_test polling_test burst_test"),
    (r"queue|dev|ioctl|chardev|features", "abi_test features_test pairs_test lifecycle_test handover_test"),
    (r"netlink|registry|latency|load|probes|debugfs|node", "netlink_test stats_test shared_test pairs_test"),
    (r"pass|poll|trim", "recover_test stats_test live_test fair_test charge_test"),
]
LAST = "polling_test burst_test errno_diff.sh".split()
# A test that took too long may be slow because of the host.
SLOW = re.compile(r"terminated by timeout|ended with (124|137)|blocked for more|soft lockup|detected stalls|time limit")


def run(command, log, **more):
    """Run COMMAND with its output in the file LOG; return its status."""
    with open(log, "w", encoding="utf-8") as f:
        return subprocess.run(command, cwd=ROOT, stdout=f, stderr=subprocess.STDOUT, check=False, **more).returncode


def last_line(log, pattern):
    """Return the last line of LOG that has PATTERN, or an empty string."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if re.search(pattern, line)]
    return lines[-1].strip() if lines else ""


def programs_of(name):
    """Return the quick and the other kselftests for a file, in their order."""
    run_sh = (ROOT / "tools/testing/selftests/vhost_tap/run.sh").read_text()
    every = re.search(r"set -- (.*?)\n\n", run_sh, re.S)[1].replace("\\", " ").split() + LAST
    first = next((programs.split() for pattern, programs in OF_FILE if re.search(pattern, name)), [])
    quick = list(dict.fromkeys(first + QUICK))
    return quick, [p for p in dict.fromkeys(every) if p not in quick]


class Defect:
    """A change of one place: DRIVER/NAME, from TEXT to MUTANT."""

    def __init__(self, number, name, line, text, change):
        start, stop, new, self.operator = change
        self.number, self.name, self.text = number, name, text
        self.mutant = text[:start] + new + text[stop:]
        self.place = f"{name}:{line}"
        function = re.findall(r"^(?!#)(?:\w.*?)?\b(\w+)\(.*[^;]$", text[:start], re.M)[-1]
        self.what = f"{function}: {' '.join(text[start:stop].split())} -> {new}".strip()
        self.diff = [d for d in difflib.unified_diff(text.splitlines(), self.mutant.splitlines(), n=0, lineterm="")
                     if not d.startswith(("---", "+++", "@@"))]

    def write(self, text):
        for tree in (TREE, BUILT / "src"):
            if (tree / DRIVER).exists():
                (tree / DRIVER / self.name).write_text(text)

    def __enter__(self):
        self.write(self.mutant)

    def __exit__(self, *_):
        self.write(self.text)


def executed():
    """Return the lines that make coverage has counted, or None."""
    coverage = ROOT / "build/coverage"
    if not (coverage / "total.json").exists() or (coverage / "data/partial").exists():
        return None
    files = json.loads((coverage / "total.json").read_text())["files"]
    return {(entry["file"], line["line_number"]) for entry in files for line in entry["lines"] if line["count"]}


def choose(seed):
    """Yield defects in a random order of their places."""
    lines, covered = [], executed()
    for path in sorted((ROOT / DRIVER).rglob("*.[ch]")):
        if path.name.endswith(".mod.c") or path.name in ("trace.h", "probes.h"):
            continue
        text = path.read_text()
        name = str(path.relative_to(ROOT / DRIVER))
        for line, changes in sorted(defects.by_line(text).items()):
            if covered is None or (str(DRIVER / name), line) in covered:
                rng = random.Random(f"{seed} {name}:{line}")
                lines.append((rng.random(), name, line, text, changes, rng))
    lines.sort(key=lambda entry: entry[:3])
    for number, (_, name, line, text, changes, rng) in enumerate(lines, 1):
        operator = rng.choice(sorted({change[3] for change in changes}))
        yield Defect(number, name, line, text, rng.choice([c for c in changes if c[3] == operator]))


def object_code():
    """Return the module before it was linked: the same code gives the same bytes."""
    return (BUILT / "src" / DRIVER / "vhost_tap.o").read_bytes()


def find_in_user_space(defect, log):
    """Return which unit test, or test of barriers, finds the defect."""
    if defect.operator == "removed barrier" and run(["python3", TREE / "tools/testing/litmus/check.py"], log):
        return "litmus: " + last_line(log, "^not ok")
    if not UNIT.match(defect.name):
        return ""
    if run(UNIT_BUILD, log):
        return "void: does not compile"
    with subprocess.Popen([OUT / "user/unit"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (100, 100))) as process:
        said = ""
        for said in process.stdout:
            if said.startswith("not ok"):
                process.kill()
                return "unit: " + said.split(" - ")[-1].strip()
    return f"unit: ended with {process.returncode} after {said.strip()}" if process.returncode else ""


def boot(folder, ko, programs, log):
    """Run inside.sh KO PROGRAMS with the module in FOLDER. Return the first failure or report of the kernel."""
    status = run(["tools/testing/uml/run-uml", "--smp", "2", "--mem", "2G", "--timeout", str(LIMIT),
                  "--out", OUT / "out",
                  "--append", "panic_on_warn=1 softlockup_panic=1 hung_task_panic=1 sysctl.kernel.watchdog_thresh=30",
                  folder, HERE / "inside.sh", ko, *programs], log)
    if status == 0:
        return ""
    program = last_line(log, r"^(not )?ok \d+ ") or "no test ran"
    if status == 1:
        reason = re.sub(r"^found: ", "", last_line(log, "^found: ")) or program
        return reason + (" (terminated by timeout)" if last_line(log, SLOW.pattern) else "")
    if status == 124:
        return f"time limit after {program}"
    if status == 125 and not last_line(log, "^init: cannot load vhost_tap") and (
            folder == OUT / "original" or boot(OUT / "original", "-", [], OUT / "control.log")):
        return f"unknown: the kernel ended without a result after {program}"
    return "kernel: " + (last_line(log, "^  ").strip()[:150] or last_line(log, ".")) + f" after {program}"


def find_in_kernel(programs, original, log):
    """Return what finds the defect, or an empty string."""
    # As build-uml, but without the other modules.
    kernel = (BUILT / "linux").resolve().parent
    if run(["make", "-s", "ARCH=um", "SUBARCH=x86_64", "-C", kernel, f"M={BUILT}/src", "modules"], BUILT / "build.log"):
        return "void: does not compile"
    shutil.copy2(BUILT / "src" / DRIVER / "vhost_tap.ko", BUILT)
    if "without a cast" in (BUILT / "build.log").read_text():
        return "void: a pointer is no number"
    if object_code() == original:
        return "void: same code"
    found = boot(BUILT, BUILT / "vhost_tap.ko", programs, log)
    # A busy host can make a test fail, so the test has to pass without the defect now.
    program = re.search(r"(\w+_test|\w+\.sh): ?([\w.]*)", found)
    if program and not found.startswith("unknown: ") and (not found.startswith("kernel: ") or SLOW.search(found)):
        control = program[1] if "ended" in found or not program[2] else f"{program[1]}:{program[2]}"
        if boot(OUT / "original", "-", [control], OUT / "control.log"):
            return f"unknown: {found}; without the defect, too"
    return found


def build(*commands):
    """Run COMMANDS; exit if one fails."""
    for command in commands:
        if run(command, OUT / "build.log"):
            sys.exit(f"{command[0]} failed, see {OUT}/build.log")


def build_original():
    """Build the module without a defect, and the kselftests, and keep them. Return its code."""
    build(MODULE_BUILD, ["make", "-s", "-C", "tools/testing/selftests/vhost_tap"])
    shutil.rmtree(OUT / "original", ignore_errors=True)
    (OUT / "original").mkdir()
    for path in [BUILT / "linux", *BUILT.glob("*.ko")]:
        shutil.copy2(path, OUT / "original", follow_symlinks=False)
    return object_code()


def test(defect, stage, tests, original):
    """Run a stage of tests, or TESTS; return its result. ORIGINAL is the code without a defect."""
    start = time.time()
    quick, others = programs_of(defect.name)
    log = OUT / "log" / f"{defect.number}-{stage}"
    log.parent.mkdir(exist_ok=True)
    with defect:
        if defect.what in EQUIVALENT:
            found = f"equivalent: {EQUIVALENT[defect.what]}"
        elif stage == "unit":
            found = find_in_user_space(defect, log)
        else:
            found = find_in_kernel(tests or (quick if stage == "quick" else others), original, log)
    verdict = re.match(r"void|unknown|equivalent|", found)[0] or "found"
    if not found:
        verdict = "survived" if stage == "all" and not tests else "undecided"
    return {"id": defect.number, "place": defect.place, "operator": defect.operator, "pass": stage, "verdict": verdict,
            "by": found, "seconds": round(time.time() - start), "diff": defect.diff}


def summary(results, defects_by_id):
    """Print a table by file and the defects that no test found."""
    counted = [r for r in results.values() if r["verdict"] != "void"]
    print(f"{'file':<28} {'found':>6} {'survived':>9} {'equivalent':>11} {'undecided':>10}")
    for name in sorted({r["place"].split(":")[0] for r in counted}) + ["total"]:
        verdicts = [r["verdict"] for r in counted if name in ("total", r["place"].split(":")[0])]
        found, survived, equivalent = map(verdicts.count, ("found", "survived", "equivalent"))
        print(f"{name:<28} {found:6} {survived:9} {equivalent:11} {len(verdicts) - found - survived - equivalent:10}")
    print(f"{len(results) - len(counted)} more do not compile or change nothing")
    for r in counted:
        if r["verdict"] != "found":
            what = defects_by_id[r["id"]].what
            print("\n".join([f"{r['id']} {r['verdict']}: {r['place']}: {r['operator']} {r['by']}", what] + r["diff"]))


def read_results(paths, every):
    """Return the last result of each defect in PATHS that is still the same."""
    numbers = {(defect.place, *defect.diff): defect.number for defect in every}
    results = {}
    for line in [line for path in paths if path.exists() for line in path.read_text().splitlines()]:
        r = json.loads(line)
        number = numbers.get((r["place"], *r["diff"]))
        if number and r["verdict"] != "unknown":
            results[number] = r | {"id": number}
    return results


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--pass", dest="last", default="all", choices=PASSES)
    parser.add_argument("--tests", type=str.split)
    parser.add_argument("again", nargs="*", type=int)
    args = parser.parse_args()
    stages = ["quick"] if args.tests else PASSES[:PASSES.index(args.last) + 1]

    OUT.mkdir(parents=True, exist_ok=True)
    build(["rsync", "-rlpR", "--checksum", "--exclude=*.o", "--exclude=.*.cmd", "Kbuild", "drivers", "include",
           "scripts", "tools/testing/litmus", TREE], UNIT_BUILD)
    every = list(choose(args.seed))
    by_id = {d.number: d for d in every}
    path = OUT / f"{args.seed}.jsonl"
    results = read_results([HERE / path.name, path], every)
    for number in args.again:
        results.pop(number, None)

    original = None
    for stage in stages:
        while True:
            chosen = [d for d in every if results.get(d.number, {}).get("verdict") != "void"][:args.number]
            if args.again:
                chosen = [d for d in every if d.number in args.again]
            todo = [d for d in chosen if d.number not in results or
                    (results[d.number]["verdict"] == "undecided" and
                     PASSES.index(results[d.number]["pass"]) < PASSES.index(stage))]
            if stage == "unit":
                todo = [d for d in todo if UNIT.match(d.name) or d.operator == "removed barrier"]
            if not todo:
                break
            if stage != "unit":
                original = original or build_original()
            # In random order, so that a part of a run is a random choice, too. Neighbors in
            # a file share a build.
            for defect in sorted(todo, key=lambda d: (d.number // 20, d.name, d.number)):
                result = test(defect, stage, args.tests, original)
                results[defect.number] = result
                # Tests that were chosen by hand do not stand for the others.
                if not args.tests or result["verdict"] == "found":
                    with open(path, "a", encoding="utf-8") as f:
                        f.write(json.dumps(result) + "\n")
                print(f"{result['id']:4} {result['place']:<26} {result['operator']:<20} "
                      f"{result['verdict']} {result['by']} {result['seconds']} s", flush=True)
    summary(dict(sorted(results.items())), by_id)


if __name__ == "__main__":
    main()
