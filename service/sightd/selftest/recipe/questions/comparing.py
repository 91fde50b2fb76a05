"""Questions about two pictures: the same or not, which of them, and what one of them shows."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from .. import refer
from ..phrases import Language, Turn, around, choose
from ..scene import Scene

SAME = {
    "en": (
        "Do the [two|] [shapes|objects|figures] have the same {what}?",
        "Are the [two|] [shapes|objects] of the same {what}?",
        "Do both [pictures|images] show the same {what}?",
        "Is the {what} the same in both [pictures|images]?",
        "Do the two [pictures|images] have the same {what}?",
    ),
    "zh": (
        "[两张图片|两张图|两幅图]的[图形|]{what}[相同吗|一样吗|是否相同|是不是一样]？",
        "[两张图片|两张图]中[图形|物体]的{what}[相同吗|一样吗]？",
        "{what}[一样吗|相同吗]？",
    ),
}
WHICH = {
    "en": (
        "[Which|In which] [picture|image] [shows|has|contains|is] [the|a] {what}?",
        "Which of the two [pictures|images] [shows|has|contains] [the|a] {what}?",
        "Where is the {what}, in the first or the second [picture|image]?",
        "Is the {what} in the first or in the second [picture|image]?",
    ),
    "zh": (
        "[哪张图片|哪张图|哪一张|哪幅图][里有|中有|有]{what}？",
        "{what}在[哪张图片|哪张图|第几张图|哪一张图][里|中]？",
        "{what}在第一张[图|图片]还是第二张[图|图片]？",
    ),
}
MORE = {
    "en": (
        "Which [picture|image] [has|shows|contains] more [shapes|objects|things]?",
        "In which [picture|image] are there more [shapes|objects]?",
        "Which of the two [pictures|images] has more [shapes|objects] in it?",
    ),
    "zh": (
        "[哪张图片|哪张图|哪一张图][里的|中的|的][图形|物体|形状][更多|多]？",
        "[哪张图片|哪张图|哪一张][有更多的|的]图形[？|更多？]",
    ),
}
BIGGER = {
    "en": (
        "In which [picture|image] is the [shape|object] {more}?",
        "Which [picture|image] shows the {more} [shape|object]?",
        "Is the [shape|object] {more} in the first or in the second [picture|image]?",
    ),
    "zh": (
        "[哪张图片|哪张图|哪一张图][里的|中的|的][图形|物体]{more}？",
        "第一张和第二张[图|图片]，哪张的图形{more}？",
    ),
}
OF_ONE = {
    "en": (
        "In the {nth} [picture|image], {ask}",
        "{ask} I mean the {nth} [picture|image].",
        "About the {nth} [picture|image]: {ask}",
        "Look at the {nth} [picture|image]. {ask}",
    ),
    "zh": ("第{nth}张[图片|图]：{ask}", "看第{nth}张[图片|图]，{ask}", "在第{nth}张[图片|图]中，{ask}"),
}
PICTURES = {0: ("The first picture.", "第一张。"), 1: ("The second picture.", "第二张。")}
DIFFERENCE = {
    "en": (
        "What [is different|has changed|differs] between the two [pictures|images]?",
        "What is the difference between the [two|] [pictures|images]?",
        "How do the two [pictures|images] differ?",
    ),
    "zh": (
        "[两张图片|两张图]有什么[不同|区别|差别]？",
        "[两张图片|两张图]的[区别|不同之处]是什么？",
        "两张图哪里不一样？",
    ),
}

Asker = Callable[[Scene, Language, Random], Turn | None]
Comparer = Callable[[Scene, Scene, Language, Random], Turn | None]
"""Who asks about both pictures."""


def the_picture(index: int, language: Language) -> str:
    """For example "The first picture."."""
    return PICTURES[index][0 if language == "en" else 1]


def same(one: Scene, two: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether both show the same shape or colour."""
    if len(one.items) != 1 or len(two.items) != 1:
        return None
    first, second = one.items[0], two.items[0]
    hidden = rng.choice(("colour", "shape"))
    yes = first.colour == second.colour if hidden == "colour" else first.shape == second.shape
    what = {"colour": ("[colour|color]", "颜色"), "shape": ("shape", "形状")}[hidden][0 if language == "en" else 1]
    text = choose(tuple(pattern.replace("{what}", what) for pattern in SAME[language]), rng)
    return Turn("comparison", language, around(text, language, rng), same_answer(yes, language), "same")


def same_answer(yes: bool, language: Language) -> str:
    """For example "Yes, it is the same." in the form that cannot be misread."""
    if language == "en":
        return "Yes, the same." if yes else "No, different."
    return "相同。" if yes else "不同。"


def which(one: Scene, two: Scene, language: Language, rng: Random) -> Turn | None:
    """In which picture something is."""
    scenes = (one, two)
    index = rng.randrange(2)
    if not scenes[index].items:
        return None
    item = rng.choice(scenes[index].items)
    others = scenes[1 - index].items
    ways = []
    if all(item.shape != other.shape for other in others):
        ways.append(refer.shape_word(item.shape, language, rng))
    if all(item.kind != other.kind for other in others):
        ways.append(refer.full(item, language, rng))
    if not ways:
        return None
    question = choose(WHICH[language], rng, what=rng.choice(ways)).replace(
        "In which picture is a", "Which picture shows a"
    )
    return Turn("comparison", language, around(question, language, rng), the_picture(index, language), "which")


def more(one: Scene, two: Scene, language: Language, rng: Random) -> Turn | None:
    """Which picture has more things."""
    if len(one.items) == len(two.items):
        return None
    return Turn(
        "comparison",
        language,
        around(choose(MORE[language], rng), language, rng),
        the_picture(int(len(two.items) > len(one.items)), language),
        "more",
    )


def bigger(one: Scene, two: Scene, language: Language, rng: Random) -> Turn | None:
    """In which picture the thing is bigger, measured against the picture."""
    if len(one.items) != 1 or len(two.items) != 1:
        return None
    first, second = (s.items[0].radius / s.span for s in (one, two))
    if max(first, second) < 1.35 * min(first, second):
        return None
    word = rng.choice(("bigger", "smaller"))
    form = {"bigger": ("[bigger|larger]", "[更大|大]"), "smaller": ("smaller", "[更小|小]")}[word][
        0 if language == "en" else 1
    ]
    index = int((second > first) == (word == "bigger"))
    question = choose(tuple(p.replace("{more}", form) for p in BIGGER[language]), rng)
    return Turn("comparison", language, around(question, language, rng), the_picture(index, language), word)


def difference(one: Scene, two: Scene, language: Language, rng: Random) -> Turn | None:
    """What differs between two pictures of one thing each: its colour, its shape, or both."""
    if len(one.items) != 1 or len(two.items) != 1:
        return None
    first, second = one.items[0], two.items[0]
    if first.kind == second.kind:
        return None
    parts = [
        name for name, a, b in (("colour", first.colour, second.colour), ("shape", first.shape, second.shape)) if a != b
    ]
    zh = {"colour": "颜色", "shape": "形状"}
    answer = f"The {' and the '.join(parts)}." if language == "en" else f"{'和'.join(zh[p] for p in parts)}不同。"
    return Turn("comparison", language, around(choose(DIFFERENCE[language], rng), language, rng), answer, "difference")


def of_one(one: Scene, two: Scene, language: Language, rng: Random, askers: tuple[Asker, ...]) -> Turn | None:
    """Any question about one of the two pictures."""
    index = rng.randrange(2)
    turn = rng.choice(askers)((one, two)[index], language, rng)
    if turn is None:
        return None
    nth = (("first", "second") if language == "en" else ("一", "二"))[index]
    question = choose(OF_ONE[language], rng, nth=nth, ask="{ask}").replace("{ask}", turn.question)
    return Turn("comparison", language, question, turn.answer, turn.topic)
