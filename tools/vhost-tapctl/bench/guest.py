# SPDX-License-Identifier: GPL-2.0
"""A guest in QEMU on a tap and a vhost node."""

import json
import os
import platform
import shutil
import socket
import struct
import tempfile
import time

from common import NOT_FOUND, Failure, end, output_of, start

# QEMU's machine and the kernel's console.
MACHINES = {"x86_64": ("pc,usb=off", "ttyS0"), "aarch64": ("virt,gic-version=host", "ttyAMA0")}
PORT = 5000
BOOT_SECONDS = 240

# Orders of the agent, see enum in its agent.h.
ORDER_COUNTERS = 7


def find_qemu():
    """Return QEMU for this machine, or None."""
    for name in (f"qemu-system-{platform.machine()}", "qemu-kvm", "/usr/libexec/qemu-kvm"):
        path = shutil.which(name)
        if path:
            return path
    return None


def qemu_version(qemu):
    out, _, _ = output_of([qemu, "--version"], 60)
    return out.partition("\n")[0].partition(" (")[0]


def cpu_ns(tasks):
    """Return the CPU time of some tasks."""
    ns = 0
    for task in tasks:
        with open(f"/proc/{task}/schedstat", encoding="ascii") as f:
            ns += int(f.read().split()[0])
    return ns


def threads_named(folder, name):
    found = []
    for tid in os.listdir(folder):
        try:
            with open(f"{folder}/{tid}/comm", encoding="utf-8", errors="replace") as f:
                if f.read().strip() == name:
                    found.append(int(tid))
        except OSError:
            pass
    return found


class Guest:
    """QEMU with one NIC, whose queues are open already."""

    def __init__(self, setup, tap, node, address, poll_us=0):
        self.tap, self.node, self.address = tap, node, address
        self.vhost = [os.open(node, os.O_RDWR | os.O_CLOEXEC) for _ in tap.fds]
        self.console = tempfile.TemporaryFile()
        self.messages = tempfile.TemporaryFile()
        self.qmp, theirs = socket.socketpair()
        self.qmp.settimeout(60)
        machine, console = MACHINES[platform.machine()]
        queues = len(tap.fds)
        many = "s" if queues > 1 else ""
        netdev = (f"tap,id=n,vhost=on,fd{many}={':'.join(map(str, tap.fds))},"
                  f"vhostfd{many}={':'.join(map(str, self.vhost))}{f',poll-us={poll_us}' if poll_us else ''}")
        nic = f"virtio-net-pci,netdev=n{f',mq=on,vectors={2 * queues + 2}' if queues > 1 else ''}"
        args = [setup.qemu, "-accel", "kvm", "-cpu", "host", "-machine", machine, "-m", "384",
                "-smp", str(queues), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", setup.kernel, "-initrd", f"/proc/self/fd/{setup.initrd}",
                "-append", f"console={console} quiet loglevel=4 panic=-1 ipv6.disable=1 "
                           f"vtap.address={address} {setup.append}",
                "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con",
                "-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control",
                "-netdev", netdev, "-device", nic + (f",{setup.device}" if setup.device else "")]
        self.qemu = start(args + setup.qemu_args, stdout=self.console, stderr=self.messages,
                          pass_fds=[*tap.fds, *self.vhost, setup.initrd, theirs.fileno()])
        theirs.close()
        for fd in self.vhost:
            os.close(fd)
        self.vhost = []
        self.control = None

    def why(self):
        """Return the end of what QEMU and the guest have printed."""
        said = b""
        for f in (self.messages, self.console):
            f.seek(0)
            said += f.read()[-1000:]
        return said.decode("utf-8", "replace").strip()

    def _ask(self, command):
        self.qmp.sendall(json.dumps({"execute": command}).encode() + b"\n")
        data = b""
        while True:
            while b"\n" in data:
                line, _, data = data.partition(b"\n")
                answer = json.loads(line)
                if "return" in answer:
                    return answer["return"]
            more = self.qmp.recv(65536)
            if not more:
                raise Failure(f"QEMU ended: {self.why()}")
            data += more

    def connect(self):
        """Connect to the agent in the guest."""
        s = socket.create_connection((self.address, PORT), 1)
        s.settimeout(60)
        return s

    def wait(self):
        """Wait until the agent answers, then find the threads."""
        until = time.monotonic() + BOOT_SECONDS
        while True:
            if self.qemu.poll() is not None:
                raise Failure(f"QEMU on {self.node} ended with status {self.qemu.returncode}: {self.why()}")
            if time.monotonic() > until:
                raise Failure(f"the guest on {self.node} did not boot: {self.why()}")
            try:
                self.connect().close()
                break
            except OSError:
                time.sleep(0.1)
        self._ask("qmp_capabilities")
        self.vcpus = [cpu["thread-id"] for cpu in self._ask("query-cpus-fast")]
        name, pid = f"vhost-{self.qemu.pid}", self.qemu.pid
        # Workers are threads of QEMU since Linux 6.4, kernel threads before.
        self.workers = threads_named(f"/proc/{pid}/task", name) or threads_named("/proc", name)
        if not self.workers:
            raise Failure(f"QEMU does not use {self.node}: {self.why()}")

    def host_counters(self):
        """Return the host's counters for this guest."""
        return {**self.tap.counters(), "worker_ns": cpu_ns(self.workers),
                "vcpu_ns": cpu_ns(self.vcpus), "at": time.monotonic()}

    def guest_counters(self):
        """Return the counters of the guest's driver."""
        with self.connect() as s:
            s.sendall(struct.pack("!QII", 0, 0, ORDER_COUNTERS))
            with s.makefile() as f:
                kicks, calls = f.readline().split()
        return {"kicks": int(kicks), "calls": int(calls)}

    def end(self):
        """End QEMU and close all files."""
        end(self.qemu)
        self.qmp.close()
        self.tap.close()
        for f in (self.console, self.messages):
            f.close()


class Setup:
    """Settings that all guests share."""

    def __init__(self, args, kernel, initrd):
        self.qemu = find_qemu()
        self.kernel, self.initrd = kernel, initrd
        self.append, self.device = args.append, args.device
        self.qemu_args = args.qemu_args.split()


def check_machine():
    """Fail on a machine that the guest is not made for."""
    if platform.machine() not in MACHINES:
        raise Failure(f"no guest for {platform.machine()}; --no-guest needs none", NOT_FOUND)
