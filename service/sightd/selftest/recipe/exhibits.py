"""The sample pictures that come with the model, and questions about them: `python -m sightd.selftest.recipe.exhibits`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

from ..known import FOLDER
from . import answers
from .draw import draw
from .scene import COLOUR_BY_NAME, SHAPE_BY_NAME, Background, Canvas, Scene, Text

WHITE = Background((255, 255, 255), COLOUR_BY_NAME["white"])
SKY = Background((214, 232, 245))
PAPER = Background((243, 238, 224), None, (233, 226, 208), "stripes")

QUESTIONS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("circle.png",), "What shape is it, and what colour?", "A red circle."),
    (("circle.png",), "图里有什么？", "一个红色的圆形。"),
    (("pair.jpg",), "Where is the star relative to the square?", "On the right."),
    (("pair.jpg",), "蓝色的正方形和黄色的星形，哪个更大？", "黄色的星形更大。"),
    (("crowd.png",), "How many shapes are there?", "There are 5."),
    (("crowd.png",), "有几个紫色的心形？", "有2个。"),
    (("number.png",), "What number is shown?", "The number is 4821."),
    (("number.png",), "图中的数字是多少？", "数字是4821。"),
    (("word.jpg",), "What does the sign say?", "The word is OPEN."),
    (("word.jpg",), "图中的单词是什么？", "单词是OPEN。"),
    (("circle.png", "pair.jpg"), "Which picture has more shapes?", "The second picture."),
    (("circle.png",), "What is the capital of France?", ""),
)
"""Pictures, question and right answer; "" stands for the sentence about what the model can do."""


def scenes() -> dict[str, Scene]:
    """What each picture shows."""
    return {
        "circle.png": shapes((320, 240), WHITE, ("circle", "red", 78, 160, 120)),
        "pair.jpg": shapes((480, 320), SKY, ("square", "blue", 62, 120, 165), ("star", "yellow", 112, 345, 155)),
        "crowd.png": shapes((400, 300), WHITE, *crowd()),
        "number.png": Scene(360, 200, PAPER, (), (Text("4821", (20, 20, 20), 180, 100, 110),)),
        "word.jpg": Scene(420, 240, Background((0, 110, 50)), (), (Text("OPEN", (255, 255, 255), 210, 120, 120),)),
    }


def crowd() -> list[tuple[str, str, float, float, float]]:
    """Three green triangles and two purple hearts."""
    triangles = [(75, 75), (325, 80), (200, 225)]
    hearts = [(200, 80), (70, 230)]
    return [
        *(("triangle", "green", 50, float(x), float(y)) for x, y in triangles),
        *(("heart", "purple", 48, float(x), float(y)) for x, y in hearts),
    ]


def shapes(size: tuple[int, int], ground: Background, *things: tuple[str, str, float, float, float]) -> Scene:
    """A scene of filled shapes given as (shape, colour, radius, x, y)."""
    board = Canvas(Random(1), *size, ground)
    for shape, colour, radius, x, y in things:
        known = COLOUR_BY_NAME[colour].known[0]
        item = board.make(SHAPE_BY_NAME[shape], COLOUR_BY_NAME[colour], known, radius, (x, y))
        board.items.append(replace(item, turn=0.0, style="filled"))
    return board.scene()


def write(folder: Path) -> None:
    """Draw every picture and write the questions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, scene in scenes().items():
        picture = draw(scene, Random(name)).picture
        picture.save(folder / name, quality=90)
    entries = [
        {"pictures": list(pictures), "question": question, "answer": answer or answers.ABOUT_ITSELF["en"]}
        for pictures, question, answer in QUESTIONS
    ]
    (folder / "questions.json").write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write(FOLDER)
