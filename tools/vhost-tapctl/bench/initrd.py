# SPDX-License-Identifier: GPL-2.0
"""The kernel and the initramfs of a guest, from what is installed on the host.

The initramfs has one program, the agent, and the modules of the virtio NIC.
"""

import glob
import gzip
import lzma
import os
import platform
import shutil

from common import NOT_FOUND, Failure, output_of

MODULES = ("virtio_pci", "virtio_net")


def find_kernel(folder):
    """Return the kernel that belongs to a folder of modules."""
    release = os.path.basename(folder)
    names = [f"{folder}/vmlinuz", f"/boot/vmlinuz-{release}", f"/boot/Image-{release}",
             f"/boot/vmlinux-{release}", *glob.glob(f"/boot/*/{release}/linux")]
    for name in names:
        if os.access(name, os.R_OK):
            return name
    raise Failure(f"there is no kernel image for {release} in /boot or {folder}: name one with --kernel, "
                  "and the folder of its modules with --modules", NOT_FOUND)


def default_modules():
    return f"/lib/modules/{platform.release()}"


def zstd(path):
    if not shutil.which("zstd"):
        raise Failure(f"{path} is compressed with zstd: install the package zstd", NOT_FOUND)
    out = os.memfd_create("module")
    output_of(["zstd", "-dcqf", "-o", f"/proc/{os.getpid()}/fd/{out}", path], 60)
    with os.fdopen(out, "rb") as f:
        f.seek(0)
        return f.read()


def content(path):
    """Read a module, compressed or not."""
    if path.endswith(".zst"):
        return zstd(path)
    how = {".xz": lzma.open, ".gz": gzip.open}.get(os.path.splitext(path)[1], open)
    with how(path, "rb") as f:
        return f.read()


def module_files(folder):
    """Return the files of the modules in the order in which they load."""
    # The release is the folder's name, and modprobe's root is three folders above.
    root, release = os.path.realpath(folder).rsplit("/lib/modules/", 1)
    root = root.removesuffix("/usr") or "/"
    files = []
    for name in MODULES:
        out, err, status = output_of(["modprobe", "-d", root, "-S", release, "--show-depends", name], 60)
        if status:
            raise Failure(f"no module {name} for {release}: {err.strip()}", NOT_FOUND)
        files += [line.split()[1] for line in out.splitlines() if line.startswith("insmod ")]
    return list(dict.fromkeys(files))


def entry(number, name, mode, data=b"", device=(0, 0)):
    """Return a file in the format newc of cpio."""
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def archive(files):
    """Return a cpio archive of (name, mode, data, device)."""
    return b"".join(entry(i + 1, *f) for i, f in enumerate(files)) + entry(0, "TRAILER!!!", 0)


def make(folder, agent):
    """Return a file descriptor of the initramfs, which has no name on the host."""
    files = [("dev", 0o040755), ("dev/console", 0o020600, b"", (5, 1)), ("modules", 0o040755)]
    for i, path in enumerate(module_files(folder)):
        name = os.path.basename(path).split(".ko")[0]
        files.append((f"modules/{i:02}-{name}.ko", 0o100644, content(path)))
    with open(agent, "rb") as f:
        files.append(("init", 0o100755, f.read()))
    fd = os.memfd_create("initrd", 0)
    with open(fd, "wb", closefd=False) as f:
        f.write(archive(files))
    return fd
