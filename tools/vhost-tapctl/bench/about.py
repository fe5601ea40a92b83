# SPDX-License-Identifier: GPL-2.0
"""Properties of the host that the figures depend on, without its name and addresses."""

import glob
import os
import platform

from common import first_line

CPU = "/sys/devices/system/cpu"


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "cpu", "Processor", "uarch"):
                    return value.strip()
    except OSError:
        pass
    return platform.machine()


def has_hypervisor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return any(line.startswith("flags") and " hypervisor" in line for line in f)
    except OSError:
        return False


def governors():
    found = {first_line(f) for f in glob.glob(f"{CPU}/cpu[0-9]*/cpufreq/scaling_governor")}
    return ", ".join(sorted(found - {None})) or "none"


def boost():
    no_turbo, boosts = first_line(f"{CPU}/intel_pstate/no_turbo"), first_line(f"{CPU}/cpufreq/boost")
    if no_turbo is not None:
        return "off" if no_turbo == "1" else "on"
    return {"0": "off", "1": "on"}.get(boosts, "not known")


def mitigations():
    states = [first_line(f) or "" for f in glob.glob(f"{CPU}/vulnerabilities/*")]
    active = sum(s.startswith("Mitigation") for s in states)
    open_ones = sum(s.startswith("Vulnerable") for s in states)
    return f"{active} active, {open_ones} vulnerabilities without one" if states else "not known"


def distribution():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def parameters(module):
    """Return the parameters of a module in one line."""
    folder = f"/sys/module/{module}/parameters"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ""
    return " ".join(f"{n}={first_line(f'{folder}/{n}')}" for n in names)


def warnings():
    """Return a list of conditions that make the figures noisy or not comparable."""
    out = []
    if has_hypervisor():
        out.append("this host is a virtual machine itself, so other machines take part in its load")
    cpus, load = os.cpu_count() or 1, os.getloadavg()[0]
    if cpus < 4:
        out.append(f"{cpus} CPU{'s' if cpus != 1 else ''}: guest, worker and peer share them")
    if load > cpus / 4:
        out.append(f"other programs run here (load {load:.1f})")
    if governors() not in ("none", "performance"):
        out.append(f"the CPU governor is {governors()}: clocks change with the load "
                   "(cpupower frequency-set -g performance)")
    return out


def host(nodes):
    """Return the conditions of the result: text by name, and a list of warnings."""
    smt = {"0": "off", "1": "on"}.get(first_line(f"{CPU}/smt/active"), "not known")
    return {
        "nodes": " ".join(nodes),
        "vhost_tap": f"version {first_line('/sys/module/vhost_tap/version')}, "
                     f"source {first_line('/sys/module/vhost_tap/srcversion')}",
        "vhost_tap parameters": parameters("vhost_tap"),
        "vhost_net parameters": parameters("vhost_net"),
        "kernel": f"{platform.release()} {platform.machine()}",
        "distribution": distribution(),
        "cpu": f"{cpu_model()}, {os.cpu_count()} CPUs, SMT {smt}, "
               f"{len(glob.glob('/sys/devices/system/node/node[0-9]*')) or 1} NUMA node(s)",
        "governor": f"{governors()}, boost {boost()}",
        "mitigations": mitigations(),
        "clock": first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource") or "not known",
        "load at the begin": f"{os.getloadavg()[0]:.2f}",
        "warnings": warnings(),
    }
