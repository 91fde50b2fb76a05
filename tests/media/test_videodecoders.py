"""Videos in the sandbox: what comes of them, what is refused, and that the pool is whole afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sightd.config.limits import Limits
from sightd.config.media import Media
from sightd.errors import SightdError, Unprocessable
from sightd.media.decoders import VideoDecoders
from sightd.models.videoplan import VideoPlan

from ..clips import colour_number, plain, video
from ..pictures import noise
from .test_pool import decoders, run, running, until

NUMBERS = {
    "whole": True,
    "factor": 32,
    "temporal": 2,
    "fps": 2.0,
    "min_frames": 2,
    "max_frames": 8,
    "min_pixels": 4096,
    "max_pixels": 1 << 20,
    "frame_pixels": (1024, 1 << 20),
    "total_pixels": 1 << 24,
}
PLAN = VideoPlan("qwen_vl", NUMBERS)
MODULE = "sightd.media.videodecoder"
GOOD = video(plain(16))


@asynccontextmanager
async def pool(limits: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[VideoDecoders]:
    """A pool of one process that is up; it is gone afterwards."""
    made = VideoDecoders(Media(**settings), Limits(**(limits or {})), "qwen_vl")
    async with running(made, 1, MODULE):
        yield made


def threads(process: int) -> int:
    """How many threads a process has."""
    return len([*Path(f"/proc/{process}/task").iterdir()])


async def works(made: VideoDecoders) -> None:
    """Fail unless the pool decodes, with the right frames at the right times."""
    await until(lambda: made.state.processes == made.state.idle == 1)
    decoded = await made.decode(GOOD, PLAN)
    (part,) = decoded.parts
    assert (part.frames, part.height, part.width) == (8, 64, 96)
    assert decoded.times == tuple(i / 4 for i in (0, 2, 4, 6, 9, 11, 13, 15))
    assert decoded.period == 0.5
    frames = np.frombuffer(os.pread(part.descriptor, 8 * 64 * 96 * 3, 0), np.uint8).reshape(8, 64, 96, 3)
    assert [colour_number(frame) for frame in frames] == [0, 2, 4, 6, 1, 3, 5, 7]
    decoded.close()


HOSTILE = {
    "no video": (b"hello" * 1000, 400, "not a video"),
    "playlist": (b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", 400, "not a video"),
    "truncated": (GOOD[: len(GOOD) // 2], 400, "damaged"),
    "too many frames": (video(plain(41)), 422, "more than 40 frames"),
    "too long": (video(plain(11), rate=1), 422, "11.0 seconds long; at most 10 are"),
    "too large": (video(plain(2, (640, 480))), 422, "640 x 480 pixels; at most 100000 are"),
    "too narrow": (video(plain(2, (8000, 10)), codec="mjpeg", container="avi"), 422, "times longer"),
}


def test_hostile_videos() -> None:
    """Each bad video has its own status and sentence, with the limit where there is one, and costs no process."""

    async def scenario() -> None:
        limits = {"video_file_frames": 40, "video_seconds": 10, "video_frame_pixels": 100_000}
        async with pool(limits) as made:
            await works(made)
            first = decoders(MODULE)
            for name, (data, status, words) in HOSTILE.items():
                with pytest.raises(SightdError, match=words) as caught:
                    await made.decode(data, PLAN)
                assert caught.value.status == status, name
                await works(made)
            assert decoders(MODULE) == first
            assert threads(first[0]) == 1
            assert set(made.state.sandbox) == {"no_new_privs", "rlimits", "landlock", "seccomp"}

    run(scenario)


def test_damaged_anywhere() -> None:
    """Whatever single stretch of a file is overwritten, the video is decoded or refused, and the pool goes on."""

    async def scenario() -> None:
        async with pool() as made:
            data = video([noise(n, (96, 64)) for n in range(12)], codec="libx264")
            rng = np.random.default_rng(5)
            for start in range(0, len(data), max(1, len(data) // 24)):
                bad = bytearray(data)
                bad[start : start + 16] = rng.bytes(min(16, len(data) - start))
                try:
                    (await made.decode(bytes(bad), PLAN)).close()
                except SightdError as error:
                    assert error.status in (400, 422)  # noqa: PT017
            await works(made)

    run(scenario)


def test_a_video_that_takes_too_long() -> None:
    """A video over the time limit is refused with the limit in the sentence, and its decoder is replaced."""

    async def scenario() -> None:
        async with pool(video_decode_seconds=0.5) as made:
            (process,) = decoders(MODULE)
            os.kill(process, signal.SIGSTOP)
            with pytest.raises(Unprocessable, match=r"longer than 0\.5 seconds"):
                await made.decode(GOOD, PLAN)
            assert made.state.counts.timeouts == 1
            await until(lambda: made.state.idle == 1)
            assert decoders(MODULE) != [process]

    run(scenario)


def test_a_decoder_that_dies() -> None:
    """A video whose decoder is killed is decoded by the next one."""

    async def scenario() -> None:
        async with pool() as made:
            (process,) = decoders(MODULE)
            os.kill(process, signal.SIGSTOP)
            job = asyncio.ensure_future(made.decode(GOOD, PLAN))
            await until(lambda: made.state.idle == 0)
            os.kill(process, signal.SIGKILL)
            (await job).close()
            assert made.state.counts.deaths == 1

    run(scenario)
