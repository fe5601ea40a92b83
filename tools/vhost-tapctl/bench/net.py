# SPDX-License-Identifier: GPL-2.0
"""A network namespace of this process, and taps in it.

The namespace and the taps end with the processes that use them, so nothing has to be
removed, whatever ends the benchmark.
"""

import ctypes
import fcntl
import os
import socket
import struct

from common import Failure, libc

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 2, 0x1000, 0x4000, 0x100
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891c
IFF_UP_RUNNING = 0x41


def write_setting(path, value):
    """Change a setting of the namespace if the kernel has it."""
    try:
        with open(path, "w", encoding="ascii") as f:
            f.write(value)
    except OSError:
        pass


def own_namespace():
    """Move this process to a new network namespace."""
    if libc.unshare(CLONE_NEWNET):
        raise Failure(f"cannot create a network namespace: {os.strerror(ctypes.get_errno())}")
    # Keep other traffic off the links, and each connection independent of the last.
    write_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")
    write_setting("/proc/sys/net/ipv4/tcp_no_metrics_save", "1")


def request(name, fmt, *values):
    return struct.pack(f"16s{fmt}", name.encode(), *values).ljust(40, b"\0")


def address_request(name, address):
    return request(name, "HH4s", socket.AF_INET, 0, socket.inet_aton(address))


class Tap:
    """A tap with some queues and an address."""

    def __init__(self, name, queues, address):
        self.name = name
        self.fds = []
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if queues > 1 else 0)
        for _ in range(queues):
            self.fds.append(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
            fcntl.ioctl(self.fds[-1], TUNSETIFF, request(name, "H", flags))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFADDR, address_request(name, address))
            fcntl.ioctl(s, SIOCSIFNETMASK, address_request(name, "255.255.255.0"))
            fcntl.ioctl(s, SIOCSIFFLAGS, request(name, "H", IFF_UP_RUNNING))

    def close(self):
        """Close the queues; the tap ends when QEMU has closed them, too."""
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def counters(self):
        """Return packets and bytes that the guest has sent and received."""
        with open("/proc/thread-self/net/dev", encoding="ascii") as f:
            for line in f:
                name, _, rest = line.partition(":")
                if name.strip() == self.name:
                    v = [int(n) for n in rest.split()]
                    # The tap receives the packets that the guest sends.
                    return {"tx_bytes": v[0], "tx_packets": v[1], "rx_bytes": v[8], "rx_packets": v[9]}
        raise Failure(f"the tap {self.name} is gone")
