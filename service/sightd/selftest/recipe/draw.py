"""Scenes become pictures: Pillow drawing, with the marks that cameras, scanners and JPEG leave."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from . import fonts
from .colours import Rgb
from .scene import Background, Item, Scene, Text

Character = tuple[str, float, float]
"""A printed character and its centre in canvas pixels."""


@dataclass(frozen=True)
class Drawing:
    """A picture, and where its printed characters are."""

    picture: Image.Image
    characters: tuple[Character, ...] = ()


def draw(scene: Scene, rng: Random) -> Drawing:
    """The picture of a scene, RGB, of the scene's size; `rng` decides smoothing, strokes, fonts and damage."""
    scale = smoothing(scene, rng)
    picture = ground(scene.background, scene.width * scale, scene.height * scale, rng)
    pen = ImageDraw.Draw(picture)
    for item in scene.items:
        draw_item(pen, item, scale, rng)
    characters = [found for text in scene.texts for found in draw_text(picture, text, scale, rng)]
    if scale > 1:
        picture = picture.resize((scene.width, scene.height), Image.Resampling.BOX)
    return Drawing(damage(picture, rng), tuple(characters))


def smoothing(scene: Scene, rng: Random) -> int:
    """How many times larger to draw, for smooth edges: 1 (as ImageDraw leaves them), 2 or 3."""
    wanted = rng.choice((1, 1, 2, 2, 3))
    return wanted if scene.width * scene.height * wanted**2 < 1_500_000 else 1


def ground(background: Background, width: int, height: int, rng: Random) -> Image.Image:
    """The empty canvas."""
    if background.pattern == "plain":
        return Image.new("RGB", (width, height), background.rgb)
    mix = Image.fromarray((weights(background.pattern, width, height, rng) * 255).astype(np.uint8), "L")
    one, other = (Image.new("RGB", (width, height), rgb) for rgb in (background.rgb, background.other))
    return Image.composite(other, one, mix)


def weights(pattern: str, width: int, height: int, rng: Random) -> np.ndarray:
    """How much of the second tone each pixel has: float array [height, width] of 0 to 1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    period = max(4.0, rng.uniform(0.03, 0.2) * max(width, height))
    if pattern == "gradient":
        return np.asarray((along - along.min()) / max(1.0, float(np.ptp(along))))
    if pattern == "noise":
        return np.random.default_rng(rng.getrandbits(32)).random((height, width), dtype=np.float32)
    if pattern == "stripes":
        return np.asarray((along % period < period / 2).astype(np.float32))
    if pattern == "dots":
        return np.asarray(
            (((x % period - period / 2) ** 2 + (y % period - period / 2) ** 2) < (period / 5) ** 2).astype(np.float32)
        )
    return np.asarray(((x % period < period / 14) | (y % period < period / 14)).astype(np.float32))


def draw_item(pen: ImageDraw.ImageDraw, item: Item, scale: int, rng: Random) -> None:
    """One shape: filled, filled with a thin dark or light edge, or hollow with a thick stroke."""
    points = [(x * scale, y * scale) for x, y in item.points]
    if item.style == "hollow":
        stroke = max(3.0, item.radius * rng.uniform(0.12, 0.25)) * scale
        pen.line([*points, points[0], points[1]], fill=item.rgb, width=round(stroke), joint="curve")
        return
    pen.polygon(points, fill=item.rgb)
    if item.style == "edged":
        stroke = max(1, round(item.radius * rng.uniform(0.03, 0.09) * scale))
        pen.line([*points, points[0], points[1]], fill=edge(item.rgb), width=stroke, joint="curve")


def edge(rgb: Rgb) -> Rgb:
    """Black around light fills, white around dark ones."""
    return (0, 0, 0) if sum(rgb) > 250 else (255, 255, 255)


def draw_text(picture: Image.Image, text: Text, scale: int, rng: Random) -> list[Character]:
    """One printed text, turned about its centre. Returns its characters."""
    font = fitting(text, fonts.pick(rng), scale, picture.width)
    left, top, right, bottom = font.getbbox(text.text)
    stroke = round(text.height * scale * rng.uniform(0.01, 0.035)) if rng.random() < 0.2 else 0
    margin = stroke + 2
    size = (math.ceil(right - left) + 2 * margin, math.ceil(bottom - top) + 2 * margin)
    mask = Image.new("L", size, 0)
    ends = [font.getlength(text.text[:end]) for end in range(len(text.text) + 1)]
    from_centre = [margin - left + (start + end) / 2 - size[0] / 2 for start, end in pairwise(ends)]
    ImageDraw.Draw(mask).text((margin - left, margin - top), text.text, fill=255, font=font, stroke_width=stroke)
    if text.turn:
        mask = mask.rotate(text.turn, Image.Resampling.BICUBIC, expand=True)
    corner = (round(text.x * scale - mask.width / 2), round(text.y * scale - mask.height / 2))
    picture.paste(Image.new("RGB", mask.size, text.rgb), corner, mask)
    cos, sin = math.cos(math.radians(text.turn)), math.sin(math.radians(text.turn))
    return [
        (character, text.x + along * cos / scale, text.y - along * sin / scale)
        for character, along in zip(text.text, from_centre, strict=True)
    ]


def fitting(text: Text, path: Path | None, scale: int, width: int) -> ImageFont.FreeTypeFont:
    """The font at the text's height, or smaller where the text would be wider than the canvas."""
    size = max(8, round(text.height * scale))
    left, _, right, _ = fonts.load(path, size).getbbox(text.text)
    room = 2 * min(text.x * scale, width - text.x * scale) * 0.94
    return fonts.load(path, max(8, min(size, int(size * room / (right - left)))))


def damage(picture: Image.Image, rng: Random) -> Image.Image:
    """Sensor noise, slight blur and JPEG at times; PNG, which loses nothing, the rest of the time."""
    if rng.random() < 0.12:
        noise = np.random.default_rng(rng.getrandbits(32)).normal(
            0, rng.uniform(2, 9), (picture.height, picture.width, 1)
        )
        picture = Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.08 and min(picture.size) > 160:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.1)))
    if rng.random() < 0.45:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=rng.randint(45, 95))
        picture = Image.open(stored).convert("RGB")
    return picture
