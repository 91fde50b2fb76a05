"""The end of the service: requests under way may finish, new ones are refused, and all of it has a bound."""

from __future__ import annotations

import time


class Ending:
    """`drain_seconds` is how long requests may go on after the end has begun. `failure` says why the service ends by
    itself, if it does. With `handed_over` the listening socket belongs to systemd: connections wait there for the next
    process, so this one stops accepting at once instead of refusing."""

    def __init__(self, drain_seconds: float, handed_over: bool = False) -> None:
        self.drain_seconds = drain_seconds
        self.handed_over = handed_over
        self.began: float | None = None
        self.failure = ""
        self.under_way = 0

    def begin(self, failure: str = "") -> bool:
        """Begin to end; whether it had not begun yet."""
        if self.began is not None:
            return False
        self.began = time.monotonic()
        self.failure = failure
        return True

    @property
    def over(self) -> bool:
        """Whether it has begun and there is nothing left to wait for: no request, no time, or nobody to refuse."""
        if self.began is None:
            return False
        return self.handed_over or not self.under_way or time.monotonic() - self.began >= self.drain_seconds
