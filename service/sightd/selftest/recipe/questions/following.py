"""Second turns that lean on the first: "And its colour?", "What about the square?", "And which is smaller?"."""

from __future__ import annotations

from random import Random

from .. import answers, refer
from ..phrases import Language, Turn, capital, choose
from ..scene import Item, Scene
from . import counting, describing, properties, reading, sizing

KIND = "follow-up"

ITS_COLOUR = {
    "en": (
        "And [its|the] [colour|color]?",
        "[And what|What] [colour|color] is it?",
        "What about [its|the] [colour|color]?",
        "And [which|what] [colour|color]?",
        "What is its [colour|color]?",
        "[Colour|Color]?",
    ),
    "zh": ("[那|]颜色呢？", "它[是|]什么颜色？", "是什么颜色的？", "那它的颜色呢？", "什么颜色？", "它的颜色是什么？"),
}
ITS_SHAPE = {
    "en": (
        "And [its|the] shape?",
        "[And what|What] shape is it?",
        "What about [its|the] shape?",
        "And which shape?",
        "What is its shape?",
        "Shape?",
    ),
    "zh": ("[那|]形状呢？", "它是什么形状？", "是什么形状的？", "那它的形状呢？", "什么形状？", "它的形状是什么？"),
}
AND_IT = {
    "en": ("And {it}?", "What about {it}?", "How about {it}?", "And what about {it}?", "{it}?", "OK, and {it}?"),
    "zh": ("[那|]{it}呢？", "那{it}是什么？", "还有{it}呢？", "{it}呢？"),
}
AND_THEM = {
    "en": ("And {them}?", "And how many {them}?", "What about {them}?", "How many {them}?", "How about {them}?"),
    "zh": ("[那|]{them}呢？", "那有几个{them}？", "{them}有几个？", "{them}呢？"),
}
AND_SMALLER = {
    "en": ("And [which|which one|what] is {more}?", "And the {more} one?", "Which [one |]is {more}?"),
    "zh": ("[那|]哪个更{more}？", "更{more}的呢？", "那更{more}的是哪个？"),
}


def its_other(scene: Scene, language: Language, rng: Random) -> list[Turn]:
    """Colour, then shape of the only thing; or the other way round; or either after a description."""
    if len(scene.items) != 1 or scene.texts:
        return []
    item = scene.items[0]
    openers = (properties.colour, properties.shape, describing.describe)
    pick = rng.randrange(3)
    first = openers[pick](scene, language, rng)
    if first is None:
        return []
    wants_shape = pick == 0 or (pick == 2 and rng.random() < 0.5)
    question = choose((ITS_SHAPE if wants_shape else ITS_COLOUR)[language], rng)
    answer = answers.shape(item.shape, language) if wants_shape else answers.colour(item.colour, language)
    return [first, Turn(KIND, language, question, answer)]


def another(scene: Scene, language: Language, rng: Random) -> list[Turn]:
    """The same property of another thing."""
    hidden = rng.choice(("colour", "shape"))
    ways = [(item, way) for item in scene.items for way in refer.pointers(scene, item, language, rng, hidden)]
    if len({item.kind for item, _ in ways}) < 2:
        return []
    (one, it), (other, that) = rng.choice(ways), rng.choice(ways)
    if one is other:
        return []
    patterns = properties.COLOUR if hidden == "colour" else properties.SHAPE
    first = Turn(hidden, language, capital(choose(patterns[language], rng, it=it)), tell(one, hidden, language))
    return [
        first,
        Turn(KIND, language, capital(choose(AND_IT[language], rng, it=that)), tell(other, hidden, language)),
    ]


def tell(item: Item, hidden: str, language: Language) -> str:
    """The item's colour or shape as an answer."""
    return answers.colour(item.colour, language) if hidden == "colour" else answers.shape(item.shape, language)


def count_again(scene: Scene, language: Language, rng: Random) -> list[Turn]:
    """The count of another sort."""
    first = counting.count(scene, language, rng)
    if first is None or len(scene.items) < 2:
        return []
    number, them = counting.sort(scene, language, rng)
    return [first, Turn(KIND, language, choose(AND_THEM[language], rng, them=them), answers.count(number, language))]


def other_size(scene: Scene, language: Language, rng: Random) -> list[Turn]:
    """The smaller after the bigger, or the colour or shape of the one just named."""
    if len(scene.items) != 2:
        return []
    first = sizing.bigger_of_two(scene, language, rng)
    if first is None:
        return []
    winner = sizing.extreme(list(scene.items), first.topic)
    assert winner is not None
    if rng.random() < 0.5:
        word = "smaller" if first.topic == "bigger" else "bigger"
        loser = next(item for item in scene.items if item is not winner)
        more = {"en": word, "zh": "小" if word == "smaller" else "大"}[language]
        return [
            first,
            Turn(KIND, language, choose(AND_SMALLER[language], rng, more=more), sizing.verdict(loser, word, language)),
        ]
    hidden = rng.choice(("colour", "shape"))
    question = choose((ITS_COLOUR if hidden == "colour" else ITS_SHAPE)[language], rng)
    return [first, Turn(KIND, language, question, tell(winner, hidden, language))]


def ink_too(scene: Scene, language: Language, rng: Random) -> list[Turn]:
    """The colour of a text that was just read."""
    if scene.items or not scene.texts or scene.texts[0].colour is None:
        return []
    first = reading.read(scene, language, rng)
    if first is None:
        return []
    return [
        first,
        Turn(KIND, language, choose(ITS_COLOUR[language], rng), answers.colour(scene.texts[0].colour, language)),
    ]


FOLLOWING = (its_other, another, count_again, other_size, ink_too)


def follow(scene: Scene, language: Language, rng: Random) -> list[Turn]:
    """Two turns of which the second leans on the first, or nothing where the picture does not allow it."""
    for make in rng.sample(FOLLOWING, len(FOLLOWING)):
        turns = make(scene, language, rng)
        if turns:
            return turns
    return []
