# SPDX-License-Identifier: GPL-2.0
"""sos_plugin.py - test the plugin dist/sos/vhost_tap.py with the installed sos, for check-tool

The sos of Debian does the work. It runs as root only, so other users check which
commands the plugin asks for.
"""

import glob
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import types

from report import need

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "dist/sos"

# sos finds plugins in the path of this package.
RUN_SOS = """
import sys
import sos.report.plugins
sos.report.plugins.__path__.append(sys.argv[1])
from sos import SoS
SoS(sys.argv[2:]).execute()
"""


def plugin_class():
    """The class of the plugin, with the interfaces of the installed sos."""
    spec = importlib.util.spec_from_file_location("vhost_tap", PLUGINS / "vhost_tap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.VhostTap


def commands():
    """Return the files and commands that the plugin collects."""
    asked = []
    collector = types.SimpleNamespace(add_copy_spec=asked.extend, add_cmd_output=asked.extend)
    plugin_class().setup(collector)
    return asked


def options_exist(tool):
    """Each command line of the tool that the plugin has is one that the tool accepts."""
    lines = [line.split()[1:] for line in commands() if line.startswith("vhost-tapctl ")]
    need(len(lines) > 3, lines)
    for args in lines:
        done = subprocess.run([tool, *args], capture_output=True, timeout=60, check=False)
        need(done.returncode in (0, 6, 7), args, done)


def collects(tool):
    """sos runs the plugin and archives what the tool prints."""
    if os.geteuid():
        return
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(tool, os.path.join(folder, "vhost-tapctl"))
        # sos has its own PATH for commands, which begins with that of the policy.
        for path in "bin", "out":
            os.mkdir(os.path.join(folder, path))
        env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", HOME=folder)
        done = subprocess.run([sys.executable, "-c", RUN_SOS, PLUGINS, "report", "--batch", "--build", "-o",
                               "vhost_tap", "--tmp-dir", os.path.join(folder, "out")],
                              capture_output=True, text=True, timeout=300, check=False, env=env)
        found = {pathlib.Path(f).name for f in glob.glob(folder + "/out/*/sos_commands/vhost_tap/*")}
        need(done.returncode == 0 and any(f.startswith("modinfo_vhost_tap") for f in found) and
             any(f.startswith("ip_-d_-s_link_show_type_tun") for f in found), sorted(found), done.stdout[-2000:],
             done.stderr[-1000:])


TESTS = (
    ("sos: the tool accepts what the plugin runs", options_exist),
    ("sos: the plugin runs", collects),
)
