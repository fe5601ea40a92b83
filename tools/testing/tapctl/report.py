# SPDX-License-Identifier: GPL-2.0
"""report.py - tests of vhost-tapctl report, for check-tool

Programs that a report runs are replaced by scripts that print private data.
"""

import contextlib
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess
import tarfile
import tempfile

FILES = {"contents.txt", "devices.json", "doctor.txt", "host.txt", "kernel-log.txt", "links.txt",
         "module.txt", "packages.txt", "versions.txt", "vmm.txt"}
NODE = os.uname().nodename.split(".")[0]

# A network device of a guest, as ip writes it: a MAC address in full and short form.
IP = """2: tap-%(vm)s: <BROADCAST,UP> mtu 1500
    link/ether 52:54:00:0a:0b:0c brd ff:ff:ff:ff:ff:ff promiscuity 0
    bridge bridge_id 8000.52:54:0:a:b:c designated_root 8000.5254000a0b0c
    vxlan remote 203.0.113.7 local 2001:db8:0:0:0:0:0:7 dev eth0
    alias the secret alias
    tun type tap user %(user)s
"""
LOG = """[ 1.0] vhost_tap: loading out-of-tree module taints kernel.
[ 2.0] Bluetooth: a line that does not concern us
[ 3.0] vhost: MAC=52:54:00:0a:0b:0c:52:54:00:0d:0e:0f:08:00 SRC=203.0.113.7 DST=203.0.113.8:5900: on %(node)s.lan.net.
[ 4.0] audit: apparmor="DENIED" profile="libvirt-0A1b2c3d-0000-4000-8000-00000000abcd" name="/dev/vhost-tap"
[ 5.0] vhost: name="/home/alice/my disk.img" exe=2F686F6D652F616C6963652F782079
[ 6.0] vhost: fe80::5054:ff:fe0a:b0c%%eth0 and [2001:db8::7]:53 at ::1 and 127.0.0.1 and 12:34:56 0000:00:03.0
[ 7.0] vhost: machine 0123456789abcdef0123456789abcdef of %(vm)s, mac 52-54-00-0A-0B-0C
[ 8.0] ------------[ cut here ]------------
[ 8.1] WARNING: CPU: 0 PID: 1 at net/core/dev.c:1
[ 8.2] RIP: 0010:the_failed_function+0x1/0x2
[ 8.3] ---[ end trace 0000000000000000 ]---
[ 9.0] a line after the failure
"""
SECRETS = (r"5[24].00", r"54:0:a", r"5254000a0b0c", r"0d:0e", r"203\.0", r"2001:db8", r"fe80", r"alice",
           r"my disk", r"2F686F", r"[0a]{2}1b2c3d", r"0A1b2c3d", r"0123456789abcdef", r"the secret", r"lan\.net")


class Failure(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Failure(" ".join(str(w) for w in what))


def user():
    """A user whose name is private, or the placeholder that no report holds."""
    names = [p.pw_name for p in pwd.getpwall() if 1000 <= p.pw_uid < 60000 and len(p.pw_name) > 2]
    return names[0] if names else "nobody"


@contextlib.contextmanager
def machine(vm):
    """A folder of fake programs, and a process with the arguments of QEMU."""
    with tempfile.TemporaryDirectory() as folder:
        says = {"vm": os.fsdecode(vm), "node": NODE, "user": user()}
        for name, text in ("ip", IP), ("dmesg", LOG):
            path = pathlib.Path(folder, name)
            path.with_suffix(".txt").write_bytes(os.fsencode(text % says))
            path.write_text(f'#!/bin/sh\n[ "$1" = -V ] || cat "{path}.txt"\n', encoding="utf-8")
            path.chmod(0o755)
        args = [b"qemu-system-x86_64", b"-name", b"guest=" + vm.replace(b",", b",,") + b",debug-threads=on",
                b"-uuid", b"0A1b2c3d-0000-4000-8000-00000000abcd", b"-drive", b"file=/srv/hidden.img",
                b"-netdev", b'{"type":"tap","id":"n0"}',
                b"-device", b'{"driver":"virtio-net-pci","mac":"52:54:00:0a:0b:0c"}', b"-smp", b"4"]
        # Python with the name of QEMU: it waits and ignores the other arguments.
        process = subprocess.Popen([args[0], b"-c", b"import signal; signal.pause()", *args[1:]],
                                   executable="/usr/bin/python3")
        try:
            yield {"PATH": f"{folder}:{os.environ['PATH']}", "FAKE_OWNER": str(process.pid)}
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def report(tool, env, *args, output="r.tar.gz", cwd=None):
    """Run a report; returns (its files, what it said)."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([tool, "report", "--output", output, *args], capture_output=True, timeout=120,
                              check=False, cwd=cwd or folder, env=dict(os.environ, TMPDIR=folder, **env))
        need(done.returncode == 0, done)
        made = [name for name in os.listdir(os.fsencode(folder))]
        need(cwd or made == [os.fsencode(output)], "files that were left:", made)
        path = os.path.join(os.fsencode(cwd or folder), os.fsencode(output))
        need(os.stat(path).st_mode & 0o777 == 0o600, "mode of the archive")
        files = {}
        with tarfile.open(path) as tar:
            for member in tar:
                top, _, name = member.name.partition("/")
                need(top == "vhost-tap-report" and (member.uid, member.uname) == (0, "root"), member.name)
                if name:
                    files[name] = tar.extractfile(member).read()
        need(set(files) == FILES, sorted(files))
        for name, data in files.items():
            bad = {b for b in data if not 32 <= b < 127} - {9, 10}
            need(not bad, name, "has the bytes", bad)
        text = {name: data.decode() for name, data in files.items()}
        json.loads(text["devices.json"])
        return text, done.stdout.decode("ascii")


def complete(tool):
    """The archive has what it lists, and says what is missing."""
    files, said = report(tool, {"FAKE_ERROR": "2"})
    for name in FILES - {"contents.txt"}:
        need(name in files["contents.txt"] and name in said, name)
    need("devices: the module is not loaded" in files["contents.txt"], files["contents.txt"])
    need("devices: the module is not loaded" in said and "tar -xzOf r.tar.gz" in said, said)
    files, said = report(tool, {"FAKE_ERROR": "1"})
    need("run it as root" in said, said)
    files, said = report(tool, {})
    need(json.loads(files["devices.json"])["queues"][0]["state"] == "broken", files["devices.json"])
    need("vhost-tapctl: test" in files["versions.txt"], files["versions.txt"])


def private(tool):
    """No private data is left, and equal data has equal tokens."""
    for vm in b"web-server", b"\xff\"x\\\x1b[31m'z", b"a,b c":
        with machine(vm) as env:
            env["FAKE_NAME"] = os.fsdecode(b"tap-" + vm[:11])
            files, _ = report(tool, env, "--tap", os.fsdecode(b"tap-" + vm[:11]))
        everything = "\n".join(files.values())
        for secret in SECRETS:
            found = re.search(secret, everything)
            need(not found, secret, found and everything[max(0, found.start() - 200):found.end() + 50])
        for word in (NODE, user()):
            need(not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", everything) or word in ("localhost", "nobody"),
                 word, "is not replaced")
        for part in vm.split(b"\\")[0].split(b"\xff"):
            name = part.strip(b"\"").decode()
            need(len(name) < 4 or name not in everything, name, "is not replaced")
        need("x\\x5c" not in everything and "a,b c" not in everything, "the VM's name is not replaced")
        log, links = files["kernel-log.txt"], files["links.txt"]
        mac = re.search(r"link/ether (<MAC-\d+>) brd ff:ff", links)
        need(mac and f"8000.{mac[1]} designated_root 8000.{mac[1]}" in links, links)
        need(f"mac {mac[1]}" in log and f'"mac":"{mac[1]}"' in files["vmm.txt"], log, files["vmm.txt"])
        ip = re.search(r"remote (<IP-\d+>) local (<IP-\d+>)", links)
        need(ip and f"SRC={ip[1]}" in log and f"[{ip[2]}]:53" in log, links, log)
        need("at ::1 and 127.0.0.1 and 12:34:56 0000:00:03.0" in log, log)
        need("-smp 4" in files["vmm.txt"] and "hidden" not in everything, files["vmm.txt"])
        need("the_failed_function" in log and "concern" not in log and "after the failure" not in log, log)
        need("machine <ID-" in log and "libvirt-<UUID-" in log and "on <HOST-" in log, log)
        need("of <VM-1>" in log, log)


def output_file(tool):
    """Any name for the archive; an old file stays when there is an error."""
    with tempfile.TemporaryDirectory() as folder:
        for name in "-r.tar.gz", os.fsdecode(b"\xff'\x1b[31m.tar.gz"), "a b.tar.gz":
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write("old")
            _, said = report(tool, {}, output=name, cwd=folder)
            word = said.split("\n")[-2].split("tar -xzOf ")[1].removesuffix(" | less")
            listed = subprocess.run(["bash", "-c", f"tar -tzf ./{word}" if name[0] == "-" else f"tar -tzf {word}"],
                                    capture_output=True, check=True, cwd=folder).stdout
            need(b"contents.txt" in listed, listed)
            need(sorted(os.listdir(folder)) == sorted({name}), os.listdir(folder))
            os.unlink(path)
        for args in (["-o", "/nowhere/r.tar.gz"], ["-o", folder]):
            done = subprocess.run([tool, "report", *args], capture_output=True, timeout=120, check=False,
                                  env=dict(os.environ, TMPDIR=folder))
            need(done.returncode == 1 and done.stderr and not os.listdir(folder), done)
        for args in ["-o"], ["--output", ""], ["--tap", "x" * 16], ["word"], ["-x"]:
            done = subprocess.run([tool, "report", *args], capture_output=True, timeout=60, check=False)
            need(done.returncode == 2, args, done)


def hanging(tool):
    """A program that does not end, or writes without end, does not stop the report."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("libvirtd", "exec sleep 600"), ("dkms", "exec yes"),
                           ("lscpu", "exec sleep 600 >&- 2>&-")):
            path = pathlib.Path(folder, name)
            path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            path.chmod(0o755)
        files, _ = report(tool, {"PATH": f"{folder}:{os.environ['PATH']}"})
        need("stopped" in files["versions.txt"] and "ip -V" in files["versions.txt"], files["versions.txt"])
        need(files["packages.txt"].rstrip().endswith("large)"), files["packages.txt"][-200:])
        need(files["host.txt"].rstrip().endswith("out)"), files["host.txt"][-200:])


def stuck(tool):
    """A process whose arguments cannot be read does not stop the report, which says so.

    A FIFO takes the place of the arguments. In reality, the process holds the lock of its
    memory and waits for a dead file server.
    """
    space = ["unshare", "--mount"] + ["--map-root-user"] * bool(os.getuid())
    if subprocess.run([*space, "true"], capture_output=True, check=False).returncode:
        print("# this user cannot make a mount namespace")
        return
    with tempfile.TemporaryDirectory() as folder, machine(b"web-server") as env:
        os.mkfifo(f"{folder}/arguments")
        wrapper = pathlib.Path(folder, "tool")
        wrapper.write_text(f"""#!/bin/sh
            exec {" ".join(space)} sh -c 'mount --bind "{folder}/arguments" "/proc/$FAKE_OWNER/cmdline" &&
                exec "$@"' - "{tool}" "$@"
            """, encoding="utf-8")
        wrapper.chmod(0o755)
        files, said = report(str(wrapper), env)
        need("processes that do not respond" in files["contents.txt"] and "do not respond" in said, said)


TESTS = (
    ("report: says what it has and what is missing", complete),
    ("report: private data is replaced", private),
    ("report: the file", output_file),
    ("report: programs that do not end", hanging),
    ("report: a process that does not respond", stuck),
)
