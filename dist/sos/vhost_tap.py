# SPDX-License-Identifier: GPL-2.0
#
# Plugin of sos(1): collect the state of vhost-tap devices. To use it, copy the file
# into sos/report/plugins in Python's folder of packages, for example
# /usr/lib/python3/dist-packages/sos/report/plugins.
#
# Unlike "vhost-tapctl report", this does not replace private data. The option --clean
# of "sos report" does.

from sos.report.plugins import Plugin, IndependentPlugin, DebianPlugin


# sos 4.0 of Debian 12 does not load plugins that are independent of the distribution.
class VhostTap(Plugin, IndependentPlugin, DebianPlugin):
    """Devices, queues and counters of the kernel module vhost_tap, the findings of
    vhost-tapctl doctor, and the taps."""

    short_desc = "Devices of the kernel module vhost_tap"

    plugin_name = "vhost_tap"
    profiles = ("virt", "network", "performance")
    kernel_mods = ("vhost_tap",)
    packages = ("vhost-tapctl", "vhost-tap-dkms", "vhost-tap", "akmod-vhost-tap")
    files = ("/dev/vhost-tap",)

    def setup(self):
        self.add_copy_spec([
            "/etc/modprobe.d/*vhost*",
            "/etc/modules-load.d/*vhost*",
            "/etc/udev/rules.d/*vhost*",
            "/sys/module/vhost_tap/parameters",
            "/sys/module/vhost_tap/srcversion",
            "/sys/module/vhost_tap/taint",
            "/sys/module/vhost_tap/version",
        ])
        self.add_cmd_output([
            "vhost-tapctl --version",
            "vhost-tapctl show --all-namespaces",
            "vhost-tapctl show --json --all-namespaces",
            "vhost-tapctl stats --all-namespaces",
            "vhost-tapctl doctor",
            "modinfo vhost_tap",
            "ip -d -s link show type tun",
            "ip -d -s link show type macvtap",
            "ip -d -s link show type bridge",
            "bridge -d link show",
            "ls -l /dev/vhost-tap /dev/vhost-net /dev/net/tun",
        ])
