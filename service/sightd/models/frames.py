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
