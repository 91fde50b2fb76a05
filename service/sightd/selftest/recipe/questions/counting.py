"""How many: things of a shape, of a colour, of both, or in all."""

from __future__ import annotations

from random import Random

from .. import answers, refer
from ..colours import COLOURS
from ..phrases import Language, Turn, vary
from ..scene import Scene
from ..shapes import SHAPES
from .properties import ask

COUNT = {
    "en": (
        "How many {them} are [there|in the picture|in this image|in the image|shown|visible]?",
        "How many {them}?",
        "How many {them} [do you see|can you see|can you count|does the picture show]?",
        "Count the {them}.",
        "What is the number of {them}?",
        "[Tell me|Give me|State] how many {them} there are.",
        "[Please count|Could you count] the {them}[ in the picture|]?",
        "How many {them} are there in [total|all|this picture]?",
        "I need the number of {them}.",
        "[Can|Could] you tell me how many {them} there are?",
        "Number of {them}?",
        "How many {them} appear in the [image|picture]?",
        "How many {them} [are drawn|have been drawn|are displayed] [here|]?",
    ),
    "zh": (
        "有几个{them}？",
        "[图中|图片中|图里|图片里|这张图里|画面中][一共|总共|]有[几个|多少个|多少]{them}？",
        "[一共|总共]有[几个|多少个]{them}？",
        "数一数[有几个|有多少个|]{them}。",
        "{them}有[几个|多少个|多少]？",
        "[请数|请数一下|数数]{them}[的数量|有几个|]。",
        "{them}的数量是多少？",
        "请问有[几个|多少个]{them}？",
        "你能数出[几个|多少个]{them}？",
        "[告诉我|说出]{them}的[数量|个数]。",
        "[图中|图片里]{them}的[数量|个数]？",
        "能看到[几个|多少个]{them}？",
    ),
}
OF_COLOUR = {
    "en": (
        "How many [of them |of the shapes |]are {tone}?",
        "How many [shapes|objects|things|figures] are {tone}?",
        "How many {tone} ones are there?",
        "Count the {tone} ones.",
        "How many {tone} ones?",
    ),
    "zh": (
        "[图中|]有几个是{tone}的？",
        "{tone}的有[几个|多少个|多少]？",
        "几个[图形|形状|]是{tone}的？",
        "数一数{tone}的有几个。",
    ),
}
ALL = {"en": "[shapes|shapes|objects|figures|things|items]", "zh": "[图形|图形|物体|形状|东西]"}


def count(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """How many of some sort there are; seldom of a sort that is not there at all."""
    if not scene.items and rng.random() < 0.7:
        return None
    if scene.items and rng.random() < 0.12:
        colour = rng.choice(scene.items).colour
        number = sum(i.colour == colour for i in scene.items)
        answer = (answers.count(number, language), answers.count(number, language, bare=True))
        return ask("count", OF_COLOUR, language, answer, rng, "count", tone=refer.colour_word(colour, language, rng))
    number, them = sort(scene, language, rng)
    answer = (answers.count(number, language), answers.count(number, language, bare=True))
    return ask("count", COUNT, language, answer, rng, "count", them=them)


def sort(scene: Scene, language: Language, rng: Random) -> tuple[int, str]:
    """A sort of thing and how many of it there are."""
    chance = rng.random()
    items = scene.items
    if chance < 0.3 or not items:
        return len(items), vary(ALL[language], rng)
    item = rng.choice(items)
    shape, colour = item.shape, item.colour
    if rng.random() < 0.12:
        shape, colour = rng.choice(SHAPES), rng.choice(COLOURS)
    if chance < 0.6:
        return sum(i.shape == shape for i in items), many(refer.shape_word(shape, language, rng), language)
    tone = refer.colour_word(colour, language, rng)
    if chance < 0.78:
        rest = vary(ALL[language], rng)
        return sum(i.colour == colour for i in items), f"{tone} {rest}" if language == "en" else f"{tone}的{rest}"
    number = sum(i.shape == shape and i.colour == colour for i in items)
    noun = many(refer.shape_word(shape, language, rng), language)
    return number, f"{tone} {noun}" if language == "en" else tone + rng.choice(("的", "的", "")) + noun


def many(noun: str, language: Language) -> str:
    """The plural where the language has one."""
    return answers.plural(noun) if language == "en" else noun
