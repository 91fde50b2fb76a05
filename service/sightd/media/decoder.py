"""The decoder process: `python -m sightd.media.decoder`. Takes encoded pictures, gives RGB frames; one at a time."""

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
from .pictures import PictureError, decode


def digest(frames: NDArray[np.uint8]) -> bytes:
    """A name for the content: the same for the same pixels at the same size only."""
    return hashlib.blake2b(
        frames.tobytes(), digest_size=16, person=b"sightd", salt=repr(frames.shape).encode()[:16]
    ).digest()


def work(end: socket.socket, received: Received) -> None:
    """Decode one picture and answer."""
    job = received.message
    try:
        frames = prepared(read_memory_file(received.descriptors[0]), job)
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
    except ValueError:
        raise PictureError("too_narrow", picture.width, picture.height) from None
    return replace(frames, parts=[np.ascontiguousarray(part) for part in frames.parts])


def main() -> None:
    """Serve jobs until the front is gone."""
    end = attach()
    send(end, {"ready": True})
    try:
        while True:
            work(end, receive(end))
    except ChannelClosed:
        return


if __name__ == "__main__":
    main()
