"""The front's side of decoding: decoder processes with one job each at a time, killed at a deadline and replaced."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .. import logs
from ..errors import BadRequest, Internal, SightdError, Unprocessable
from ..models.families import PicturePlan
from ..processes.channel import Received, memory_file, pair
from ..processes.child import spawn
from ..processes.link import Link

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


class Decoder:
    """One decoder process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        ours, theirs = pair()
        self._process: subprocess.Popen[bytes] = spawn("sightd.media.decoder", theirs)
        self._answer: asyncio.Future[Received] = loop.create_future()
        self._loop = loop
        self._link = Link(ours, self._take, self._gone)

    def _take(self, received: Received) -> None:
        if not self._answer.done():
            self._answer.set_result(received)

    def _gone(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the decoder ended"))

    async def ready(self) -> None:
        """Wait for the process to be up. Raises ConnectionResetError when it ended instead."""
        await self._answer

    async def run(self, job: dict[str, Any], descriptor: int, seconds: float) -> Received:
        """One job. Raises ConnectionResetError when the process ended, TimeoutError past the deadline."""
        self._answer = self._loop.create_future()
        self._link.send(job, [descriptor])
        return await asyncio.wait_for(self._answer, seconds)

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        self._answer.cancel()
        self._link.close()


class DecoderPool:
    """Decoder processes; `start` makes them, `close` ends them."""

    def __init__(self, size: int, seconds: float, max_pixels: int) -> None:
        self._size = size
        self._seconds = seconds
        self._max_pixels = max_pixels
        self._idle: asyncio.Queue[Decoder] = asyncio.Queue()
        self._all: set[Decoder] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the processes; they take jobs as they come up."""
        for _ in range(self._size):
            self._background(self._add)

    def _background(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _add(self) -> None:
        decoder = Decoder(asyncio.get_running_loop())
        self._all.add(decoder)
        try:
            await decoder.ready()
        except ConnectionResetError:
            log.error("a decoder ended while it started")
            self._replace(decoder)
            return
        self._idle.put_nowait(decoder)

    def _replace(self, decoder: Decoder) -> None:
        decoder.kill()
        self._all.discard(decoder)
        self._background(self._add)

    async def decode(self, data: bytes, plan: PicturePlan) -> Decoded:
        """Decode one picture for a model. Raises BadRequest or Unprocessable with a sentence when it cannot be used."""
        work = asyncio.create_task(self._decode(data, plan))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The decoder goes on, since its answer would otherwise reach the next job; nobody wants the frames.
            work.add_done_callback(discard)
            raise

    async def _decode(self, data: bytes, plan: PicturePlan) -> Decoded:
        job = {"family": plan.family, "numbers": plan.numbers, "max_pixels": self._max_pixels}
        decoder = await self._idle.get()
        descriptor = memory_file(data, "sightd-media")
        try:
            received = await self._run(decoder, job, descriptor)
        finally:
            os.close(descriptor)
        answer = received.message
        if fault := answer.get("fault"):
            raise picture_error(fault, answer["width"], answer["height"], self._max_pixels)
        parts = zip(received.descriptors, answer["parts"], strict=True)
        return Decoded([Part(d, part["digest"], *part["shape"]) for d, part in parts], tuple(answer["grid"]))

    async def _run(self, decoder: Decoder, job: dict[str, Any], descriptor: int) -> Received:
        try:
            received = await decoder.run(job, descriptor, self._seconds)
        except ConnectionResetError:
            log.warning("a decoder died of a picture")
            self._replace(decoder)
            raise BadRequest("The picture could not be decoded.", "图片无法解码。", code="invalid_image") from None
        except TimeoutError:
            log.warning("a picture took too long to decode", seconds=self._seconds)
            self._replace(decoder)
            english = f"The picture took longer than {self._seconds:g} seconds to decode."
            raise Unprocessable(english, f"图片解码超过了 {self._seconds:g} 秒的时限。", code="invalid_image") from None
        self._idle.put_nowait(decoder)
        return received

    def close(self) -> None:
        """End all processes."""
        for task in self._tasks:
            task.cancel()
        for decoder in self._all:
            decoder.kill()
        self._all.clear()


def discard(work: asyncio.Task[Decoded]) -> None:
    """Let go of frames that nobody waits for any more."""
    if not work.cancelled() and work.exception() is None:
        work.result().close()


def picture_error(fault: str, width: int, height: int, max_pixels: int) -> SightdError:
    """The error for a picture that cannot be used."""
    match fault:
        case "not_a_picture":
            return BadRequest(
                "The file is not a picture that can be read. Send JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.",
                "文件不是可识别的图片，请上传 JPEG、PNG、WebP、GIF、BMP、TIFF 或 AVIF 格式的图片。",
                code="invalid_image",
            )
        case "broken":
            english = "The picture is damaged or incomplete and cannot be decoded."
            return BadRequest(english, "图片已损坏或不完整，无法解码。", code="invalid_image")
        case "too_many_pixels":
            return Unprocessable(
                f"The picture has {width} x {height} pixels; at most {max_pixels} are allowed. Send a smaller one.",
                f"图片尺寸为 {width}×{height} 像素，超过了最多 {max_pixels} 像素的限制，请缩小后再上传。",
                code="image_too_large",
            )
        case "too_narrow":
            return Unprocessable(
                f"The picture is {width} x {height} pixels: one side is too many times longer than the other.",
                f"图片尺寸为 {width}×{height} 像素，长宽比例过大，无法处理。",
                code="invalid_image",
            )
    return Internal()
