"""The shapes that the embedded model names, as outlines to draw.

An outline is a list of points in a box from -1 to 1 whose longer side is full; rotation and size come later.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Shape:
    """A named shape: English and Chinese names, synonyms used in questions, its outline and the turns it may take."""

    name: str
    zh: str
    outline: Callable[[Random], Points]
    turn: float
    synonyms: tuple[str, ...] = ()
    zh_synonyms: tuple[str, ...] = ()

    @property
    def article(self) -> str:
        """The English indefinite article: "a" or "an"."""
        return "an" if self.name[0] in "aeiou" else "a"


def polygon(corners: int, start: float = -math.pi / 2) -> Points:
    """A regular polygon with its first corner at angle `start` (radians, y down)."""
    angles = (start + 2 * math.pi * i / corners for i in range(corners))
    return [(math.cos(a), math.sin(a)) for a in angles]


def ellipse(wide: float, tall: float) -> Points:
    """An ellipse with half axes `wide` and `tall`, as 72 points."""
    return [(x * wide, y * tall) for x, y in polygon(72)]


def box(wide: float, tall: float) -> Points:
    """An axis-parallel rectangle with half sides `wide` and `tall`."""
    return [(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)]


def flat(rng: Random, low: float, high: float) -> tuple[float, float]:
    """Half sides (wide, tall) whose ratio lies between `low` and `high`, either way round."""
    short = 1 / rng.uniform(low, high)
    return (1, short) if rng.random() < 0.6 else (short, 1)


def triangle(rng: Random) -> Points:
    """An equilateral, isosceles or right-angled triangle."""
    kind = rng.random()
    if kind < 0.55:
        return polygon(3)
    if kind < 0.85:
        half = rng.uniform(0.6, 1)
        return [(0, -1), (half, 1), (-half, 1)]
    return [(-1, -1), (-1, 1), (1, 1)]


def star(rng: Random) -> Points:
    """A five-pointed (seldom six-pointed) star."""
    points = 5 if rng.random() < 0.9 else 6
    inner = rng.uniform(0.36, 0.5) if points == 5 else rng.uniform(0.45, 0.58)
    outer, notches = polygon(points), polygon(points, -math.pi / 2 + math.pi / points)
    return [p for pair in zip(outer, ((x * inner, y * inner) for x, y in notches), strict=True) for p in pair]


def diamond(rng: Random) -> Points:
    """A rhombus that stands on a corner."""
    wide = rng.choice((1.0, rng.uniform(0.55, 0.9)))
    return [(0, -1), (wide, 0), (0, 1), (-wide, 0)]


def cross(rng: Random) -> Points:
    """A plus sign with four equal arms."""
    arm = rng.uniform(0.2, 0.42)
    return [
        (-arm, -1),
        (arm, -1),
        (arm, -arm),
        (1, -arm),
        (1, arm),
        (arm, arm),
        (arm, 1),
        (-arm, 1),
        (-arm, arm),
        (-1, arm),
        (-1, -arm),
        (-arm, -arm),
    ]


def heart(rng: Random) -> Points:
    """A heart, by the usual parametric curve."""
    points = []
    for i in range(64):
        t = 2 * math.pi * i / 64
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((math.sin(t) ** 3, -(y + 2.5) / 16))
    return points


SHAPES: tuple[Shape, ...] = (
    Shape("circle", "圆形", lambda rng: ellipse(1, 1), 0, ("disc", "round shape"), ("圆", "圆圈")),
    Shape("square", "正方形", lambda rng: box(1, 1), 6, (), ("方块", "方形")),
    Shape("triangle", "三角形", triangle, 25, (), ("三角",)),
    Shape("rectangle", "长方形", lambda rng: box(*flat(rng, 1.6, 2.8)), 6, (), ("矩形",)),
    Shape("star", "星形", star, 15, (), ("五角星", "星星")),
    Shape("diamond", "菱形", diamond, 5, ("rhombus",), ()),
    Shape("cross", "十字形", cross, 8, ("plus sign", "plus"), ("十字", "加号")),
    Shape("heart", "心形", heart, 12, (), ("爱心", "心")),
)
