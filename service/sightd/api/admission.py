"""Which requests are worked on: a bounded number at once, a bounded queue behind them, the rest refused at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..errors import Overloaded

NEWEST = 0.1
"""Least weight of the newest of the service times in their running mean; the first ones weigh more."""


@dataclass(eq=False)
class Waiter:
    """A request that waits for so many places."""

    places: int
    granted: asyncio.Future[None]


class Admission:
    """`concurrency` places with a queue of `queue` requests for them, first come, first served. A request may take
    several places; one that wants more than there are has all of them to itself. Measures how long places are held."""

    def __init__(self, concurrency: int, queue: int) -> None:
        self._waiters: deque[Waiter] = deque()
        self._taken = 0
        self.running = 0
        self.service_seconds = 1.0
        self._measured = 0
        self.resize(concurrency, queue)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiters)

    def resize(self, concurrency: int, queue: int) -> None:
        """Other numbers from now on; requests that have places already keep them."""
        self._concurrency = concurrency
        self._queue = queue
        self._grant()

    def retry_after(self) -> int:
        """Seconds until a request at the end of the queue would get its place: those before it and, on average, half of
        the time of those that are worked on, at the measured pace."""
        ahead = sum(waiter.places for waiter in self._waiters) + self._taken / 2
        return max(1, math.ceil(ahead * self.service_seconds / self._concurrency))

    @asynccontextmanager
    async def place(self, places: int = 1) -> AsyncIterator[float]:
        """Wait for so many places and hold them; gives the seconds waited. Raises Overloaded when the queue is full."""
        if (self._waiters or not self._fits(places)) and self.waiting >= self._queue:
            raise Overloaded(self.retry_after())
        arrived = time.monotonic()
        await self._wait(places)
        began = time.monotonic()
        try:
            yield began - arrived
        finally:
            self._release(places)
            self._measure(time.monotonic() - began)

    def _measure(self, seconds: float) -> None:
        self._measured += 1
        self.service_seconds += max(NEWEST, 1 / self._measured) * (seconds - self.service_seconds)

    async def _wait(self, places: int) -> None:
        waiter = Waiter(places, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._grant()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                self._grant()
            else:
                self._release(places)
            raise

    def _fits(self, places: int) -> bool:
        return not self.running or self._taken + places <= self._concurrency

    def _grant(self) -> None:
        while self._waiters and self._fits(self._waiters[0].places):
            waiter = self._waiters.popleft()
            self.running += 1
            self._taken += waiter.places
            waiter.granted.set_result(None)

    def _release(self, places: int) -> None:
        self.running -= 1
        self._taken -= places
        self._grant()
