# SPDX-License-Identifier: GPL-2.0
"""Report progress on stderr: a line that changes on a terminal, else a line for each round."""

import os
import sys
import time


class Progress:
    """Reports the current step, and the expected end once a round has passed."""

    def __init__(self):
        self.terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._line("")

    def _line(self, text):
        if self.terminal:
            try:
                # A terminal of unknown size has 0 columns.
                width = os.get_terminal_size(2).columns or 80
            except OSError:
                width = 80
            sys.stderr.write("\r\033[K" + text[:width - 1])
            sys.stderr.flush()

    def seconds(self):
        """Return the time since the begin."""
        return time.monotonic() - self.began

    def step(self, text):
        """Name what happens now."""
        at = int(self.seconds())
        self._line(f"{at // 60}:{at % 60:02} {text}")

    def round(self, text):
        """A round has ended."""
        if not self.terminal:
            print(f"vhost-tapctl: {text}, {self.seconds():.0f} s", file=sys.stderr, flush=True)
