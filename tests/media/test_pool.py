"""The decoder pool: whatever happens to its processes, it is whole afterwards."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image
from sightd.config.media import Media
from sightd.errors import SightdError, Unprocessable
from sightd.media.decoded import sealed
from sightd.media.decoders import PictureDecoders
from sightd.media.kinds import PICTURE
from sightd.media.lockedin import digest
from sightd.media.pool import DecoderPool
from sightd.models.families import PicturePlan
from sightd.processes.channel import Received, memory_file

from ..pictures import encoded, shape
from ..server import alive, children_running

PLAN = PicturePlan("qwen_vl", {"factor": 32, "min_pixels": 1024, "max_pixels": 1 << 20}, (128, 128))
GOOD = encoded(shape("rectangle", "blue"))
MODULE = "sightd.media.decoder"
P = TypeVar("P", bound=DecoderPool)


@functools.cache
def slow_picture() -> bytes:
    """A valid picture that takes long to decode: large and transparent."""
    return encoded(Image.new("RGBA", (6000, 4000)), "PNG", compress_level=1)


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def pool(**settings: Any) -> AsyncIterator[PictureDecoders]:
    """A pool whose processes are up; all of them are gone afterwards."""
    media = Media(**{"decoders": 2} | settings)
    async with running(PictureDecoders(media, 7680 * 4320, "qwen_vl"), media.decoders, MODULE) as made:
        yield made


@asynccontextmanager
async def running(made: P, count: int, module: str) -> AsyncIterator[P]:
    """The pool with so many processes up; all of them are gone afterwards."""
    made.start()
    await until(lambda: made.state.processes == count)
    try:
        yield made
    finally:
        processes = decoders(module)
        made.close()
        assert not any(map(alive, processes))


def decoders(module: str = MODULE) -> list[int]:
    """The process ids of the decoders of this process; a server that other tests use has its own."""
    return [process for process in children_running(os.getpid(), module) if parent(process) == os.getpid()]


def parent(process: int) -> int:
    """The id of a process's parent; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def variables(process: int) -> bytes:
    """The environment of a process."""
    return Path(f"/proc/{process}/environ").read_bytes()


def open_descriptors() -> int:
    """How many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def works(made: PictureDecoders, size: int = 2) -> None:
    """Fail unless the pool has all its processes and decodes."""
    await until(lambda: made.state.processes == made.state.idle == size)
    assert len(decoders()) == size
    decoded = await made.decode(GOOD, PLAN)
    (frames,) = decoded.parts
    assert (frames.frames, frames.height, frames.width) == (1, 192, 256)
    decoded.close()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on an event loop of its own."""
    asyncio.run(test())


def test_decoders_hold_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a decoder has none of the front's variables but those that Python needs to start."""
    monkeypatch.setenv("SIGHTD_AUTH__KEYS", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")

    async def scenario() -> None:
        async with pool() as made:
            for process in decoders():
                assert b"secret" not in variables(process)
            assert set(made.state.sandbox) == {"no_new_privs", "rlimits", "landlock", "seccomp"}

    run(scenario)


def test_a_decoder_that_dies_idle() -> None:
    """A decoder that is killed while it waits is replaced at once, and no request notices."""

    async def scenario() -> None:
        async with pool() as made:
            first = decoders()
            os.kill(first[0], signal.SIGKILL)
            await until(lambda: made.state.counts.deaths == 1)
            await works(made)
            assert first[0] not in decoders()

    run(scenario)


def test_a_decoder_that_dies_at_work() -> None:
    """A picture whose decoder is killed is decoded by another one."""

    async def scenario() -> None:
        async with pool(decoders=1) as made:
            (victim,) = decoders()
            os.kill(victim, signal.SIGSTOP)
            job = asyncio.ensure_future(made.decode(GOOD, PLAN))
            await until(lambda: made.state.idle == 0)
            os.kill(victim, signal.SIGKILL)
            (await job).close()
            assert made.state.counts.deaths == 1
            await works(made, 1)

    run(scenario)


def test_a_picture_that_kills_every_decoder() -> None:
    """A picture whose decoders die is refused after the second, and the pool is whole."""

    async def scenario() -> None:
        async with pool(decoders=1) as made:
            job = asyncio.ensure_future(made.decode(slow_picture(), PLAN))
            for number in range(2):
                await until(lambda: made.state.processes == 1 and made.state.idle == 0)
                (victim,) = decoders()
                os.kill(victim, signal.SIGKILL)
                await until(lambda number=number: made.state.counts.deaths == number + 1)
            with pytest.raises(SightdError) as caught:
                await job
            assert (caught.value.status, caught.value.code) == (400, "invalid_image")
            assert made.state.counts.deaths == 2
            await works(made, 1)

    run(scenario)


def test_a_picture_that_takes_too_long() -> None:
    """A picture over the time limit is refused with the limit in the sentence, and its decoder is replaced."""

    async def scenario() -> None:
        async with pool(decode_seconds=0.05) as made:
            with pytest.raises(Unprocessable, match=r"longer than 0\.05 seconds"):
                await made.decode(slow_picture(), PLAN)
            assert made.state.counts.timeouts == 1
            await until(lambda: made.state.idle == 2)
            assert len(decoders()) == 2

    run(scenario)


def test_a_picture_that_needs_too_much_memory() -> None:
    """A picture over the memory limit is refused, and the same decoder goes on."""

    async def scenario() -> None:
        async with pool(decoders=1, decoder_memory_mib=256) as made:
            process = decoders()
            with pytest.raises(Unprocessable, match="more memory"):
                await made.decode(encoded(Image.new("RGBA", (7000, 4000))), PLAN)
            await works(made, 1)
            assert decoders() == process

    run(scenario)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_bombs_of_libraries_that_take_all_memory_first(kind: str) -> None:
    """A file whose library would ask for more memory than a decoder has is refused by the size that it states."""

    async def scenario() -> None:
        async with pool(decoders=1, decoder_memory_mib=256) as made:
            with pytest.raises(Unprocessable, match="8000 x 8000 pixels; at most 33177600"):
                await made.decode(encoded(Image.new("RGB", (8000, 8000)), kind), PLAN)
            await works(made, 1)

    run(scenario)


def test_a_client_that_goes_away_in_the_queue() -> None:
    """A picture whose client went away before a decoder was free takes none."""

    async def scenario() -> None:
        async with pool(decoders=1) as made:
            first = asyncio.ensure_future(made.decode(slow_picture(), PLAN))
            await until(lambda: made.state.idle == 0)
            waiting = [asyncio.ensure_future(made.decode(slow_picture(), PLAN)) for _ in range(5)]
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            (await first).close()
            await works(made, 1)
            assert made.state.counts.jobs == 2

    run(scenario)


def test_renewal() -> None:
    """A decoder is renewed after its number of jobs."""

    async def scenario() -> None:
        async with pool(decoders=1, decoder_jobs=3) as made:
            process = decoders()
            for _ in range(3):
                (await made.decode(GOOD, PLAN)).close()
            await until(lambda: made.state.idle == 1)
            assert made.state.counts.renewed == 1
            assert decoders() != process

    run(scenario)


def test_nothing_is_left_behind() -> None:
    """Many pictures, good ones, bad ones and some whose client goes away, leave no descriptor open."""

    async def scenario() -> None:
        async with pool() as made:
            await works(made)
            before = open_descriptors()
            for _ in range(20):
                left = asyncio.ensure_future(made.decode(GOOD, PLAN))
                results = await asyncio.gather(
                    made.decode(GOOD, PLAN), made.decode(b"no picture", PLAN), return_exceptions=True
                )
                left.cancel()
                await asyncio.gather(left, return_exceptions=True)
                if left.done() and not left.cancelled():
                    left.result().close()
                assert isinstance(results[1], SightdError)
                assert not isinstance(results[0], BaseException)
                results[0].close()
            await until(lambda: open_descriptors() <= before)

    run(scenario)


@pytest.mark.parametrize(
    "message",
    [
        {"parts": [{"digest": b"x", "shape": [1, 4, 4]}], "grid": [0, 0]},
        {"parts": [{"digest": b"x"}], "grid": [0, 0]},
        {"parts": [], "grid": [0, 0]},
        {"parts": [{"digest": b"x", "shape": [1, 2, 2]}], "grid": [0]},
        {},
    ],
)
def test_a_decoder_that_lies(message: dict[str, Any]) -> None:
    """An answer whose file is not what it says is refused, and its descriptor is closed."""
    before = open_descriptors()
    with pytest.raises(SightdError):
        sealed(Received(message, [memory_file(bytes(12), "lie")]), PICTURE)
    assert open_descriptors() == before


def test_names_of_contents() -> None:
    """The same bytes at another size, or the same picture in another colour mode, have another name in every cache."""
    frames = np.arange(96, dtype=np.uint8)
    assert len({digest(frames.reshape(shape)) for shape in ((1, 4, 8, 3), (1, 8, 4, 3), (2, 4, 4, 3))}) == 3
    colours = Image.merge("RGB", [Image.new("L", (2, 2), value) for value in (10, 20, 30)])
    other = Image.frombytes("YCbCr", (2, 2), colours.tobytes()).convert("RGB")
    assert len({digest(np.asarray(picture)[None]) for picture in (colours, other)}) == 2


def test_a_file_that_cannot_shrink() -> None:
    """What an engine will map keeps its size, whoever else holds it."""
    descriptor = memory_file(bytes(12), "frames")
    message = {"parts": [{"digest": b"x", "shape": [1, 2, 2]}], "grid": [0, 0]}
    decoded = sealed(Received(message, [descriptor]), PICTURE)
    with pytest.raises(PermissionError):
        os.truncate(descriptor, 1)
    decoded.close()


def test_decoders_that_die_before_they_begin() -> None:
    """However many decoders were killed before they looked at a picture, it is decoded by one that lives."""

    async def scenario() -> None:
        async with pool() as made:
            for process in decoders():
                os.kill(process, signal.SIGSTOP)
            decoded = asyncio.create_task(made.decode(GOOD, PLAN))
            for deaths in (1, 2):
                await until(lambda: made.state.idle == 1)
                (busy,) = (decoder for decoder in made._all if decoder.up and not decoder.idle)
                os.kill(busy._process.pid, signal.SIGKILL)
                await until(lambda: made.state.counts.deaths == deaths)  # noqa: B023
                if deaths == 1:
                    await until(lambda: made.state.processes == 2)
            (frames,) = (await decoded).parts
            assert (frames.height, frames.width) == (192, 256)
            (await decoded).close()
            await works(made)

    run(scenario)
