"""The machine's clock, which may be set while the service runs."""

from __future__ import annotations

import time

LEAST_SECONDS = 2.0
"""Smaller steps are what keeping the time takes."""


class Clock:
    """Looks at the time of day beside the time that only ever goes on."""

    def __init__(self) -> None:
        self._apart = time.time() - time.monotonic()

    def jumped(self) -> float:
        """By how many seconds the clock was set since the last look, below 0 when back; 0 when it was not."""
        before, self._apart = self._apart, time.time() - time.monotonic()
        seconds = self._apart - before
        return seconds if abs(seconds) >= LEAST_SECONDS else 0.0
