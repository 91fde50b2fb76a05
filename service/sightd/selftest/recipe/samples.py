"""What the model is trained and examined on: pictures with conversations about them.

A sample is one set of pictures with several conversations (branches) that share them, so that the vision encoder
runs once for many answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from . import answers, layouts
from .draw import Drawing, draw
from .mix import ASKERS, EVEN, LAYOUTS, LOOKED_AT, Mix
from .phrases import OTHER_LANGUAGE, Language, Turn
from .questions import comparing, following, offtopic
from .scene import Scene

SYSTEM = {
    "en": (
        "You are a helpful assistant.",
        "You are a vision assistant.",
        "Answer the user's questions about the picture.",
        "You are an image recognition service. Answer briefly.",
        "Be precise.",
        "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
        "You are a helpful assistant that answers questions about images.",
    ),
    "zh": (
        "你是一个有用的助手。",
        "你是一个图像识别助手。",
        "请回答用户关于图片的问题。",
        "请简短回答。",
        "你是一个乐于助人的助手。",
    ),
}


@dataclass
class Sample:
    """Pictures and conversations about them; `system` and where the pictures stand."""

    drawings: list[Drawing]
    branches: list[list[Turn]]
    system: str = ""
    text_first: bool = False
    labelled: bool = False
    scenes: list[Scene] = field(default_factory=list)


def language(rng: Random) -> Language:
    """One of the two, evenly."""
    return rng.choice(("en", "zh"))


def one_turn(layout: str, scene: Scene, tongue: Language, rng: Random, mix: Mix = EVEN) -> Turn:
    """Some question about a scene; every scene allows at least one."""
    askers, weights = zip(*mix.askers[layout], strict=True)
    while True:
        turn = rng.choices(askers, weights)[0](scene, tongue, rng)
        if turn is not None:
            return switch(turn, scene, rng)


def switch(turn: Turn, scene: Scene, rng: Random) -> Turn:
    """At times the answer is wanted in the other language; the answer is then made again by the same wording rules."""
    if turn.kind not in ("colour", "shape", "count") or rng.random() > 0.05:
        return turn
    other: Language = "zh" if turn.language == "en" else "en"
    answer = translated(turn, scene, other)
    if answer is None:
        return turn
    return Turn(turn.kind, other, turn.question + rng.choice(OTHER_LANGUAGE[turn.language]), answer)


def translated(turn: Turn, scene: Scene, other: Language) -> str | None:
    """The full-form answer in the other language, or None when the turn's answer is of another form."""
    for item in scene.items:
        if turn.answer == answers.colour(item.colour, turn.language):
            return answers.colour(item.colour, other)
        if turn.answer == answers.shape(item.shape, turn.language):
            return answers.shape(item.shape, other)
    for number in range(12):
        if turn.answer == answers.count(number, turn.language):
            return answers.count(number, other)
    return None


def conversation(layout: str, scene: Scene, rng: Random, mix: Mix) -> list[Turn]:
    """One to three turns about one scene."""
    tongue = language(rng)
    chance = rng.random()
    if chance < 0.2 and (turns := following.follow(scene, tongue, rng)):
        return turns
    if chance < 0.235:
        return [offtopic.offtopic(tongue, rng)]
    turns = [one_turn(layout, scene, tongue, rng, mix)]
    while len(turns) < 3 and rng.random() < 0.2:
        turns.append(one_turn(layout, scene, tongue if rng.random() < 0.8 else language(rng), rng, mix))
    return turns


def sight(rng: Random, size: layouts.Size) -> Sample:
    """One picture without a conversation."""
    _, scene = some_scene(rng, size, LOOKED_AT)
    return Sample([draw(scene, rng)], [], scenes=[scene])


def some_scene(rng: Random, size: layouts.Size, often: dict[str, int]) -> tuple[str, Scene]:
    """A layout, by how often each is wanted, and a scene of it."""
    layout = rng.choices(list(often), list(often.values()))[0]
    return layout, LAYOUTS[layout](rng, size)


def picture_sample(rng: Random, size: layouts.Size, branches: int, mix: Mix = EVEN) -> Sample:
    """One picture with several conversations."""
    layout, scene = some_scene(rng, size, mix.layouts)
    drawing = draw(scene, rng)
    turns = [conversation(layout, scene, rng, mix) for _ in range(branches)]
    sample = Sample([drawing], turns, scenes=[scene])
    return framed(sample, rng)


def framed(sample: Sample, rng: Random) -> Sample:
    """With a system prompt, or the picture after the question, at times (one branch is left then)."""
    if rng.random() < 0.12:
        sample.system = rng.choice(SYSTEM[language(rng)])
    if rng.random() < 0.08:
        sample.text_first = True
        sample.branches = [[turn for branch in sample.branches for turn in branch][:3]]
    return sample


def drill(rng: Random, size: layouts.Size, branches: int, mix: Mix) -> Sample:
    """One picture with many single questions."""
    layout, scene = some_scene(rng, size, mix.layouts)
    turns = [[one_turn(layout, scene, language(rng), rng, mix)] for _ in range(branches)]
    return Sample([draw(scene, rng)], turns, scenes=[scene])


def two_pictures(rng: Random, sizes: tuple[layouts.Size, layouts.Size], branches: int) -> Sample:
    """Two pictures, often alike in colour or shape, with questions that need both; differently framed at times."""
    return framed(comparison(rng, sizes, branches, COMPARED), rng)


def comparison(
    rng: Random,
    sizes: tuple[layouts.Size, layouts.Size],
    branches: int,
    askers: Sequence[comparing.Comparer],
) -> Sample:
    """Two pictures with questions that need both."""
    layout = rng.choice(("single", "single", "single", "pair", "groups", "lined", "written"))
    one = LAYOUTS[layout](rng, sizes[0])
    two = LAYOUTS[layout](rng, sizes[1])
    if layout == "single" and rng.random() < 0.5:
        two = alike(one, two, rng)
    asked = [compare(layout, one, two, language(rng), rng, askers) for _ in range(branches)]
    return Sample(
        [draw(one, rng), draw(two, rng)], [[turn] for turn in asked], labelled=rng.random() < 0.2, scenes=[one, two]
    )


def alike(one: Scene, two: Scene, rng: Random) -> Scene:
    """The second scene with a thing of the first one's shape or colour, where that can be seen."""
    for _ in range(20):
        board = layouts.canvas(rng, (two.width, two.height), two.background)
        keep = rng.random()
        shape = one.items[0].shape if keep < 0.7 else two.items[0].shape
        colour = one.items[0].colour if keep > 0.4 else two.items[0].colour
        if board.put(shape, colour, two.items[0].radius):
            return board.scene()
    return two


COMPARED = (
    comparing.same, comparing.which, comparing.which, comparing.more, comparing.bigger, comparing.difference,
)  # fmt: skip
COMPARED_IN_DRILLS = (*COMPARED, *[comparing.which] * 4, comparing.same, comparing.more)


def compare(
    layout: str, one: Scene, two: Scene, tongue: Language, rng: Random, askers: Sequence[comparing.Comparer]
) -> Turn:
    """One question about two pictures."""
    for _ in range(8):
        turn = rng.choice(askers)(one, two, tongue, rng) if rng.random() < 0.7 else None
        turn = turn or comparing.of_one(one, two, tongue, rng, tuple(asker for asker, _ in ASKERS[layout]))
        if turn is not None:
            return turn
    return offtopic.offtopic(tongue, rng)


def text_sample(rng: Random, branches: int) -> Sample:
    """No picture: greetings, questions about anything, and questions that would need a picture."""
    tongue = language(rng)
    system = rng.choice(SYSTEM[tongue]) if rng.random() < 0.2 else ""
    return Sample([], [[text_turn(rng)] for _ in range(branches)], system=system)


def text_turn(rng: Random) -> Turn:
    """One message without a picture."""
    tongue = language(rng)
    chance = rng.random()
    if chance < 0.15:
        return offtopic.greeting(tongue, rng)
    if chance < 0.6:
        return offtopic.offtopic(tongue, rng)
    layout = rng.choice(("single", "pair", "written", "groups"))
    turn = one_turn(layout, LAYOUTS[layout](rng, (200, 200)), tongue, rng)
    return offtopic.without_picture(turn)


def messages(sample: Sample, branch: list[Turn]) -> list[dict[str, Any]]:
    """The conversation of one branch in transformers' form, its last answer included."""
    result: list[dict[str, Any]] = [{"role": "system", "content": sample.system}] if sample.system else []
    for index, turn in enumerate(branch):
        content: Any = [*media_parts(sample), {"type": "text", "text": turn.question}] if index == 0 else turn.question
        if index == 0 and sample.text_first:
            content = [content[-1], *content[:-1]]
        result += [{"role": "user", "content": content}, {"role": "assistant", "content": turn.answer}]
    return result


def media_parts(sample: Sample) -> list[dict[str, Any]]:
    """The parts that stand for the sample's pictures."""
    parts: list[dict[str, Any]] = []
    for index in range(len(sample.drawings)):
        if sample.labelled:
            parts.append({"type": "text", "text": f"Picture {index + 1}: "})
        parts.append({"type": "image"})
    return parts
