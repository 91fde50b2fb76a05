"""What every decoder process does: it is told its bounds and the model's family, imports all that its jobs need, locks
itself in, and then takes one job after the other until the front is gone."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.frames import Prepared
from ..processes.channel import ChannelClosed, memory_file, read_memory_file, receive, send
from ..processes.child import attach
from .sandbox import Bounds, begin_job, enter


@dataclass
class Answer:
    """What comes of a job: a message, and what goes with it in memory files."""

    message: dict[str, Any]
    files: list[memoryview] = field(default_factory=list)


Work = Callable[[bytes, dict[str, Any]], Answer]
"""A job: an encoded file, and what is to be done with it."""


def digest(frames: NDArray[np.uint8]) -> bytes:
    """A name for the content: the same for the same pixels at the same size only."""
    content = np.ascontiguousarray(frames).data
    return hashlib.blake2b(content, digest_size=16, person=b"sightd", salt=repr(frames.shape).encode()[:16]).digest()


def answer_of(frames: Prepared) -> Answer:
    """The answer with these frames, each part of which must be in one piece of memory."""
    parts = [{"digest": digest(part), "shape": part.shape[:3]} for part in frames.parts]
    return Answer({"parts": parts, "grid": frames.grid}, [part.data.cast("B") for part in frames.parts])


def serve(rehearse: Callable[[], None], work: Work) -> None:
    """Be a decoder process until the front is gone."""
    end = attach()
    try:
        setup = receive(end).message
        importlib.import_module(f"sightd.models.{setup['family']}.frames")
        rehearse()
        bounds = Bounds(**setup["bounds"])
        send(end, {"sandbox": enter(bounds)})
        while True:
            received = receive(end)
            begin_job(bounds.job_seconds)
            send(end, {"began": True})
            answer = work(read_memory_file(received.descriptors[0]), received.message)
            descriptors = [memory_file(content, "sightd-frames") for content in answer.files]
            send(end, answer.message, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
    except ChannelClosed:
        return
