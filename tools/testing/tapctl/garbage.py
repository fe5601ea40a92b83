#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""garbage.py: send requests of random bytes to the netlink family

Each must get a reply with an errno that Documentation/netlink.rst lists, or one of
netlink itself."""

import errno
import random
import socket
import struct

REQUEST, ACK, DUMP = 1, 4, 0x300
ERROR, DONE, CTRL = 2, 3, 16
KNOWN = {0, errno.EINVAL, errno.ERANGE, errno.ENODEV, errno.ENOENT,
         errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADMSG}


def message(family, flags, seq, payload):
    return struct.pack("=IHHII", 16 + len(payload), family, flags, seq, 0) + payload


def attr(kind, data):
    pad = b"\0" * (-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + data + pad


def family_id(sock):
    name = attr(2, b"vhost_tap\0")
    sock.send(message(CTRL, REQUEST, 1, struct.pack("=BBH", 3, 1, 0) + name))
    data = sock.recv(65536)
    at = 20
    while at < len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == 1:
            return struct.unpack_from("=H", data, at + 4)[0]
        at += (length + 3) & ~3
    raise SystemExit("no family")


def answer(sock, seq):
    """Return the errno that ends the reply."""
    while True:
        data = sock.recv(65536)
        at = 0
        while at + 16 <= len(data):
            length, kind, flags, nr, _ = struct.unpack_from("=IHHII", data, at)
            if nr == seq and kind in (ERROR, DONE):
                return -struct.unpack_from("=i", data, at + 16)[0]
            at += (length + 3) & ~3


def main():
    rnd = random.Random(6)
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    sock.settimeout(20)
    family = family_id(sock)
    seen = {}
    for seq in range(10, 2010):
        body = struct.pack("=BBH", rnd.randrange(0, 10), rnd.choice((0, 1, 1, 9)),
                           rnd.choice((0, 0, 0, 7)))
        for _ in range(rnd.randrange(0, 5)):
            kind = rnd.randrange(0, 40) | rnd.choice((0, 0, 0x8000, 0x4000))
            size = rnd.choice((0, 1, 3, 4, 4, 4, 4, 8, 64))
            data = rnd.choice((bytes(size), rnd.randbytes(size)))
            body += attr(kind, data)
        if rnd.random() < 0.2:          # a length that lies
            body += struct.pack("=HH", rnd.randrange(0, 65536), 1)
        sock.send(message(family, REQUEST | ACK | rnd.choice((0, 0, DUMP)), seq, body))
        err = answer(sock, seq)
        seen[err] = seen.get(err, 0) + 1
    print({errno.errorcode.get(e, e): n for e, n in seen.items()})
    strange = set(seen) - KNOWN
    if strange or errno.EINVAL not in seen:
        raise SystemExit(f"not expected: {strange}")


if __name__ == "__main__":
    main()
