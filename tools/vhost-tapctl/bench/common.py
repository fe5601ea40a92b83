# SPDX-License-Identifier: GPL-2.0
"""Common parts of the benchmark's files."""

import ctypes
import os
import signal
import subprocess

# Exit codes, as in enum ctl_exit of vhost-tapctl.
FAILED, NO_MODULE, DENIED, NOT_FOUND = 1, 3, 4, 5

NODES = ("/dev/vhost-net", "/dev/vhost-tap")
HERE = os.path.dirname(os.path.realpath(__file__))

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """An error with a message for the user."""

    def __init__(self, text, status=FAILED):
        super().__init__(text)
        self.status = status


class Interrupted(Exception):
    """A signal ends the benchmark."""

    def __init__(self, number):
        super().__init__()
        self.number = number


def clean(text):
    """Escape all characters that are not printable ASCII, as the rest of vhost-tapctl does (text.c)."""
    data = str(text).encode("utf-8", "surrogateescape")
    return "".join(chr(b) if 32 <= b < 127 or b == 10 else f"\\x{b:02x}" for b in data)


def helper(name):
    """Return the path of an installed program of the benchmark."""
    path = f"{HERE}/{name}"
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: install vhost-tapctl again", NOT_FOUND)
    return path


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(args, **options):
    """Start a child that ends with this process, and that does not get its ^C."""
    return subprocess.Popen(args, stdin=subprocess.DEVNULL, start_new_session=True,
                            preexec_fn=die_with_parent, **options)


def end(child):
    """End a child at once, whatever it does."""
    if child.poll() is None:
        child.kill()
    child.wait()


def output_of(args, seconds):
    """Run a program to its end. Return its output, its messages and its status."""
    child = start(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as e:
        raise Failure(f"{os.path.basename(args[0])} took longer than {seconds} s") from e
    finally:
        end(child)
    return out, err, child.returncode


def first_line(path):
    """Return the first line of a file, or None."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.readline().strip()
    except OSError:
        return None
