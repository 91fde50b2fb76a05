"""Which requests are worked on: a bounded number at once, a bounded queue behind them, the rest refused at once."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from ..errors import Overloaded

MEMORY = 0.9
"""Weight of the past in the running mean of service times."""


class Admission:
    """`concurrency` places with `queue` places to wait for one; measures how long requests take."""

    def __init__(self, concurrency: int, queue: int) -> None:
        self._places = anyio.CapacityLimiter(concurrency)
        self._queue = queue
        self.running = 0
        self.waiting = 0
        self.service_seconds = 1.0

    def resize(self, concurrency: int, queue: int) -> None:
        """Other numbers from now on; requests that have a place already keep it."""
        self._places.total_tokens = concurrency
        self._queue = queue

    def retry_after(self) -> int:
        """Seconds until a place in the queue should be free: what is ahead, at the measured pace."""
        ahead = self.waiting + self.running
        return max(1, math.ceil(ahead * self.service_seconds / self._places.total_tokens / 2))

    @asynccontextmanager
    async def place(self) -> AsyncIterator[float]:
        """Wait for a place and hold it; gives the seconds waited. Raises Overloaded when the queue is full."""
        if self._places.available_tokens <= 0 and self.waiting >= self._queue:
            raise Overloaded(self.retry_after())
        arrived, holder = time.monotonic(), object()
        self.waiting += 1
        try:
            await self._places.acquire_on_behalf_of(holder)
        finally:
            self.waiting -= 1
        began = time.monotonic()
        self.running += 1
        try:
            yield began - arrived
        finally:
            self.running -= 1
            self._places.release_on_behalf_of(holder)
            self.service_seconds = MEMORY * self.service_seconds + (1 - MEMORY) * (time.monotonic() - began)
