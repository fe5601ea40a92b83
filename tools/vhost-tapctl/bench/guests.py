# SPDX-License-Identifier: GPL-2.0
"""bench with guests in QEMU: two equal guests, one on each node, loaded in turn.

A sample warms the load up, then reads the counters of the host at the begin and at the
end of its time. Kicks and calls are those of the guest's driver from before the load to
its end, with the packets of the same time.
"""

import os
import signal
import time

import guest
import initrd
import net
from common import NOT_FOUND, Failure, end, helper, output_of, start
from packages import missing

POLL_US = 50
WARM_UP = 0.15

# The kind of guests, and the loads of each: their name, protocol, size and flows.
LOADS = {
    "tcp-tx": ("tcp", "tx", 0, 1), "tcp-rx": ("tcp", "rx", 0, 1),
    "tcp-tx-4": ("tcp", "tx", 0, 4), "tcp-rx-4": ("tcp", "rx", 0, 4),
    "udp-tx-64": ("udp", "tx", 64, 1), "udp-rx-64": ("udp", "rx", 64, 1),
    "udp-tx-1400": ("udp", "tx", 1400, 1), "udp-rx-1400": ("udp", "rx", 1400, 1),
    "udp-tx-64-4": ("udp", "tx", 64, 4), "udp-rx-64-4": ("udp", "rx", 64, 4),
    "rr-tcp": ("rr", "tcp", 64, 1), "rr-udp": ("rr", "udp", 64, 1),
}
KINDS = {
    "": ("tcp-tx", "tcp-rx", "tcp-tx-4", "tcp-rx-4", "udp-tx-64", "udp-rx-64", "udp-tx-1400",
         "udp-rx-1400", "rr-tcp", "rr-udp"),
    "-poll": ("rr-tcp", "rr-udp"),
    "-mq": ("tcp-tx-4", "tcp-rx-4", "udp-tx-64-4", "udp-rx-64-4"),
}


def names():
    """Return the names of all rows."""
    return [load + kind for kind, loads in KINDS.items() for load in loads]


def split(row):
    """Return the load and the kind of a row."""
    for kind in KINDS:
        if kind and row.endswith(kind):
            return row[:-len(kind)], kind
    return row, ""


def rates(protocol, direction, got):
    """Return the figures of a stream from the changes of the counters."""
    seconds, packets = got["at"], got[f"{direction}_packets"]
    if not packets:
        raise Failure(f"no packets in direction {direction}")
    if protocol == "udp":
        return {"kpps": packets / seconds / 1e3, "worker_us": got["worker_ns"] / packets / 1e3,
                "vcpu_us": got["vcpu_ns"] / packets / 1e3}
    gigabytes = got[f"{direction}_bytes"] / 1e9
    return {"gbit": gigabytes * 8 / seconds, "worker_s_gb": got["worker_ns"] / 1e9 / gigabytes,
            "vcpu_s_gb": got["vcpu_ns"] / 1e9 / gigabytes}


def change(before, after):
    return {key: after[key] - before[key] for key in before}


class Guests:
    """Measures the rows with guests."""

    kind = "guests"

    def __init__(self, args, rows):
        self.args, self.nodes, self.rows = args, args.nodes, rows
        self.ms = args.ms or 400
        self.queues = args.queues or min(4, max(2, (os.cpu_count() or 1) // 2))

    def check(self):
        """Fail if something is missing, with the name of its package."""
        guest.check_machine()
        self.agent = helper("agent")
        missing({"QEMU": guest.find_qemu(), "modprobe": "modprobe"})
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Failure("there is no /dev/kvm: enable virtualization in the firmware and load kvm_intel or "
                          "kvm_amd, or use --no-guest", NOT_FOUND)
        folder = self.args.modules or initrd.default_modules()
        kernel = self.args.kernel or initrd.find_kernel(folder)
        self.setup = guest.Setup(self.args, kernel, initrd.make(folder, self.agent))
        self.about = {"guest": f"{os.path.basename(kernel)}, {guest.qemu_version(self.setup.qemu)}"}
        if self.args.qemu_args or self.args.device or self.args.append:
            self.about["guest options"] = " ".join(
                filter(None, (self.args.qemu_args, self.args.device, self.args.append)))

    def options(self):
        """Return the conditions for the result."""
        return {**self.about, "polling": f"rows -poll, {POLL_US} us on both nodes",
                "queues": f"rows -mq, {self.queues}",
                "rounds": f"at most {self.args.rounds}, {self.ms} ms a sample"}

    # ---- one sample ----

    def _stream(self, g, protocol, direction, size, flows):
        first, first_host = g.guest_counters(), g.host_counters()
        load = start([self.agent, "load", g.address, str(guest.PORT), protocol, str(flows), str(size),
                      "up" if direction == "rx" else "down"])
        try:
            time.sleep(WARM_UP)
            before = g.host_counters()
            time.sleep(self.ms / 1e3)
            after = g.host_counters()
            if load.poll() is not None:
                raise Failure(f"the load of {g.node} ended early")
        finally:
            end(load)
        got = rates(protocol, direction, change(before, after))
        # The counters of the guest's driver after all that is in flight.
        time.sleep(0.03)
        counted = {**change(first, g.guest_counters()), **change(first_host, g.host_counters())}
        packets = counted[f"{direction}_packets"]
        return {**got, "kicks": counted["kicks"] / packets, "calls": counted["calls"] / packets}

    def _responses(self, g, protocol, size):
        first, before = g.guest_counters(), g.host_counters()
        out, err, status = output_of([self.agent, "rr", g.address, str(guest.PORT), protocol, str(size),
                                      str(self.ms / 1e3)], 60)
        after, last = g.host_counters(), g.guest_counters()
        if status:
            raise Failure(f"request and response on {g.node}: {err.strip()}")
        word = out.split()
        answers, got = int(word[1]), change(before, after)
        counted = change(first, last)
        return {"p50_us": float(word[5]), "p99_us": float(word[7]),
                "worker_us_rr": got["worker_ns"] / 1e3 / answers,
                "vcpu_us_rr": got["vcpu_ns"] / 1e3 / answers,
                "kicks_rr": counted["kicks"] / answers, "calls_rr": counted["calls"] / answers}

    def _measure(self, g, load):
        protocol, direction, size, flows = LOADS[load]
        if protocol == "rr":
            return self._responses(g, direction, size)
        return self._stream(g, protocol, direction, size, flows)

    # ---- all samples ----

    def _start_pair(self, kind):
        pair = []
        try:
            for i, node in enumerate(self.nodes):
                tap = net.Tap(f"vtbench{i}", self.queues if kind == "-mq" else 1, f"10.254.{i}.1")
                pair.append(guest.Guest(self.setup, tap, node, f"10.254.{i}.2",
                                        POLL_US if kind == "-poll" else 0))
            for g in pair:
                g.wait()
        except BaseException:
            self._end_pair(pair)
            raise
        return pair

    @staticmethod
    def _end_pair(pair):
        # A second ^C must not keep a guest alive.
        old = [(n, signal.signal(n, signal.SIG_IGN)) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        for g in pair:
            g.end()
        for number, handler in old:
            signal.signal(number, handler)

    def _rounds(self, kind, pair, samples, said, deadline):
        loads = [split(row)[0] for row in self.rows if split(row)[1] == kind]
        for g in pair:
            said.step(f"warm up {g.node}")
            for load in loads:
                self._measure(g, load)
        for number in range(self.args.rounds):
            began = time.monotonic()
            for i, load in enumerate(loads):
                first = (number + i) % 2
                for side in (first, 1 - first):
                    said.step(f"round {number + 1} of {self.args.rounds}: {load}{kind} on {self.nodes[side]}")
                    samples.add(load + kind, number, side, self._measure(pair[side], load))
            said.round(f"guests{kind}: round {number + 1} of {self.args.rounds}")
            if time.monotonic() * 2 - began > deadline:
                break

    def run(self, samples, said):
        """Measure all rounds of all kinds of guests."""
        net.own_namespace()
        kinds = [k for k in KINDS if any(split(row)[1] == k for row in self.rows)]
        begin, done = time.monotonic(), 0
        for kind in kinds:
            said.step(f"boot two guests{kind}")
            pair = self._start_pair(kind)
            try:
                done += sum(split(row)[1] == kind for row in self.rows)
                self._rounds(kind, pair, samples, said,
                             begin + self.args.limit * done / len(self.rows))
            finally:
                self._end_pair(pair)
