"""Short films: a scene whose things stand still or move together, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from PIL import Image

from . import layouts, refer
from .draw import draw
from .phrases import Language, Turn, around, capital, choose
from .scene import Scene

DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
MOVES = {
    "left": ("To the left.", "向左。"),
    "right": ("To the right.", "向右。"),
    "up": ("Up.", "向上。"),
    "down": ("Down.", "向下。"),
    "": ("It does not move.", "没有移动。"),
}
MOTION = {
    "en": (
        "[In which direction|Which way] [does {it} move|is {it} moving|does {it} go]?",
        "Where does {it} move [to|]?",
        "How does {it} move?",
        "What is the direction of the motion?",
        "What happens in the video?",
        "Describe the motion[ in the video|].",
        "To which side does {it} move?",
    ),
    "zh": (
        "{it}[向|往][哪个方向|哪边|哪里]移动？",
        "{it}的移动方向是什么？",
        "{it}怎么[移动|动]？",
        "视频中发生了什么？",
        "{it}朝哪个方向运动？",
        "描述视频中的运动。",
    ),
}


@dataclass(frozen=True)
class Film:
    """Frames of one size with their times in seconds, the scene of the middle frame and the direction of motion."""

    frames: list[Image.Image]
    times: list[float]
    scene: Scene
    direction: str


def film(rng: Random, size: tuple[int, int]) -> Film:
    """Two to eight frames; one thing that moves or stands, or printed text."""
    count = rng.choice((2, 4, 4, 6, 8))
    per_second = rng.choice((1.0, 2.0, 2.0, rng.uniform(0.5, 5)))
    scene = layouts.written(rng, size) if rng.random() < 0.15 else small(rng, size)
    direction = rng.choice(("", *DIRECTIONS, *DIRECTIONS)) if scene.items and not scene.texts else ""
    look = rng.getrandbits(32)
    frames = [draw(moved(scene, direction, i / (count - 1) - 0.5), Random(look)) for i in range(count)]
    return Film(frames, [i / per_second for i in range(count)], scene, direction)


def small(rng: Random, size: tuple[int, int]) -> Scene:
    """One thing near the middle, with room to move."""
    scene = layouts.single(rng, size)
    item = scene.items[0]
    x, y = scene.width * rng.uniform(0.42, 0.58), scene.height * rng.uniform(0.42, 0.58)
    return replace(scene, items=(replace(item, radius=min(item.radius, 0.2 * scene.span), x=x, y=y),))


def moved(scene: Scene, direction: str, share: float) -> Scene:
    """The scene with its thing moved by `share` of the way across."""
    if not direction:
        return scene
    dx, dy = DIRECTIONS[direction]
    item = scene.items[0]
    return replace(
        scene,
        items=(replace(item, x=item.x + dx * share * 0.5 * scene.width, y=item.y + dy * share * 0.5 * scene.height),),
    )


def motion(shown: Film, language: Language, rng: Random) -> Turn | None:
    """Which way the thing moves."""
    if not shown.scene.items or shown.scene.texts:
        return None
    it = (
        rng.choice([refer.by_shape, refer.by_kind, refer.by_colour])(shown.scene.items[0], language, rng)
        if rng.random() < 0.6
        else refer.it(language, rng)
    )
    question = capital(choose(MOTION[language], rng, it=it))
    return Turn(
        "motion", language, around(question, language, rng), MOVES[shown.direction][0 if language == "en" else 1]
    )
