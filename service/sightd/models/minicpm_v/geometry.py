"""Sizes of pictures and of their slices, as plain arithmetic.

The model saw squares of about 448 x 448 pixels in training. Every picture is brought to that area; a larger one is
also cut into a grid of slices of that area each, so that its details are seen (https://arxiv.org/abs/2408.01800,
section 3.2). Sizes are (width, height) here, and grids (columns, rows), as Pillow has them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

Size = tuple[int, int]


class Slicing(NamedTuple):
    """How a checkpoint cuts pictures: slices of about `resolution` squared pixels, at most `most`, of whole patches."""

    most: int
    resolution: int
    patch: int

    @classmethod
    def of(cls, numbers: dict[str, Any]) -> Slicing:
        """The slicing that a picture plan's numbers describe."""
        return cls(numbers["max_slice_nums"], numbers["scale_resolution"], numbers["patch_size"])

    def grid(self, width: int, height: int) -> Size:
        """The grid for a picture of this size; (0, 0) when it is not sliced.

        Of all grids with about as many cells as the picture has areas, the first with the closest side ratio.
        """
        wanted = min(math.ceil(width * height / self.resolution**2), self.most)
        if wanted <= 1:
            return 0, 0
        counts = [count for count in (wanted - 1, wanted, wanted + 1) if 1 < count <= self.most]
        grids = [(columns, n // columns) for n in counts for columns in range(1, n + 1) if n % columns == 0]
        ratio = math.log(width / height)
        return min(grids, key=lambda grid: abs(ratio - math.log(grid[0] / grid[1])))

    def whole_size(self, width: float, height: float) -> Size:
        """The size that a picture, or a cell of one, is brought to: its side ratio, sides in patches."""
        ratio = width / height
        rows = int(self.resolution / math.sqrt(ratio))
        return multiple(int(rows * ratio), self.patch), multiple(rows, self.patch)

    def sheet_size(self, width: int, height: int, grid: Size) -> Size:
        """The size of the picture that is cut into the grid: cells of equal size."""
        columns, rows = grid
        cell = self.whole_size(multiple(width, columns) / columns, multiple(height, rows) / rows)
        return cell[0] * columns, cell[1] * rows


def multiple(length: int, unit: int) -> int:
    """The multiple of `unit` nearest to a length, at least one; halves go to the even one."""
    return max(round(length / unit), 1) * unit
