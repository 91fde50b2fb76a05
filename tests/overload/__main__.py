"""`make overload`: more clients than sightd has places for; how true Retry-After is, and how fast health answers."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from dataclasses import dataclass, field

import httpx

from ..measuring import Figures, measured
from ..server import Server

PLACES, QUEUE, CLIENTS = 4, 12, 32
SETTINGS = {"SIGHTD_LIMITS__CONCURRENCY": str(PLACES), "SIGHTD_LIMITS__QUEUE": str(QUEUE)}
QUESTION = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 192, "ignore_eos": True}
WATCHED = ("/livez", "/readyz", "/health", "/metrics")
FACTOR, HEALTH_SECONDS = 2.0, 0.1
"""How far Retry-After may be from the wait there is, and how long a health endpoint may take."""


@dataclass
class Outcome:
    """By moment of arrival, in seconds: what refused requests were told to wait, and what served ones took from arrival
    to answer. Seconds of each look at a health endpoint, and those that a place is held by the service's own measure."""

    told: list[tuple[float, float]] = field(default_factory=list)
    served: list[tuple[float, float]] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    service: float = 0.0

    def ratios(self) -> list[float]:
        """What each refused request was told, divided by what the served one that arrived nearest to it waited for its
        place, which is all of its time but the `service` seconds that it had one."""
        nearest = ((told, min(self.served, key=lambda one: abs(one[0] - at))[1]) for at, told in self.told)
        pairs = ((told, seconds - self.service) for told, seconds in nearest)
        return [told / max(waited, 0.001) for told, waited in pairs]


class Overload:
    """One run against a server."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(base_url=url, timeout=300, limits=limits)
        self._end = time.monotonic() + seconds
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        """All clients until the time is over; the first third, in which the service measures its pace, is left out."""
        began = time.monotonic()
        async with self._client:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.to_thread(self._look))
                for _ in range(CLIENTS):
                    group.create_task(self._ask())
            metrics = (await self._client.get("/metrics")).text.splitlines()
        name = "sightd_service_seconds "
        self.outcome.service = float(next(line.split()[1] for line in metrics if line.startswith(name)))
        steady = began + (self._end - began) / 3
        self.outcome.told = [one for one in self.outcome.told if one[0] >= steady]
        self.outcome.served = [one for one in self.outcome.served if one[0] >= steady]
        return self.outcome

    async def _ask(self) -> None:
        while (began := time.monotonic()) < self._end:
            answer = await self._client.post("/v1/chat/completions", json=QUESTION)
            if answer.status_code == 503:
                wait = float(answer.headers["Retry-After"])
                self.outcome.told.append((began, wait))
                await asyncio.sleep(min(wait, max(0.0, self._end - time.monotonic())))
            else:
                answer.raise_for_status()
                self.outcome.served.append((began, time.monotonic() - began))

    def _look(self) -> None:
        """In a thread of its own, so that what the clients here do is not counted."""
        with httpx.Client(base_url=self._url) as client:
            for path in itertools.cycle(WATCHED):
                began = time.monotonic()
                if began >= self._end:
                    return
                client.get(path).raise_for_status()
                self.outcome.looks.append(time.monotonic() - began)
                time.sleep(0.1)


def figures(outcome: Outcome) -> Figures:
    """The lines of the report, and the rules that were broken."""
    ratios = sorted(outcome.ratios())
    near = sum(1 / FACTOR <= ratio <= FACTOR for ratio in ratios) / len(ratios)
    slowest = max(outcome.looks)
    lines = [
        f"{len(outcome.served)} requests served, {len(outcome.told)} refused; a place is held {outcome.service:.2f} s",
        f"Retry-After against the wait for a place: {statistics.median(ratios):.2f} times (median), {near:.0%} within {FACTOR:g}",
        f"{len(outcome.looks)} looks at {', '.join(WATCHED)}: median {1000 * statistics.median(outcome.looks):.0f} ms, slowest {1000 * slowest:.0f} ms",
    ]
    broken = ["Retry-After is not what the wait is"] if near < 0.9 else []
    return lines, broken + (["a health endpoint is slow"] if slowest > HEALTH_SECONDS else [])


async def measure(server: Server, seconds: float) -> Figures:
    """Overload a server."""
    return figures(await Overload(server.url, seconds).run())


if __name__ == "__main__":
    measured("make overload", 1.0, measure, SETTINGS)
