"""Decoder processes with one job each at a time: killed at a deadline, replaced at once, renewed after many jobs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from .. import logs
from ..errors import SightdError
from ..processes.channel import Received, memory_file
from ..processes.link import close_all
from .decoderclient import Decoder
from .faults import decoder_died, took_too_long
from .kinds import Kind
from .sandbox import Bounds

START_SECONDS = 60.0
"""Longest time a decoder may take to start."""
LONGEST_PAUSE = 30.0
"""Longest time, in seconds, before another try when decoders do not start."""
TRIES = 2
"""A decoder may die of something else than its picture, so another one has a look at it too. One that died before it
began surely did."""

log = logs.get(__name__)


@dataclass
class DecoderCounts:
    """Jobs that were answered, and processes that died, were killed at a deadline, or were renewed."""

    jobs: int = 0
    deaths: int = 0
    timeouts: int = 0
    renewed: int = 0


@dataclass
class DecoderState:
    """The pool now: processes that are up, those of them that wait for work, counts since the start, and the layers of
    the sandbox, each with "applied" or with why it is missing."""

    processes: int = 0
    idle: int = 0
    counts: DecoderCounts = field(default_factory=DecoderCounts)
    sandbox: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trade:
    """What the processes of a pool do: the `module` they run, how many there are, what one may use, the kind of files
    that they decode, and the error for one that they found at fault."""

    module: str
    processes: int
    bounds: Bounds
    kind: Kind
    fault: Callable[[dict[str, Any]], SightdError]


class DecoderPool:
    """Decoder processes for one family of models; `start` makes them, `close` ends them."""

    def __init__(self, trade: Trade, family: str) -> None:
        self._trade = trade
        self._family = family
        self._idle: asyncio.Queue[Decoder] = asyncio.Queue()
        self._all: set[Decoder] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._counts = DecoderCounts()
        self._sandbox: dict[str, str] = {}

    def start(self) -> None:
        """Start the processes; they take jobs as they come up."""
        for _ in range(self._trade.processes):
            self._background(self._add)

    @property
    def state(self) -> DecoderState:
        """The pool now."""
        layers = {name: missing or "applied" for name, missing in self._sandbox.items()}
        up = sum(decoder.up for decoder in self._all)
        return DecoderState(up, sum(decoder.idle for decoder in self._all), self._counts, layers)

    def _background(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _add(self) -> None:
        pause = 0.25
        while not await self._started():
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _started(self) -> bool:
        decoder = Decoder(self._trade.module, self._trade.bounds, self._family, self._ended)
        self._all.add(decoder)
        try:
            layers = await decoder.ready(START_SECONDS)
        except (ConnectionResetError, TimeoutError) as error:
            log.error("a decoder did not start", reason=type(error).__name__)
            self._remove(decoder)
            return False
        self._note(layers)
        self._idle.put_nowait(decoder)
        return True

    def _note(self, layers: dict[str, str]) -> None:
        """Remember how decoders are locked in; it is logged once, since it is the same for all."""
        if not self._sandbox:
            missing = {name: why for name, why in layers.items() if why}
            if missing:
                log.warning("decoders run with less of a sandbox than intended", missing=missing)
            else:
                log.info("decoders are locked in", layers=list(layers))
        self._sandbox = layers

    def _ended(self, decoder: Decoder) -> None:
        """A decoder ended by itself."""
        if decoder in self._all and decoder.up:
            log.warning("a decoder died")
            self._counts.deaths += 1
            self._replace(decoder)

    def _remove(self, decoder: Decoder) -> None:
        self._all.discard(decoder)
        decoder.kill()

    def _replace(self, decoder: Decoder) -> None:
        self._remove(decoder)
        self._background(self._add)

    async def run(self, job: dict[str, Any], data: bytes) -> Received:
        """One job on the next free decoder, and on another one should that die. Raises SightdError."""
        tries = 0
        for _ in range(TRIES + self._trade.processes):
            if tries == TRIES:
                break
            decoder = await self._free()
            work = asyncio.create_task(self._work(decoder, job, data))
            try:
                received = await asyncio.shield(work)
            except ConnectionResetError:
                tries += decoder.began
                continue
            except asyncio.CancelledError:
                # The decoder goes on, since its answer would otherwise reach the next job; nobody wants the frames.
                work.add_done_callback(discard)
                raise
            if received.message.get("fault"):
                raise self._trade.fault(received.message)
            return received
        raise decoder_died(self._trade.kind)

    async def _work(self, decoder: Decoder, job: dict[str, Any], data: bytes) -> Received:
        """One job on this decoder, which is free again or replaced afterwards. Raises ConnectionResetError when it
        died, Unprocessable when the job took too long."""
        seconds = self._trade.bounds.job_seconds
        descriptor = memory_file(data, "sightd-media")
        try:
            received = await decoder.run(job, descriptor, seconds)
        except TimeoutError:
            log.warning("a file took too long to decode", decoder=self._trade.module, seconds=seconds)
            self._counts.timeouts += 1
            self._replace(decoder)
            raise took_too_long(self._trade.kind, seconds) from None
        finally:
            os.close(descriptor)
        self._release(decoder)
        return received

    async def _free(self) -> Decoder:
        """The next decoder that is free; those that died while they waited have been replaced."""
        while True:
            decoder = await self._idle.get()
            if decoder in self._all:
                return decoder

    def _release(self, decoder: Decoder) -> None:
        self._counts.jobs += 1
        if decoder.jobs >= self._trade.bounds.jobs:
            self._counts.renewed += 1
            self._replace(decoder)
        elif decoder in self._all:
            self._idle.put_nowait(decoder)

    def close(self) -> None:
        """End all processes."""
        for task in self._tasks:
            task.cancel()
        for decoder in [*self._all]:
            self._remove(decoder)


def discard(work: asyncio.Task[Received]) -> None:
    """Let go of frames that nobody waits for any more."""
    if not work.cancelled() and work.exception() is None:
        close_all(work.result().descriptors)
