"""What decoders give: frames in memory files, checked before anybody maps them."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass

from .. import logs
from ..processes.channel import Received
from ..processes.link import close_all
from .faults import decoder_died
from .kinds import Kind

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
    """A picture's or video's parts, and the grid of its slices; see `sightd.models.frames.Prepared`. A video has the
    `times` of its frames in seconds, and a `period`: how many seconds of it there are for each. Whoever holds it closes
    it."""

    parts: list[Part]
    grid: tuple[int, int] = (0, 0)
    times: tuple[float, ...] = ()
    period: float = 1.0

    @property
    def is_video(self) -> bool:
        """Whether it is a video, if only one of a single frame."""
        return bool(self.times)

    def close(self) -> None:
        """Let go of the memory."""
        for part in self.parts:
            os.close(part.descriptor)
        self.parts = []


def sealed(received: Received, kind: Kind) -> Decoded:
    """A decoder's answer, whose files are as large as they must be and stay so: reading past the end of one would kill
    an engine. Raises SightdError when the decoder said what is not so."""
    try:
        told = zip(received.descriptors, received.message["parts"], strict=True)
        parts = [Part(descriptor, part["digest"], *part["shape"]) for descriptor, part in told]
        for part in parts:
            seal(part)
        columns, rows = received.message["grid"]
        times = tuple(float(time) for time in received.message.get("times", ()))
        period = float(received.message.get("period", 1.0))
        check_times(times, parts[0].frames)
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        log.error("a decoder's frames are not what it says", reason=type(error).__name__)
        close_all(received.descriptors)
        raise decoder_died(kind) from error
    return Decoded(parts, (columns, rows), times, period)


def check_times(times: tuple[float, ...], frames: int) -> None:
    """Raises ValueError when a video has not one time for each frame."""
    if times and len(times) != frames:
        raise ValueError("there is not one time for each frame")


def seal(part: Part) -> None:
    """Keep a part's file at its size. Raises ValueError when that is not the size of its frames, OSError."""
    fcntl.fcntl(part.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    if os.fstat(part.descriptor).st_size != part.frames * part.height * part.width * 3:
        raise ValueError("a file is not as large as its frames")
