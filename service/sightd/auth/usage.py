"""How much a key has used, and when it may go on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import TooManyRequests
from .keys import Key

MINUTE = 60.0


class Bucket:
    """So many units a minute, a minute's worth at most saved up. What is used may be told afterwards, so the level can
    fall below nothing; it must have risen above it again before more is allowed."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._level = self._most
        self._at = time.monotonic()

    def _rise(self) -> None:
        now = time.monotonic()
        self._level = min(self._most, self._level + (now - self._at) * self._most / MINUTE)
        self._at = now

    def wait(self, units: float) -> float:
        """Seconds until `units` may be used."""
        self._rise()
        return max(0.0, (min(units, self._most) - self._level) * MINUTE / self._most)

    def use(self, units: float) -> None:
        """Take units out."""
        self._rise()
        self._level -= units


class Usage:
    """One key's use of the service. Kept over a reload as long as the key's limits are the same."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.running = 0
        self._requests = Bucket(key.requests_per_minute) if key.requests_per_minute else None
        self._tokens = Bucket(key.tokens_per_minute) if key.tokens_per_minute else None

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request of this key. Raises TooManyRequests when one of its limits is reached."""
        if self.key.concurrency is not None and self.running >= self.key.concurrency:
            raise TooManyRequests(f"{self.key.concurrency} at a time", f"同时 {self.key.concurrency} 个请求", 1)
        if self._requests is not None and (seconds := self._requests.wait(1)):
            limit = self.key.requests_per_minute
            raise TooManyRequests(f"{limit} requests a minute", f"每分钟 {limit} 个请求", math.ceil(seconds))
        if self._tokens is not None and (seconds := self._tokens.wait(1)):
            limit = self.key.tokens_per_minute
            raise TooManyRequests(f"{limit} tokens a minute", f"每分钟 {limit} 个 token", math.ceil(seconds))
        if self._requests is not None:
            self._requests.use(1)
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def charge(self, tokens: int) -> None:
        """Count the tokens of a request that is over."""
        if self._tokens is not None:
            self._tokens.use(tokens)
