"""What a picture shows, before it is drawn: a canvas, a background and the things on it, with their places and sizes.

All lengths are pixels of the canvas; the origin is the top left corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from .colours import COLOURS, Colour, Rgb, distance
from .shapes import SHAPES, Shape

Style = Literal["filled", "edged", "hollow"]
Pattern = Literal["plain", "gradient", "noise", "stripes", "dots", "grid"]


@dataclass(frozen=True)
class Item:
    """A shape on the canvas: `x`, `y` its centre, `radius` that of the circle around it, `turn` in degrees.

    `outline` is in units of the radius, before turning.
    """

    shape: Shape
    colour: Colour
    rgb: Rgb
    x: float
    y: float
    radius: float
    outline: tuple[tuple[float, float], ...]
    turn: float = 0.0
    style: Style = "filled"

    @property
    def points(self) -> list[tuple[float, float]]:
        """The turned outline in canvas pixels."""
        cos, sin = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        return [
            (self.x + self.radius * (x * cos - y * sin), self.y + self.radius * (x * sin + y * cos))
            for x, y in self.outline
        ]

    @property
    def area(self) -> float:
        """The area inside the outline in square pixels (the shoelace formula)."""
        following = (*self.outline[1:], self.outline[0])
        doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(self.outline, following, strict=True))
        return abs(doubled) / 2 * self.radius**2

    @property
    def kind(self) -> tuple[str, str]:
        """Colour and shape by name: what a description tells apart."""
        return self.colour.name, self.shape.name

    def bigger_than(self, other: Item) -> bool:
        """Whether anybody would call this the bigger of the two: clearly longer and clearly more area."""
        return self.radius >= 1.25 * other.radius and self.area >= 1.5 * other.area


@dataclass(frozen=True)
class Text:
    """A printed number or word: `x`, `y` its centre, `height` the font size, `turn` in degrees."""

    text: str
    rgb: Rgb
    x: float
    y: float
    height: float
    turn: float = 0.0
    colour: Colour | None = None

    @property
    def is_number(self) -> bool:
        """Whether the text is digits only."""
        return self.text.isdigit()


@dataclass(frozen=True)
class Background:
    """The canvas: its colour (None when it is none of the named ones), a second tone and a pattern between the two."""

    rgb: Rgb
    colour: Colour | None = None
    other: Rgb = (255, 255, 255)
    pattern: Pattern = "plain"


@dataclass(frozen=True)
class Scene:
    """A whole picture: canvas of `width` x `height` pixels, its background and what is on it."""

    width: int
    height: int
    background: Background
    items: tuple[Item, ...] = ()
    texts: tuple[Text, ...] = ()

    @property
    def span(self) -> float:
        """The shorter side in pixels, to which sizes relate."""
        return min(self.width, self.height)


COLOUR_BY_NAME = {colour.name: colour for colour in COLOURS}
SHAPE_BY_NAME = {shape.name: shape for shape in SHAPES}


def soft(rng: Random) -> Rgb:
    """A pale or dark tone that is none of the named colours."""
    if rng.random() < 0.7:
        return (rng.randint(205, 245), rng.randint(205, 245), rng.randint(205, 245))
    return (rng.randint(20, 70), rng.randint(20, 70), rng.randint(20, 70))


def background(rng: Random) -> Background:
    """White most often, then black, other named colours, pale tones, and patterns of little contrast."""
    kind = rng.random()
    if kind < 0.34:
        return Background(COLOUR_BY_NAME["white"].sample(rng), COLOUR_BY_NAME["white"])
    if kind < 0.44:
        return Background(COLOUR_BY_NAME["black"].sample(rng), COLOUR_BY_NAME["black"])
    if kind < 0.62:
        colour = rng.choice(COLOURS)
        return Background(colour.sample(rng), colour)
    base = soft(rng)
    if kind < 0.74:
        return Background(base)
    away = 25 if rng.random() < 0.7 else 45
    near = (
        clip(base[0] + rng.randint(-away, away)),
        clip(base[1] + rng.randint(-away, away)),
        clip(base[2] + rng.randint(-away, away)),
    )
    patterns: tuple[Pattern, ...] = ("gradient", "gradient", "noise", "stripes", "dots", "grid")
    return Background(base, None, near, rng.choice(patterns))


def clip(channel: int) -> int:
    """A channel value held within 0-255."""
    return min(255, max(0, channel))


def seen_on(rgb: Rgb, ground: Background, least: float = 130) -> bool:
    """Whether a thing of this colour stands out from the background."""
    grounds = [ground.rgb] if ground.pattern == "plain" else [ground.rgb, ground.other]
    return all(distance(rgb, tone) >= least for tone in grounds)


def coloured(colour: Colour, ground: Background, rng: Random) -> Rgb | None:
    """A value of `colour` that can be seen on `ground`, or None when there is none."""
    if colour == ground.colour:
        return None
    for _ in range(6):
        rgb = colour.sample(rng)
        if seen_on(rgb, ground):
            return rgb
    return None


@dataclass
class Canvas:
    """A scene in the making: finds room for one thing after another, so that nothing overlaps."""

    rng: Random
    width: int
    height: int
    ground: Background
    items: list[Item] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    @property
    def span(self) -> float:
        """The shorter side in pixels."""
        return min(self.width, self.height)

    def free(self, x: float, y: float, radius: float, gap: float = 1.12) -> bool:
        """Whether a disc at this place is inside the canvas and touches nothing."""
        if not (radius <= x <= self.width - radius and radius <= y <= self.height - radius):
            return False
        return all(((x - i.x) ** 2 + (y - i.y) ** 2) ** 0.5 >= (radius + i.radius) * gap for i in self.items)

    def room(self, radius: float, tries: int = 30) -> tuple[float, float] | None:
        """A free place for a disc of this radius, or None."""
        for _ in range(tries):
            x = self.rng.uniform(radius, self.width - radius)
            y = self.rng.uniform(radius, self.height - radius)
            if self.free(x, y, radius):
                return x, y
        return None

    def make(self, shape: Shape, colour: Colour, rgb: Rgb, radius: float, place: tuple[float, float]) -> Item:
        """An item with a turn and a style of its own."""
        turn = 0.0 if self.rng.random() < 0.5 else self.rng.uniform(-shape.turn, shape.turn)
        style: Style = "filled"
        if radius > 20 and self.rng.random() < 0.12:
            style = "edged" if self.rng.random() < 0.6 else "hollow"
        outline = tuple(shape.outline(self.rng))
        reach = max((x * x + y * y) ** 0.5 for x, y in outline)
        outline = tuple((x / reach, y / reach) for x, y in outline)
        return Item(shape, colour, rgb, place[0], place[1], radius, outline, turn, style)

    def put(self, shape: Shape, colour: Colour, radius: float, place: tuple[float, float] | None = None) -> Item | None:
        """Place a shape (anywhere free unless `place` is given); None when it has no room or could not be seen."""
        rgb = coloured(colour, self.ground, self.rng)
        place = place or self.room(radius)
        if rgb is None or place is None:
            return None
        item = self.make(shape, colour, rgb, radius, place)
        self.items.append(item)
        return item

    def scene(self) -> Scene:
        """The finished scene."""
        return Scene(self.width, self.height, self.ground, tuple(self.items), tuple(self.texts))
