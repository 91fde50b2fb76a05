"""`make soak`: ever new pictures; whether the service's memory stays where it was, and every answer comes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator

import httpx

from ..hostile.load import Resources, resources
from ..measuring import Figures, measured
from ..pictures import encoded, noise
from ..server import Server, children_running

AT_ONCE, WARM = 8, 500
GROWTH = 0.05
"""How much larger resident memory may be in the end than after the first `WARM` pictures."""


class Soak:
    """One run; pictures are never the same."""

    def __init__(self, server: Server) -> None:
        self._server = server
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits)
        self._numbers: Iterator[int] = itertools.count()
        self.answered = 0
        self.failed: list[str] = []

    async def until(self, pictures: int, end: float) -> Resources:
        """Ask until so many pictures were asked about or the time is over. Returns what the service holds then."""
        await asyncio.gather(*(self._ask(pictures, end) for _ in range(AT_ONCE)))
        return resources(self._server.process.pid)

    async def _ask(self, pictures: int, end: float) -> None:
        while time.monotonic() < end and (number := next(self._numbers)) < pictures:
            side = 96 + 16 * (number % 23)
            form = {"image": (f"{number}.png", encoded(noise(number, (side, 320))), "image/png")}
            data = {"prompt": "What is in this picture?", "max_tokens": "8"}
            response = await self._client.post("/v1/image/recognize", files=form, data=data)
            self.answered += 1
            if response.status_code != 200:
                self.failed.append(f"{response.status_code} {response.text[:200]}")

    def engines(self) -> int:
        """Bytes that the engines have resident."""
        pids = children_running(self._server.process.pid, "sightd.engine.process")
        return sum(resources(pid).memory for pid in pids)

    async def close(self) -> None:
        """Let connections go."""
        await self._client.aclose()


async def measure(server: Server, seconds: float) -> Figures:
    """Put ever new pictures through a server."""
    soak, end = Soak(server), time.monotonic() + seconds
    before, engines_before = await soak.until(WARM, float("inf")), soak.engines()
    after, engines_after = await soak.until(10**9, end), soak.engines()
    await soak.close()
    grown, engine_grown = after.memory / before.memory - 1, engines_after / engines_before - 1
    lines = [
        f"{soak.answered} distinct pictures, {AT_ONCE} at a time; failed: {len(soak.failed)}",
        f"engine: {engines_before >> 20} MiB after {WARM} pictures, {engines_after >> 20} in the end ({engine_grown:+.1%})",
        f"whole service: {before.memory >> 20} MiB, {after.memory >> 20} MiB ({grown:+.1%})",
        f"descriptors: {before.descriptors}, {after.descriptors}; processes: {before.processes}, {after.processes}",
    ]
    broken = list(dict.fromkeys(soak.failed))
    broken += ["memory grows"] if max(grown, engine_grown) > GROWTH else []
    return lines, broken + (["processes are left over"] if after.processes != before.processes else [])


if __name__ == "__main__":
    measured("make soak", 5.0, measure)
