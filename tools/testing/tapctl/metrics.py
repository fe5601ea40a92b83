#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""metrics.py FILE TAP: check that Prometheus accepts the file and that it has the tap

The script uses Prometheus's Python parser and checks what the parser permits: the form
of each line, one HELP and TYPE before a family's samples, no duplicate sample, counters
that end in _total.
"""

import re
import sys

from prometheus_client.parser import text_string_to_metric_families

LINE = re.compile(r'^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\n"])*"(,|(?=\})))*\})? [0-9]+(\.[0-9]+)?$')


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    assert text.endswith("\n")
    family, samples, families = None, set(), {}
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in families, line
            families[family] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name == family and families[family] is None, line
            assert kind in ("counter", "gauge"), line
            assert (kind == "counter") == name.endswith("_total"), line
            families[family] = kind
        else:
            assert LINE.match(line), line
            assert re.split(r"[{ ]", line)[0] == family, line
            key = line.rsplit(" ", 1)[0]
            assert key not in samples, line
            samples.add(key)
    parsed = {}
    nr = 0
    for metric in text_string_to_metric_families(text):
        for s in metric.samples:
            parsed[(s.name, s.labels.get("tap"), s.labels.get("direction"),
                    s.labels.get("reason"))] = s.value
            nr += 1
    assert nr == len(samples)
    assert parsed[("vhost_tap_packets_total", sys.argv[2], "tx", None)] > 0
    assert parsed[("vhost_tap_queue_running", sys.argv[2], "tx", None)] == 1
    # The time itself is 0 until a kernel that counts time in ticks has counted one.
    assert ("vhost_tap_worker_run_seconds_total", sys.argv[2], None, None) in parsed
    assert ("vhost_tap_worker_cpu", sys.argv[2], None, None) in parsed
    assert ("vhost_tap_tap_dropped_total", sys.argv[2], "rx", None) in parsed
    print(len(samples), "samples of", len(families), "families")


main()
