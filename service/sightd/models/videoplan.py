"""How a family's videos are sampled and resized, and what requests may change about it. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class VideoOptions:
    """What a request wishes for its videos; None is what the model's own files say. Frames for each second of video,
    the most frames, bounds of a frame's pixels as the model sees it, and the most slices of a frame."""

    fps: float | None = None
    max_frames: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_slice_nums: int | None = None


@dataclass(frozen=True)
class VideoPlan:
    """How a decoder prepares videos for a family: the family's name and numbers that its `frames` module knows. Every
    family has `fps`, `min_frames` and `max_frames`; those that do not slice have `frame_pixels`, the bounds within
    which requests may set a frame's `least` and `most` pixels, and `total_pixels` of all frames together."""

    family: str
    numbers: dict[str, Any]

    def within(self, max_frames: int, total_pixels: int) -> VideoPlan:
        """The same within what the operator allows."""
        numbers = self.numbers | {"max_frames": min(self.numbers["max_frames"], max_frames)}
        numbers["min_frames"] = min(numbers["min_frames"], max_frames)
        return replace(self, numbers=numbers | {"total_pixels": total_pixels})

    def wished(self, options: VideoOptions) -> VideoPlan:
        """The same as a request wishes it. Raises ValueError for what the model or the operator does not allow."""
        numbers = dict(self.numbers)
        if options.fps is not None:
            numbers["fps"] = options.fps
        if options.max_frames is not None:
            if options.max_frames > numbers["max_frames"]:
                raise ValueError(
                    f"max_frames is {options.max_frames}; at most {numbers['max_frames']} are allowed here"
                )
            numbers |= {"max_frames": options.max_frames, "min_frames": min(numbers["min_frames"], options.max_frames)}
        return replace(self, numbers=numbers | self._pixels(options) | self._slices(options))

    def _pixels(self, options: VideoOptions) -> dict[str, Any]:
        if options.min_pixels is None and options.max_pixels is None:
            return {}
        if "frame_pixels" not in self.numbers:
            raise ValueError("this model's videos have no min_pixels and max_pixels")
        own = self.numbers["frame_pixels"]
        least = own[0] if options.min_pixels is None else options.min_pixels
        most = own[1] if options.max_pixels is None else options.max_pixels
        if not own[0] <= least <= most <= own[1]:
            raise ValueError(f"min_pixels and max_pixels of a video's frame must lie between {own[0]} and {own[1]}")
        return {"least": options.min_pixels, "most": options.max_pixels}

    def _slices(self, options: VideoOptions) -> dict[str, Any]:
        if options.max_slice_nums is None:
            return {}
        if "max_slice_nums" not in self.numbers:
            raise ValueError("this model's videos are not sliced: it has no max_slice_nums")
        return {"max_slice_nums": options.max_slice_nums}
