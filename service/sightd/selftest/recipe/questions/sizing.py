"""Which is bigger or smaller, of two things or of all."""

from __future__ import annotations

from random import Random

from .. import answers, refer
from ..phrases import BARE, Language, Turn, around, capital, choose, vary
from ..scene import Item, Scene
from .placing import two

OF_TWO = {
    "en": (
        "[Which|Which one|Which shape] is {more}, {it} or {other}?",
        "[What|Which] is {more}: {it} or {other}?",
        "Which of {it} and {other} is {more}?",
        "[Tell me|Say] which is {more}, {it} or {other}.",
        "Is {it} or {other} {more}?",
        "Of {it} and {other}, which is {more}?",
        "Compare {it} and {other}: which is {more}?",
    ),
    "zh": (
        "{it}和{other}[哪个|哪一个|谁]{more}？",
        "哪个{more}，{it}还是{other}？",
        "{it}跟{other}比，哪个{more}？",
        "{it}和{other}相比，[哪个|谁]{more}？",
        "[比较一下|比较]{it}和{other}，哪个{more}？",
        "是{it}{more}还是{other}{more}？",
    ),
}
OF_ALL = {
    "en": (
        "[Which|What] is the {most} [shape|object|one|thing|figure]?",
        "[Which|What] [shape|object|thing|figure] is the {most}?",
        "[Name|Find] the {most} [shape|object].",
        "Which one is the {most}?",
        "What is the {most} [shape|object] in the [picture|image]?",
        "Which is {more}?",
    ),
    "zh": (
        "哪个[图形|物体|形状|]最{most}？",
        "最{most}的[图形|物体|形状]是[什么|哪个]？",
        "[图中|图片里|图里]最{most}的是[什么|哪个]？",
        "[说出|找出]最{most}的[图形|物体]。",
        "哪个[图形|]{more}？",
        "[图中|图里]哪个[图形|物体|形状]最{most}？",
    ),
}
SIDES = {
    "en": (
        "Which is {more}, the {one} one or the {two} one?",
        "Is the shape on the {one} or the shape on the {two} {more}?",
        "Which shape is {more}, the one on the {one} or the one on the {two}?",
    ),
    "zh": (
        "{one}边的和{two}边的[图形|]哪个{more}？",
        "{one}边和{two}边的图形哪个{more}？",
        "是{one}边的图形{more}还是{two}边的图形{more}？",
    ),
}
MORE = {
    "bigger": (("[bigger|bigger|larger]", "[更大|比较大|大一些|大]"), ("[biggest|biggest|largest]", "大")),
    "smaller": (("smaller", "[更小|比较小|小一些|小]"), ("smallest", "小")),
}


def verdict(item: Item, word: str, language: Language) -> str:
    """For example "The red circle is bigger."."""
    if language == "en":
        return f"The {answers.name(item, 'en')} is {word}."
    return f"{answers.name(item, 'zh')}{'更大' if word == 'bigger' else '更小'}。"


def bigger_of_two(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Which of two named things is bigger or smaller."""
    chosen = two(scene, language, rng)
    if chosen is None:
        return None
    one, other, it, that = chosen
    word = rng.choice(("bigger", "bigger", "smaller"))
    winner = extreme([one, other], word)
    if winner is None:
        return None
    more = MORE[word][0][0 if language == "en" else 1]
    question = capital(
        vary(choose(OF_TWO[language], rng, it=it, other=that, more="{more}").replace("{more}", more), rng)
    )
    return finish(question, winner, word, language, rng)


def biggest(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Which of all things is the biggest or smallest."""
    word = rng.choice(("bigger", "bigger", "smaller"))
    winner = extreme(list(scene.items), word) if len(scene.items) > 1 else None
    if winner is None or not refer.alone(scene.items, winner, "kind"):
        return None
    index = 0 if language == "en" else 1
    most = MORE[word][1 if len(scene.items) > 2 or rng.random() < 0.3 else 0][index]
    patterns = tuple(
        p for p in OF_ALL[language] if ("{more}" in p) == (len(scene.items) == 2 and most != MORE[word][1][index])
    )
    question = capital(choose(patterns, rng, most=vary(most, rng), more=vary(most, rng)))
    return finish(question, winner, word, language, rng)


def bigger_side(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether the left or the right one of a pair is bigger."""
    spots = [refer.side(scene, item) for item in scene.items]
    word = rng.choice(("bigger", "smaller"))
    if spots not in (["left", "right"], ["right", "left"]):
        return None
    winner = extreme(list(scene.items), word)
    if winner is None:
        return None
    one, other = (
        rng.choice((("left", "right"), ("right", "left")))
        if language == "en"
        else rng.choice((("左", "右"), ("右", "左")))
    )
    more = vary(MORE[word][0][0 if language == "en" else 1], rng)
    question = choose(SIDES[language], rng, one=one, two=other, more=more)
    return finish(question, winner, word, language, rng)


def extreme(items: list[Item], word: str) -> Item | None:
    """The item that is bigger (or smaller) than every other, or None when that is not clear."""
    for item in items:
        others = [other for other in items if other is not item]
        if all(item.bigger_than(other) if word == "bigger" else other.bigger_than(item) for other in others):
            return item
    return None


def finish(question: str, winner: Item, word: str, language: Language, rng: Random) -> Turn:
    """The turn; the bare answer when the question asks for it."""
    if rng.random() < 0.1:
        return Turn(
            "size",
            language,
            around(question, language, rng) + vary(rng.choice(BARE[language]), rng),
            answers.named(winner, language),
            word,
        )
    return Turn("size", language, around(question, language, rng), verdict(winner, word, language), word)
