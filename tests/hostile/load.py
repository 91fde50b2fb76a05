"""Good and hostile requests at once against a running sightd, and what became of the good ones and of the service."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sightd.selftest.known import Known, known_questions, same

from ..server import command_line, tree
from .attacks import PICTURE, Attack, attacks

PLACES = 16
SETTLE_SECONDS = 60.0


@dataclass
class Resources:
    """What the service's processes hold together: bytes of resident memory, descriptors, and how many they are."""

    memory: int
    descriptors: int
    processes: int


@dataclass
class Outcome:
    """Seconds of good requests in each phase; sentences about good ones that went wrong and attacks that were answered
    in another way than they should be; attacks that were made; resources before and after."""

    quiet: list[float] = field(default_factory=list)
    under_attack: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    attacks: int = 0
    before: Resources | None = None
    after: Resources | None = None


def started_by(process: int) -> int:
    """The process that started an engine or decoder, by its command line; 0 for anything else."""
    words = command_line(process).split(b"\0")
    ours = any(word.startswith(b"sightd.") for word in words)
    return int(words[-2]) if ours and words[-2].isdigit() else 0


def family(pid: int) -> list[int]:
    """A process, its descendants, and what they started that has lost its parent."""
    own = tree(pid)
    every = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return own + [process for process in every if process not in own and started_by(process) in own]


def resources(pid: int) -> Resources:
    """What the processes of a server hold now."""
    found = Resources(0, 0, 0)
    for process in family(pid):
        try:
            rows = Path(f"/proc/{process}/status").read_text().splitlines()
            descriptors = len(list(Path(f"/proc/{process}/fd").iterdir()))
        except OSError:  # it ended in between
            continue
        found.memory += sum(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmRSS:"))
        found.descriptors += descriptors
        found.processes += 1
    return found


class Load:
    """One run against the server at `url`, whose first process is `pid`."""

    def __init__(self, url: str, pid: int) -> None:
        # Connections that are kept would be counted among the server's descriptors.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=url, timeout=120, limits=limits)
        self._pid = pid
        self._known = [(known, [path.read_bytes() for path in known.files()]) for known in known_questions()]
        self._random = random.Random(1)
        self.outcome = Outcome()

    async def run(self, seconds: float) -> Outcome:
        """A round of all attacks to warm everything up, a third of the time quiet, the rest under attack with half of
        the places; at least one round of attacks."""
        async with self._client:
            await self._attack(iter(attacks()), 0)
            self.outcome.attacks = 0
            await self._phase(self.outcome.quiet, seconds / 3, hostile=False)
            self.outcome.before = await self._settled()
            await self._phase(self.outcome.under_attack, seconds * 2 / 3, hostile=True)
            self.outcome.after = await self._settled()
        return self.outcome

    async def _phase(self, times: list[float], seconds: float, hostile: bool) -> None:
        end = time.monotonic() + seconds
        every = attacks()
        self._random.shuffle(every)
        endless = itertools.chain(every, itertools.cycle(every)) if seconds else iter(every)
        work: list[Any] = [self._ask(times, end) for _ in range(PLACES // 2)]
        if hostile:
            work += [self._attack(endless, end) for _ in range(PLACES // 2)]
        await asyncio.gather(*work)

    async def _ask(self, times: list[float], end: float) -> None:
        """Good requests, one after another."""
        while True:
            known, files = self._random.choice(self._known)
            began = time.monotonic()
            try:
                complaint = await self._question(known, files)
            except httpx.HTTPError as error:
                complaint = repr(error)
            times.append(time.monotonic() - began)
            if complaint:
                self.outcome.wrong.append(f"{known.question}: {complaint}")
            if time.monotonic() >= end:
                return

    async def _question(self, known: Known, files: list[bytes]) -> str:
        """Ask; what is wrong with the answer, if anything."""
        form = [("image", (name, data, "image/png")) for name, data in zip(known.pictures, files, strict=True)]
        data = {"prompt": known.question, "temperature": "0"}
        response = await self._client.post(PICTURE, data=data, files=form)
        if response.status_code != 200:
            return f"{response.status_code} {response.text[:200]}"
        said = response.json()["result"]
        return "" if same(said, known.answer) else f"{said!r} instead of {known.answer!r}"

    async def _attack(self, waiting: Iterator[Attack], end: float) -> None:
        """Attacks, one after another, until the time is over or there are none left."""
        for attack in waiting:
            try:
                status = await attack.send(self._client)
            except (httpx.HTTPError, OSError, EOFError) as error:
                self.outcome.unexpected.append(f"{attack.name}: {error!r}")
            else:
                if status not in attack.statuses:
                    self.outcome.unexpected.append(f"{attack.name}: {status}")
            self.outcome.attacks += 1
            if end and time.monotonic() >= end and self.outcome.attacks > len(attacks()):
                return

    async def _settled(self) -> Resources:
        """What the service holds once nothing runs and its decoders wait for work."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            health = (await self._client.get("/health")).json()
            idle = health["decoders"]["idle"] == health["decoders"]["processes"] > 0
            if idle and not health["running"] and not any(engine["requests"] for engine in health["engines"]):
                break
            await asyncio.sleep(0.1)
        return resources(self._pid)
