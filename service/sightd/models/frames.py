"""What a decoder makes of one picture or video, whatever the family. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prepared:
    """A picture or video as the model sees it. Each part is uint8 RGB [frames, height, width, 3] and a medium of its
    own for the engine. Families that slice have two: the whole frames, then the slices of each frame row by row in a
    `grid` of (columns, rows); where nothing is sliced the grid is (0, 0) and there is one part."""

    parts: list[NDArray[np.uint8]]
    grid: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Clip:
    """What a video file holds, known before anything of it is decoded: its frames, how many of them pass in a second,
    and their size in pixels as they are shown."""

    frames: int
    rate: float
    width: int
    height: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.rate
