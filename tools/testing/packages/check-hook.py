#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check-hook.py HOOK: test libvirt's hook with threads in place of a VMM's workers

This process plays QEMU: it starts threads named vhost-<pid>, gives the hook a domain's
XML on stdin, and checks the affinity of the threads afterwards. Prints TAP.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import threading
import time

XML = """<domain type='kvm'><name>vm1</name>
  <metadata>%s</metadata><devices/></domain>"""
PIN = '<v:pin xmlns:v="urn:vhost-tap:pin" cpus="%s"/>'
HOOK = sys.argv[1]
N = 0
BAD = 0


def result(good, name, detail=""):
    """Print one line of TAP."""
    global N, BAD       # pylint: disable=global-statement
    N += 1
    BAD += not good
    if not good:
        print(f"# {detail}")
    print(f"{'ok' if good else 'not ok'} {N} hook: {name}")


def worker(tids, ready, stop):
    """Start a thread with a worker's name."""
    libc = ctypes.CDLL(None)
    libc.prctl(15, f"vhost-{os.getpid()}".encode(), 0, 0, 0)       # PR_SET_NAME
    tids.append(threading.get_native_id())
    ready.release()
    stop.wait()


def hook(run, xml, operation="started", sub="begin"):
    """Call the hook as libvirt does."""
    return subprocess.run([HOOK, "vm1", operation, sub, "-"], input=xml, text=True, check=False,
                          capture_output=True, env={"VHOST_TAP_RUN": run, "PATH": os.environ["PATH"]})


def main():
    stop = threading.Event()
    ready = threading.Semaphore(0)
    tids = []
    threads = []
    for _ in range(4):
        threads.append(threading.Thread(target=worker, args=(tids, ready, stop)))
        threads[-1].start()
        ready.acquire()
    tids.sort()
    everywhere = os.sched_getaffinity(0)
    if len(everywhere) < 2:
        print("1..0 # SKIP this test needs two CPUs")
        stop.set()
        return 0
    first, second = sorted(everywhere)[:2]
    with tempfile.TemporaryDirectory() as run:
        with open(f"{run}/vm1.pid", "w", encoding="ascii") as f:
            f.write(f"{os.getpid()}\n")
        where = lambda: [os.sched_getaffinity(t) for t in tids]     # noqa: E731

        said = hook(run, XML % "")
        result(said.returncode == 0 and where() == [everywhere] * 4 and not said.stderr,
               "a domain without the element is left alone", said)
        said = hook(run, XML % (PIN % f"{first},{second}"), "prepare")
        result(said.returncode == 0 and where() == [everywhere] * 4,
               "other operations do nothing", said)
        said = hook(run, XML % (PIN % f"{first},{second}"))
        result(said.returncode == 0 and where() == [{first}, {second}] * 2,
               "four workers use two CPUs in turn", (said, where()))
        result(os.sched_getaffinity(os.getpid()) == everywhere,
               "QEMU's main thread stays where it was")
        result(all(f"worker {t} on CPU" in said.stderr for t in tids),
               "it says what it did", said.stderr)
        name = f"vhost-{os.getpid()}"
        with subprocess.Popen(["bash", "-c", f"printf %s {name} >/proc/self/comm; read _"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as other:
            time.sleep(1)
            said = hook(run, XML % (PIN % f"{first},{second}"))
            result(said.returncode == 0 and os.sched_getaffinity(other.pid) == everywhere,
                   "another process with a worker's name is left alone", said.stderr)
            other.stdin.close()
        said = hook(run, XML % (PIN % f"{first}-{first}"), "reconnect")
        result(said.returncode == 0 and where() == [{first}] * 4, "a range, on reconnect", said)
        said = hook(run, XML % (PIN % "9999"))
        result(said.returncode != 0 and "Invalid argument" in said.stderr,
               "an unknown CPU: message and failure", said)
    stop.set()
    for thread in threads:
        thread.join()
    print(f"1..{N}")
    return BAD != 0


if __name__ == "__main__":
    sys.exit(main())
