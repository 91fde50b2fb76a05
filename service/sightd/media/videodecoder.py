"""The video decoder: `python -m sightd.media.videodecoder`. Takes encoded videos, gives frames; one at a time."""

from __future__ import annotations

import importlib
from typing import Any

import av

from ..models.frames import Clip, Prepared
from .lockedin import Answer, answer_of, serve
from .videos import VideoError, VideoFile, VideoLimits, rehearse

NOTHING = Clip(0, 1.0, 0, 0)


def work(data: bytes, job: dict[str, Any]) -> Answer:
    """Decode one video: the frames that the family samples, and the seconds at which they were taken."""
    try:
        clip, indices, frames = prepared(data, job)
    except VideoError as error:
        facts = {"width": error.width, "height": error.height, "value": error.value}
        return Answer({"fault": error.fault} | facts)
    answer = answer_of(frames)
    answer.message["times"] = [index / clip.rate for index in indices]
    answer.message["period"] = clip.frames / clip.rate / len(indices)
    return answer


def prepared(data: bytes, job: dict[str, Any]) -> tuple[Clip, list[int], Prepared]:
    """The video's facts, which of its frames are taken, and these. Raises VideoError."""
    family = importlib.import_module(f"sightd.models.{job['family']}.frames")
    clip = NOTHING
    try:
        file = VideoFile(data, VideoLimits(**job["limits"]))
        clip = file.clip
        indices = family.sampled(clip, job["numbers"])
        frames = family.prepare_video(file.pictures(indices), len(indices), clip, job["numbers"])
    except MemoryError:
        raise VideoError("too_much_memory") from None
    except av.FFmpegError as error:
        raise VideoError("broken") from error
    except ValueError:
        raise VideoError("too_narrow", clip.width, clip.height) from None
    return clip, indices, frames


if __name__ == "__main__":
    serve(rehearse, work)
