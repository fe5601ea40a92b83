# SPDX-License-Identifier: GPL-2.0
"""Report progress on stderr: a line that changes on a terminal, else a line for each round."""

import os
import select
import sys
import time

from common import Failure, clean


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
            sys.stderr.write("\r\033[K" + clean(text)[:width - 1])
            sys.stderr.flush()

    def seconds(self):
        """Return the time since the begin."""
        return time.monotonic() - self.began

    @staticmethod
    def _need_reader():
        """Fail if the output has no reader any more: nobody waits for the result."""
        poll = select.poll()
        poll.register(1, 0)
        if any(events & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, events in poll.poll(0)):
            raise Failure("the reader of the output is gone")

    def step(self, text):
        """Name what happens now."""
        self._need_reader()
        at = int(self.seconds())
        self._line(f"{at // 60}:{at % 60:02} {text}")

    def round(self, text):
        """A round has ended."""
        if not self.terminal:
            print(f"vhost-tapctl: {clean(text)}, {self.seconds():.0f} s", file=sys.stderr, flush=True)
