# SPDX-License-Identifier: GPL-2.0
"""The packages that have the programs which the benchmark needs."""

import platform
import shutil

from common import NOT_FOUND, Failure

# Program: package of Debian, of Fedora, of openSUSE and of Arch Linux.
PACKAGES = {
    "QEMU": ("qemu-system-x86", "qemu-kvm", "qemu-x86", "qemu-base"),
    "modprobe": ("kmod", "kmod", "kmod", "kmod"),
    "gnuplot": ("gnuplot-nox", "gnuplot-minimal", "gnuplot", "gnuplot"),
}
FAMILIES = ("debian", "fedora", "suse", "arch")


def family():
    """Return the index of this distribution in PACKAGES, or None."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".replace("-", " ").split()
    for i, name in enumerate(FAMILIES):
        if any(w.startswith(name) or w == "rhel" and name == "fedora" for w in words):
            return i
    return None


def package(program):
    """Return what to install for a program."""
    names, i = PACKAGES[program], family()
    if program == "QEMU" and platform.machine() == "aarch64" and i == 0:
        return "the package qemu-system-arm"
    if i is not None:
        return f"the package {names[i]}"
    return f"its package ({names[0]} in Debian, {names[1]} in Fedora)"


def missing(programs):
    """Fail with a list of the programs that are not installed."""
    lines = [f"{name} is not installed: install {package(name)}" for name, path in programs.items()
             if not path or not shutil.which(path)]
    if lines:
        raise Failure("\nvhost-tapctl: ".join(lines), NOT_FOUND)
