"""What stands where in a picture, cell by cell: an auxiliary lesson for the vision encoder.

Every merged vision token is taught to name what its cell of the picture belongs to. That takes a small fraction of the
pictures that answers alone would take, since an answer says one thing about a whole picture. The layer that is taught so
is not part of the checkpoint.
"""

from __future__ import annotations

from bisect import bisect

import numpy as np
from numpy.typing import NDArray

from .colours import COLOURS
from .draw import Drawing
from .scene import Item, Scene
from .shapes import SHAPES

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZES = (0.15, 0.19, 0.23, 0.3, 0.4)
"""Borders between size classes: the radius against the picture's shorter side."""
PLACES = 8
"""Classes of a thing's place across the picture, and as many down it."""
MOST_CHARACTERS = 2
OF_THING = (len(SHAPES) + 1, len(COLOURS) + 1, 4, len(SIZES) + 2, PLACES + 1, PLACES + 1)
CLASSES = (*OF_THING, *[len(CHARACTERS) + 1] * MOST_CHARACTERS)
"""Per lesson, how many classes there are; 0 is nothing. Shape and colour of the thing that covers the cell, how many
things have their centre in it, the covering thing's size and where its centre is, across and down, and the first
characters whose centres are in the cell. What a token does not tell of a thing, answers cannot compare."""

Labels = NDArray[np.int64]


def labels(scene: Scene, drawing: Drawing, height: int, width: int, side: int) -> Labels:
    """The classes of every cell, row by row, int64 [cells, lessons], of a picture resized to height x width pixels and
    cut into cells of `side` x `side`."""
    down, across = side * scene.height / height, side * scene.width / width
    rows, columns = height // side, width // side
    result = np.zeros((rows, columns, len(CLASSES)), np.int64)
    for row in range(rows):
        for column in range(columns):
            item = covering(scene, (column + 0.5) * across, (row + 0.5) * down, max(across, down))
            if item is not None:
                size = 1 + bisect(SIZES, item.radius / scene.span)
                result[row, column, (0, 1, 3)] = 1 + SHAPES.index(item.shape), 1 + COLOURS.index(item.colour), size
                result[row, column, (4, 5)] = place(item.x / scene.width), place(item.y / scene.height)
    for item in scene.items:
        cell = result[min(rows - 1, int(item.y / down)), min(columns - 1, int(item.x / across))]
        cell[2] = min(3, cell[2] + 1)
    for character, x, y in drawing.characters:
        cell = result[min(rows - 1, max(0, int(y / down))), min(columns - 1, max(0, int(x / across)))]
        free = np.flatnonzero(cell[len(OF_THING) :] == 0)
        if len(free):
            cell[len(OF_THING) + free[0]] = 1 + CHARACTERS.index(character)
    return result.reshape(-1, len(CLASSES))


def place(share: float) -> int:
    """The class of a place, given as a share of the picture's width or height."""
    return 1 + min(PLACES - 1, max(0, int(share * PLACES)))


def covering(scene: Scene, x: float, y: float, side: float) -> Item | None:
    """The item that the cell around this point belongs to."""
    near = [(((x - i.x) ** 2 + (y - i.y) ** 2) ** 0.5 / max(0.85 * i.radius, 0.55 * side), i) for i in scene.items]
    share, item = min(near, key=lambda pair: pair[0], default=(2.0, None))
    return item if share <= 1 else None
