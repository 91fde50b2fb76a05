"""Colour and shape of one thing, of the background, of printed text; both at once."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from .. import answers, refer
from ..phrases import BARE, Language, Turn, around, choose, vary
from ..scene import Item, Scene

COLOUR = {
    "en": (
        "[What|Which] [colour|color] is {it}?",
        "What is the [colour|color] of {it}?",
        "What's the [colour|color] of {it}?",
        "[Tell me|Name|Give|State|Identify] the [colour|color] of {it}.",
        "{it}: [what|which] [colour|color]?",
        "[Can|Could] you tell me [what|which] [colour|color] {it} is?",
        "[What|Which] [colour|color] does {it} have?",
        "In [what|which] [colour|color] is {it} [drawn|painted|shown|]?",
        "[What|Which] [colour|color] would you say {it} is?",
        "What [colour|color] do you see in {it}?",
        "I want to know the [colour|color] of {it}.",
        "Do you know [what|which] [colour|color] {it} is?",
        "[Name|Say|Identify] [what|which] [colour|color] {it} is.",
        "What is {it}'s [colour|color]?",
        "What [colour|color] is {it} in [this|the] [picture|image]?",
        "Look at {it}. What [colour|color] is it?",
    ),
    "zh": (
        "{it}是什么颜色[的|]？",
        "{it}的颜色是什么？",
        "{it}是[哪种|什么样的|哪个|何种]颜色？",
        "{it}什么颜色？",
        "[说出|请说出|告诉我|识别|请识别|描述]{it}的颜色。",
        "[图中|图片中|图里|图片里|这张图里]{it}是什么颜色[的|]？",
        "{it}[呈现|显示]什么颜色？",
        "请问{it}是什么颜色？",
        "你能告诉我{it}是什么颜色吗？",
        "{it}的颜色[？|是？|是哪种？]",
        "我想知道{it}的颜色。",
        "{it}是啥颜色？",
    ),
}
COLOUR_SHORT = {
    "en": (
        "[What|Which] [colour|color]?",
        "[Colour|Color]?",
        "[What|Which] [colour|color] is this?",
        "[What|Which] [colour|color] is [in|shown in] [the|this] [picture|image]?",
        "[What|Which] [colour|color] do you see?",
        "[Name|Tell me] the [colour|color].",
    ),
    "zh": (
        "什么颜色？",
        "颜色？",
        "颜色是什么？",
        "[图中|图片里|图里]是什么颜色？",
        "你看到什么颜色？",
        "这是什么颜色？",
    ),
}
SHAPE = {
    "en": (
        "[What|Which] shape is {it}?",
        "What is the shape of {it}?",
        "What's the shape of {it}?",
        "[Tell me|Name|Give|State|Identify] the shape of {it}.",
        "What [kind|type|sort] of shape is {it}?",
        "[Can|Could] you tell me what shape {it} is?",
        "What shape does {it} have?",
        "What [geometric|geometrical] [shape|figure] is {it}?",
        "What is {it}, a circle, a square or something else?",
        "I want to know the shape of {it}.",
        "{it}: what shape?",
        "[Name|Say|Identify] what shape {it} is.",
        "What form does {it} have?",
        "What shape is {it} in [this|the] [picture|image]?",
        "Look at {it}. What shape is it?",
    ),
    "zh": (
        "{it}是什么形状[的|]？",
        "{it}的形状是什么？",
        "{it}是[哪种|什么样的|何种|哪个]形状？",
        "{it}是什么图形？",
        "{it}什么形状？",
        "[说出|请说出|告诉我|识别|请识别|描述]{it}的形状。",
        "[图中|图片中|图里|图片里]{it}是什么形状？",
        "请问{it}是什么形状？",
        "你能告诉我{it}是什么形状吗？",
        "{it}的形状[？|是？|是哪种？]",
        "{it}属于什么几何图形？",
        "{it}是啥形状？",
    ),
}
SHAPE_SHORT = {
    "en": (
        "[What|Which] shape?",
        "Shape?",
        "What shape is this?",
        "[What|Which] shape is [in|shown in] [the|this] [picture|image]?",
        "What shape do you see [in the image|in the picture|]?",
        "[Name|Identify|Tell me] the shape [in the picture|].",
        "What is this shape [called|]?",
        "What shape [is drawn here|can you see|is shown|is displayed|does the image show]?",
        "Which geometric shape is [it|this|shown]?",
    ),
    "zh": (
        "什么形状？",
        "形状？",
        "这是什么形状？",
        "[图中|图片里|图里|图片中]是什么形状？",
        "你看到什么形状？",
        "这是什么图形？",
        "[图中|图片里|图里|图片中]是什么图形？",
        "[图中|图片里|图片中]有什么形状？",
        "[识别|说出]图中的形状。",
        "这个图形叫什么？",
    ),
}
BOTH = {
    "en": (
        "What [shape|figure] is {it} and what [colour|color]?",
        "[Name|Tell me|Give] the [colour|color] and the shape.",
        "What [colour|color] and [what|] shape is {it}?",
        "Which shape and [colour|color] do you see?",
        "What are the shape and [colour|color] of {it}?",
    ),
    "zh": (
        "{it}是什么形状，什么颜色？",
        "{it}是什么颜色，什么形状？",
        "[说出|告诉我|请说出]{it}的颜色和形状。",
        "{it}的形状和颜色[是什么|分别是什么|]？",
    ),
}
BACKGROUND = {
    "en": (
        "What [colour|color] is the background?",
        "[Which|What] [colour|color] is the background of [the|this] [picture|image]?",
        "What is the background [colour|color]?",
        "[Tell me|Name] the [colour|color] of the background.",
        "On what [colour|color] background is it?",
    ),
    "zh": (
        "背景是什么颜色[的|]？",
        "[图片的|这张图的|图片]背景[颜色是什么|是什么颜色]？",
        "背景颜色[是什么|]？",
        "[说出|告诉我]背景的颜色。",
    ),
}
INK = {
    "en": (
        "What [colour|color] is the [text|{what}]?",
        "What [colour|color] is the [text|{what}] [written|printed] in?",
        "In [what|which] [colour|color] is the [text|{what}] [written|printed]?",
        "What is the [colour|color] of the [text|{what}]?",
    ),
    "zh": ("[文字|{what}]是什么颜色[的|]？", "[文字|{what}]的颜色是什么？"),
}


def ask(
    kind: str,
    patterns: Mapping[str, tuple[str, ...]],
    language: Language,
    answer: tuple[str, str],
    rng: Random,
    topic: str = "",
    **slots: str,
) -> Turn:
    """A turn whose `answer` is (full, bare); the question asks for the bare form at times."""
    question = choose(patterns[language], rng, **slots)
    question = question[:1].upper() + question[1:]
    if rng.random() < 0.2:
        return Turn(
            kind, language, around(question, language, rng) + vary(rng.choice(BARE[language]), rng), answer[1], topic
        )
    return Turn(kind, language, around(question, language, rng), answer[0], topic)


def pointed(scene: Scene, language: Language, rng: Random, hidden: str) -> tuple[Item, str] | None:
    """Some item and a way to point at it."""
    candidates = [(item, way) for item in scene.items for way in refer.pointers(scene, item, language, rng, hidden)]
    return rng.choice(candidates) if candidates else None


def colour(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """The colour of one thing."""
    chosen = pointed(scene, language, rng, "colour")
    if chosen is None:
        return None
    item, it = chosen
    answer = (answers.colour(item.colour, language), answers.colour(item.colour, language, bare=True))
    short = len(scene.items) == 1 and not scene.texts and rng.random() < 0.3
    return ask("colour", COLOUR_SHORT if short else COLOUR, language, answer, rng, "colour", it=it)


def shape(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """The shape of one thing."""
    chosen = pointed(scene, language, rng, "shape")
    if chosen is None:
        return None
    item, it = chosen
    answer = (answers.shape(item.shape, language), answers.shape(item.shape, language, bare=True))
    short = len(scene.items) == 1 and not scene.texts and rng.random() < 0.4
    return ask("shape", SHAPE_SHORT if short else SHAPE, language, answer, rng, "shape", it=it)


def both(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Colour and shape of the only thing."""
    if len(scene.items) != 1 or scene.texts:
        return None
    answer = answers.one_of(scene.items[0], language)
    return Turn(
        "description",
        language,
        around(choose(BOTH[language], rng, it=refer.it(language, rng)), language, rng),
        answer,
        "both",
    )


def ground(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """The colour of a plain background that has a name."""
    tone = scene.background.colour
    if tone is None or scene.background.pattern != "plain":
        return None
    return ask(
        "colour", BACKGROUND, language, (answers.colour(tone, language), answers.colour(tone, language, bare=True)), rng
    )


def ink(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """The colour of the printed text."""
    if not scene.texts or scene.texts[0].colour is None:
        return None
    text = scene.texts[0]
    what = ("number" if text.is_number else "word") if language == "en" else ("数字" if text.is_number else "单词")
    tone = scene.texts[0].colour
    assert tone is not None
    return ask(
        "colour",
        INK,
        language,
        (answers.colour(tone, language), answers.colour(tone, language, bare=True)),
        rng,
        what=what,
    )
