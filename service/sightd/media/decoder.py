"""The decoder process: `python -m sightd.media.decoder`. Takes encoded pictures, gives RGB frames; one at a time.

It is told its bounds and the model's family first, imports all that decoding needs, and locks itself in before it
takes a job.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import socket
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.frames import Prepared
from ..processes.channel import ChannelClosed, Received, memory_file, read_memory_file, receive, send
from ..processes.child import attach
from .pictures import PictureError, decode, opened, rehearse
from .sandbox import Bounds, begin_job, enter


def digest(frames: NDArray[np.uint8]) -> bytes:
    """A name for the content: the same for the same pixels at the same size only."""
    content = np.ascontiguousarray(frames).data
    return hashlib.blake2b(content, digest_size=16, person=b"sightd", salt=repr(frames.shape).encode()[:16]).digest()


def work(end: socket.socket, received: Received) -> None:
    """Decode one picture, or only measure it when the job names no family, and answer."""
    job = received.message
    data = read_memory_file(received.descriptors[0])
    try:
        if "family" not in job:
            width, height = opened(data, job["max_pixels"]).size
            send(end, {"width": width, "height": height})
            return
        frames = prepared(data, job)
    except PictureError as error:
        send(end, {"fault": error.fault, "width": error.width, "height": error.height})
        return
    parts = [{"digest": digest(part), "shape": part.shape[:3]} for part in frames.parts]
    descriptors = [memory_file(part.data.cast("B"), "sightd-frames") for part in frames.parts]
    send(end, {"parts": parts, "grid": frames.grid}, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def prepared(data: bytes, job: dict[str, Any]) -> Prepared:
    """The frames of one job, each part in one piece of memory. Raises PictureError."""
    picture = decode(data, job["max_pixels"])
    family = importlib.import_module(f"sightd.models.{job['family']}.frames")
    try:
        frames: Prepared = family.prepare(picture, job["numbers"])
        return replace(frames, parts=[np.ascontiguousarray(part) for part in frames.parts])
    except ValueError:
        raise PictureError("too_narrow", picture.width, picture.height) from None
    except MemoryError:
        raise PictureError("too_much_memory", picture.width, picture.height) from None


def lock_in(setup: dict[str, Any]) -> tuple[Bounds, dict[str, str]]:
    """Import what jobs need, then enter the sandbox; the bounds, and the layers as `sandbox.enter` gives them."""
    importlib.import_module(f"sightd.models.{setup['family']}.frames")
    rehearse()
    bounds = Bounds(**setup["bounds"])
    return bounds, enter(bounds)


def main() -> None:
    """Serve jobs until the front is gone."""
    end = attach()
    try:
        bounds, sandbox = lock_in(receive(end).message)
        send(end, {"sandbox": sandbox})
        while True:
            received = receive(end)
            begin_job(bounds.job_seconds)
            work(end, received)
    except ChannelClosed:
        return


if __name__ == "__main__":
    main()
