#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""foreign.py COOKIE: dump all queues again and again until SIGTERM

Fails if the network device of a queue is in the network namespace COOKIE, or if no
answer had a network device."""

import signal
import socket
import struct
import sys

from garbage import DONE, DUMP, ERROR, REQUEST, attr, family_id, message

QUEUE_GET, IF_NETNS_COOKIE = 4, 25


class Stop(Exception):
    """SIGTERM"""


def stop(signo, frame):
    raise Stop


def cookies(data, at, end):
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == IF_NETNS_COOKIE:
            yield int.from_bytes(data[at + 4:at + length], sys.byteorder)
        at += (length + 3) & ~3


def dump(sock, family, seq):
    """Return the cookies of all queues."""
    found = []
    sock.send(message(family, REQUEST | DUMP, seq, struct.pack("=BBH", QUEUE_GET, 1, 0)))
    while True:
        data = sock.recv(65536)
        at = 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind in (ERROR, DONE):
                return found
            found += cookies(data, at + 20, at + length)
            at += (length + 3) & ~3


def main():
    foreign = int(sys.argv[1])
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    family = family_id(sock)
    seen = {}
    signal.signal(signal.SIGTERM, stop)
    try:
        for seq in range(10, 1 << 31):
            for cookie in dump(sock, family, seq) or [None]:
                seen[cookie] = seen.get(cookie, 0) + 1
    except Stop:
        print(seen)
    if foreign in seen or set(seen) <= {None}:
        raise SystemExit(1)


main()
