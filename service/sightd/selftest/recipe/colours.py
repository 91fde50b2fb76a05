"""The colours that the embedded model names, and how their RGB values are drawn.

A colour is sampled from well-known values (CSS, plotting and Material palettes) and from a box in HSV space.
The boxes leave gaps between neighbours, so that no value could honestly be called by two names.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from random import Random

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Colour:
    """A named colour: English and Chinese name, synonyms used in questions, and what RGB values it covers."""

    name: str
    zh: str
    hue: tuple[float, float]
    saturation: tuple[float, float]
    value: tuple[float, float]
    known: tuple[Rgb, ...]
    zh_synonyms: tuple[str, ...] = ()

    def sample(self, rng: Random) -> Rgb:
        """An RGB value (0-255) that people would call by this name."""
        if rng.random() < 0.5:
            return jitter(rng.choice(self.known), rng, 6)
        hue = rng.uniform(*self.hue) % 360 / 360
        red, green, blue = colorsys.hsv_to_rgb(hue, rng.uniform(*self.saturation), rng.uniform(*self.value))
        return round(red * 255), round(green * 255), round(blue * 255)


def jitter(rgb: Rgb, rng: Random, spread: int) -> Rgb:
    """The same colour moved by at most `spread` in each channel."""
    red, green, blue = (min(255, max(0, channel + rng.randint(-spread, spread))) for channel in rgb)
    return red, green, blue


def distance(one: Rgb, other: Rgb) -> float:
    """How far two colours are apart for the eye, 0 to about 765 (the "redmean" approximation of CIE distance)."""
    mean = (one[0] + other[0]) / 2
    red, green, blue = (a - b for a, b in zip(one, other, strict=True))
    return float(((2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2) ** 0.5)


COLOURS: tuple[Colour, ...] = (
    Colour(
        "red",
        "红色",
        (352, 366),
        (0.78, 1),
        (0.72, 1),
        ((255, 0, 0), (220, 20, 60), (214, 39, 40), (229, 57, 53), (200, 0, 0), (244, 67, 54)),
    ),
    Colour(
        "orange",
        "橙色",
        (22, 38),
        (0.82, 1),
        (0.9, 1),
        ((255, 165, 0), (255, 140, 0), (255, 127, 14), (255, 152, 0), (240, 130, 20)),
        ("橘色", "橘黄色"),
    ),
    Colour(
        "yellow",
        "黄色",
        (50, 62),
        (0.7, 1),
        (0.88, 1),
        ((255, 255, 0), (255, 215, 0), (255, 235, 59), (253, 216, 53), (240, 230, 40)),
    ),
    Colour(
        "green",
        "绿色",
        (95, 148),
        (0.5, 1),
        (0.36, 1),
        (
            (0, 128, 0),
            (0, 255, 0),
            (34, 139, 34),
            (44, 160, 44),
            (76, 175, 80),
            (0, 200, 0),
            (0, 100, 0),
            (50, 205, 50),
        ),
    ),
    Colour(
        "cyan",
        "青色",
        (176, 190),
        (0.65, 1),
        (0.75, 1),
        ((0, 255, 255), (0, 206, 209), (0, 188, 212), (23, 190, 207), (64, 224, 208)),
    ),
    Colour(
        "blue",
        "蓝色",
        (207, 240),
        (0.6, 1),
        (0.5, 1),
        ((0, 0, 255), (30, 60, 220), (31, 119, 180), (33, 150, 243), (65, 105, 225), (0, 0, 139), (30, 144, 255)),
    ),
    Colour(
        "purple",
        "紫色",
        (268, 296),
        (0.5, 1),
        (0.45, 0.9),
        ((128, 0, 128), (148, 103, 189), (156, 39, 176), (138, 43, 226), (153, 50, 204), (103, 58, 183)),
    ),
    Colour(
        "pink",
        "粉色",
        (326, 346),
        (0.25, 0.65),
        (0.92, 1),
        ((255, 192, 203), (255, 105, 180), (255, 182, 193), (255, 20, 147), (240, 98, 146), (227, 119, 194)),
        ("粉红色",),
    ),
    Colour(
        "brown",
        "棕色",
        (15, 29),
        (0.48, 0.85),
        (0.34, 0.58),
        ((139, 69, 19), (165, 42, 42), (121, 85, 72), (160, 82, 45), (101, 67, 33), (140, 86, 75)),
        ("褐色", "咖啡色"),
    ),
    Colour("black", "黑色", (0, 360), (0, 0.3), (0, 0.12), ((0, 0, 0), (10, 10, 10), (26, 26, 26))),
    Colour("white", "白色", (0, 360), (0, 0.02), (0.97, 1), ((255, 255, 255), (250, 250, 250), (245, 245, 245))),
    Colour(
        "gray",
        "灰色",
        (0, 360),
        (0, 0.05),
        (0.42, 0.72),
        ((128, 128, 128), (127, 127, 127), (150, 150, 150), (105, 105, 105), (169, 169, 169)),
    ),
)
