# SPDX-License-Identifier: GPL-2.0
"""bench --no-guest: rings and taps, with the guest as a process.

pktcost, which the package has, is the guest. It makes a network namespace for each
sample, so nothing remains when it ends.
"""

from common import HERE, Failure, helper, output_of

ROWS = f"{HERE}/rings.conf"


def names():
    """Return the names of all rows."""
    with open(ROWS, encoding="utf-8") as f:
        return [line.split()[0] for line in f if line.strip() and line[0] != "#"]


def sample(row, col):
    """Convert the columns of pktcost, see its struct cost, to figures."""
    packets, more, median, kicks, calls, worker_ns, p99 = (float(col[i]) for i in (1, 2, 4, 5, 6, 7, 8))
    got = {}
    if "-one" in row:
        got["p50_us"], got["p99_us"] = median * packets / 1e3, p99 * packets / 1e3
    elif more > 0:
        got["ns"] = more
    if worker_ns > 0:
        got["worker_ns"] = worker_ns
    if "-stream" in row:
        got["kicks"], got["calls"] = kicks, calls
    return got


class Rings:
    """Measures the rows of rings.conf."""

    kind = "rings"

    def __init__(self, args, rows):
        self.rounds, self.ms, self.nodes, self.rows = args.rounds, args.ms or 50, args.nodes, rows
        self.failed = set()

    def check(self):
        """Fail if a program is missing."""
        self.pktcost = helper("pktcost")

    def options(self):
        """Return the conditions for the result."""
        return {"guest": "a process", "rounds": f"{self.rounds}, {self.ms} ms a sample"}

    def _measure(self, row, number, side, samples):
        out, err, _ = output_of([self.pktcost, "-r", "1", "-t", str(self.ms), "-n", self.nodes[side],
                                 ROWS, row], 60 + self.ms / 100)
        col = out.rstrip("\n").split("\t")
        if len(col) == 3:
            samples.fail(row, side, col[2])
            self.failed.add((row, side))
        elif len(col) != 12:
            raise Failure(f"{row} on {self.nodes[side]}: pktcost failed. {out} {err}")
        else:
            samples.add(row, number, side, sample(row, col[2:]))

    def run(self, samples, said):
        """Measure all rounds."""
        for number in range(self.rounds):
            for i, row in enumerate(self.rows):
                first = (number + i) % 2
                for side in (first, 1 - first):
                    said.step(f"round {number + 1} of {self.rounds}: {row} on {self.nodes[side]}")
                    if (row, side) not in self.failed:
                        self._measure(row, number, side, samples)
            said.round(f"round {number + 1} of {self.rounds}")
