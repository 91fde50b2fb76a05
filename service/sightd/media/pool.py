"""Decoder processes with one job each at a time: killed at a deadline, replaced at once, renewed after many jobs."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from .. import logs
from ..config.media import Media
from ..models.families import PicturePlan
from ..processes.channel import Received, memory_file
from ..processes.link import close_all
from .decoderclient import Decoder
from .faults import decoder_died, picture_error, took_too_long
from .sandbox import Bounds

START_SECONDS = 60.0
"""Longest time a decoder may take to start."""
LONGEST_PAUSE = 30.0
"""Longest time, in seconds, before another try when decoders do not start."""
TRIES = 2
"""A decoder may die of something else than its picture, so another one has a look at it too."""
MIB = 1024 * 1024

log = logs.get(__name__)


@dataclass(frozen=True)
class Part:
    """RGB frames in a memory file: uint8 [frames, height, width, 3]."""

    descriptor: int
    digest: bytes
    frames: int
    height: int
    width: int


@dataclass
class Decoded:
    """A picture's parts, and the grid of its slices; see `sightd.models.frames.Prepared`. Whoever holds it closes
    it."""

    parts: list[Part]
    grid: tuple[int, int] = (0, 0)

    def close(self) -> None:
        """Let go of the memory."""
        for part in self.parts:
            os.close(part.descriptor)
        self.parts = []


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


def bounds(media: Media) -> Bounds:
    """What the configuration allows a decoder. A result is never larger than the memory that it is made in."""
    memory = media.decoder_memory_mib * MIB
    return Bounds(memory, media.decode_seconds, memory // 2, media.decoder_jobs)


class DecoderPool:
    """Decoder processes for one family of models; `start` makes them, `close` ends them."""

    def __init__(self, media: Media, max_pixels: int, family: str) -> None:
        self._media = media
        self._bounds = bounds(media)
        self.max_pixels = max_pixels
        self._family = family
        self._idle: asyncio.Queue[Decoder] = asyncio.Queue()
        self._all: set[Decoder] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._counts = DecoderCounts()
        self._sandbox: dict[str, str] = {}

    def start(self) -> None:
        """Start the processes; they take jobs as they come up."""
        for _ in range(self._media.decoders):
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
        decoder = Decoder(self._bounds, self._family, self._ended)
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

    async def decode(self, data: bytes, plan: PicturePlan) -> Decoded:
        """Decode one picture for a model. Raises BadRequest or Unprocessable with a sentence when it cannot be used."""
        received = await self._run({"family": plan.family, "numbers": plan.numbers}, data)
        return sealed(received)

    async def measure(self, data: bytes) -> tuple[int, int]:
        """A picture's (width, height) in pixels, by its header. Raises as `decode` does."""
        answer = (await self._run({}, data)).message
        return answer["width"], answer["height"]

    async def _run(self, job: dict[str, Any], data: bytes) -> Received:
        """One job on the next free decoder, and on another one should that die. Raises SightdError."""
        for _ in range(TRIES):
            decoder = await self._free()
            work = asyncio.create_task(self._work(decoder, job | {"max_pixels": self.max_pixels}, data))
            try:
                received = await asyncio.shield(work)
            except ConnectionResetError:
                continue
            except asyncio.CancelledError:
                # The decoder goes on, since its answer would otherwise reach the next job; nobody wants the frames.
                work.add_done_callback(discard)
                raise
            if fault := received.message.get("fault"):
                raise picture_error(fault, received.message["width"], received.message["height"], self.max_pixels)
            return received
        raise decoder_died()

    async def _work(self, decoder: Decoder, job: dict[str, Any], data: bytes) -> Received:
        """One job on this decoder, which is free again or replaced afterwards. Raises ConnectionResetError when it
        died, Unprocessable when the job took too long."""
        descriptor = memory_file(data, "sightd-media")
        try:
            received = await decoder.run(job, descriptor, self._media.decode_seconds)
        except TimeoutError:
            log.warning("a picture took too long to decode", seconds=self._media.decode_seconds)
            self._counts.timeouts += 1
            self._replace(decoder)
            raise took_too_long(self._media.decode_seconds) from None
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
        if decoder.jobs >= self._media.decoder_jobs:
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


def sealed(received: Received) -> Decoded:
    """A decoder's answer, whose files are as large as they must be and stay so: reading past the end of one would kill
    an engine. Raises SightdError when the decoder said what is not so."""
    try:
        told = zip(received.descriptors, received.message["parts"], strict=True)
        parts = [Part(descriptor, part["digest"], *part["shape"]) for descriptor, part in told]
        for part in parts:
            seal(part)
        columns, rows = received.message["grid"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        log.error("a decoder's frames are not what it says", reason=type(error).__name__)
        close_all(received.descriptors)
        raise decoder_died() from error
    return Decoded(parts, (columns, rows))


def seal(part: Part) -> None:
    """Keep a part's file at its size. Raises ValueError when that is not the size of its frames, OSError."""
    fcntl.fcntl(part.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    if os.fstat(part.descriptor).st_size != part.frames * part.height * part.width * 3:
        raise ValueError("a file is not as large as its frames")


def discard(work: asyncio.Task[Received]) -> None:
    """Let go of frames that nobody waits for any more."""
    if not work.cancelled() and work.exception() is None:
        close_all(work.result().descriptors)
