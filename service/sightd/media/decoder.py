"""The picture decoder: `python -m sightd.media.decoder`. Takes encoded pictures, gives RGB frames; one at a time."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from ..models.frames import Prepared
from .lockedin import Answer, answer_of, serve
from .pictures import PictureError, decode, opened, rehearse


def work(data: bytes, job: dict[str, Any]) -> Answer:
    """Decode one picture, or only measure it when the job names no family."""
    try:
        if "family" not in job:
            width, height = opened(data, job["max_pixels"]).size
            return Answer({"width": width, "height": height})
        return answer_of(prepared(data, job))
    except PictureError as error:
        return Answer({"fault": error.fault, "width": error.width, "height": error.height})


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


if __name__ == "__main__":
    serve(rehearse, work)
