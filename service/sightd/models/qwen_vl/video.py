"""Which frames of a video the Qwen-VL families see, and at which size, as plain arithmetic.

Held to transformers' video processors by the tests. Beside what they do, all frames together have at most
`total_pixels`, the operator's bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..frames import Clip
from .geometry import target_size


@dataclass(frozen=True)
class Sampling:
    """How a checkpoint wants its videos. `whole` is how Qwen3-VL has it: bounds on the pixels of all frames together,
    and frames from the first to the last; the others bound each frame and take one from the start of each interval.
    `least` and `most` are a request's bounds on a frame's pixels."""

    whole: bool
    factor: int
    temporal: int
    fps: float
    min_frames: int
    max_frames: int
    min_pixels: int
    max_pixels: int
    frame_pixels: tuple[int, int]
    total_pixels: int
    least: int | None = None
    most: int | None = None

    def indices(self, clip: Clip) -> list[int]:
        """The frames to take, in order; all of a video that has fewer than a temporal patch."""
        if self.whole:
            count = int(clip.frames / clip.rate * self.fps)
            count = max(1, min(max(count, self.min_frames), self.max_frames, clip.frames))
            taken: list[int] = np.linspace(0, clip.frames - 1, count).round().astype(int).tolist()
            return taken
        most = min(self.max_frames, clip.frames) // self.temporal * self.temporal
        wanted = min(max(clip.frames / clip.rate * self.fps, self.min_frames), most)
        count = math.floor(wanted / self.temporal) * self.temporal
        if count == 0:
            return list(range(min(clip.frames, self.max_frames)))
        return [number * clip.frames // count for number in range(count)]

    def size(self, frames: int, height: int, width: int) -> tuple[int, int]:
        """The (height, width) that the frames are resized to. Raises ValueError for extreme side ratios."""
        return self._whole_size(frames, height, width) if self.whole else self._frame_size(frames, height, width)

    def _frame_size(self, frames: int, height: int, width: int) -> tuple[int, int]:
        least = self.least or self.min_pixels
        most = min(self.most or self.max_pixels, max(self.total_pixels // frames, least))
        return target_size(height, width, self.factor, least, most)

    def _whole_size(self, frames: int, height: int, width: int) -> tuple[int, int]:
        frames = max(frames, self.temporal)
        if min(height, width) < self.factor:
            scale = max(self.factor / height, self.factor / width)
            height, width = int(height * scale), int(width * scale)
        least = self.min_pixels if self.least is None else max(self.min_pixels, self.least * frames)
        most = min(self.max_pixels, self.total_pixels)
        most = max(most if self.most is None else min(most, self.most * frames), least)
        # The reference counts whole temporal patches where it compares, and the frames where it scales.
        counted = round(frames / self.temporal) * self.temporal
        rows, columns = target_size(height, width, self.factor, 0, 1 << 62)
        if counted * rows * columns > most:
            shrink = math.sqrt(frames * height * width / most)
            return tuple_of(max(1, math.floor(side / shrink / self.factor)) * self.factor for side in (height, width))
        if counted * rows * columns < least:
            grow = math.sqrt(least / (frames * height * width))
            return tuple_of(math.ceil(side * grow / self.factor) * self.factor for side in (height, width))
        return rows, columns


def tuple_of(sides: Iterable[int]) -> tuple[int, int]:
    """Two sides as a pair."""
    rows, columns = sides
    return rows, columns
