"""What is in the picture; and questions to be answered with yes or no."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from .. import answers, refer
from ..colours import COLOURS
from ..phrases import Language, Turn, around, capital, choose, vary
from ..scene import Item, Scene
from ..shapes import SHAPES
from .placing import relation, two

DESCRIBE = {
    "en": (
        "What is [in|shown in] [this|the] [picture|image|photo]?",
        "What do you see[ in this picture| in the image| here|]?",
        "Describe [the|this] [picture|image|photo][ in one sentence| briefly| in a few words|].",
        "What does the [picture|image] show?",
        "What is this?",
        "What's this?",
        "What can you see[ here| in the image|]?",
        "What's in [the|this] [picture|image]?",
        "[Describe|Caption] it.",
        "[List|Name] [everything you see|everything in the picture|all objects in the picture|the objects].",
        "What are the objects in this [picture|image]?",
        "Give a [short|brief] description of [the|this] [picture|image].",
        "What objects [are there|do you see|are in the picture]?",
        "Describe what you see.",
        "Describe.",
        "Write a caption for this image.",
        "Describe the content of this image.",
        "Tell me what you see.",
        "What is it?",
        "Describe this picture in detail: what is in it, and where?",
        "What is drawn here?",
        "What shapes [are there|do you see|are in the picture] and in which colours?",
        "What is in this picture, briefly?",
    ),
    "zh": (
        "[图里|图中|图片里|图片中|这张图里|这张图片里|画面中]有什么？",
        "这是什么？",
        "[描述|请描述|描述一下|请描述一下][这张图片|这张图|图片|图片内容|图中的内容|画面|图片的内容]。",
        "你看到了什么？",
        "[图片|这张图片|这张图]的内容是什么？",
        "[图片|这张图|图中|图片中]显示了什么？",
        "[图里|图中|图片里]有哪些[东西|物体|图形|形状]？",
        "[列出|说出]图中的[所有物体|所有图形|东西|图形]。",
        "简单描述[一下|]图片。",
        "这张图片里是什么？",
        "图片里是什么东西？",
        "图上画的是什么？",
        "画的是什么？",
        "用一句话描述[这张图片|图片|这张图]。",
        "这张图[讲|画]的是什么？",
        "你能看到什么？",
        "请识别[这张图片|图片内容|图片|图中的物体]。",
        "识别图片。",
        "图片描述。",
        "这个图片里面有什么东西",
        "请详细描述这张图片。",
        "图中都有些什么？",
    ),
}
IS_THERE = {
    "en": (
        "Is there [a|any] {what} [in the picture|in the image|here|]?",
        "Do you see [a|any] {what}?",
        "Does the [picture|image] [show|contain] a {what}?",
        "Can you see a {what}?",
        "Are there any {many}[ in the picture| here|]?",
        "Is a {what} in the picture? Answer yes or no.",
    ),
    "zh": (
        "[图里|图中|图片里|这张图里]有没有{what}？",
        "有没有{what}？",
        "[图里|图中|图片里|]有{what}吗？",
        "能看到{what}吗？",
        "是否有{what}？",
        "图片中存在{what}吗？",
    ),
}
IS_IT = {
    "en": (
        "Is {it} {what}?",
        "Is {it} {what}? Answer yes or no.",
        "Would you say {it} is {what}?",
        "{it} is {what}, [right|isn't it|correct|true or false]?",
        "Is it true that {it} is {what}?",
        "Yes or no: is {it} {what}?",
    ),
    "zh": ("{it}是{what}[的|]吗？", "{it}是不是{what}[的|]？", "{it}是{what}[的|]，对吗？", "{it}是否是{what}[的|]？"),
}


IS_THERE_MORE = {
    "en": ("Are there more {one} than {other}?", "Does the [picture|image] [have|show] more {one} than {other}?"),
    "zh": ("{one}比{other}多吗？", "{one}是不是比{other}多？", "[图中|图里]{one}比{other}多吗？"),
}
IS_BIGGER = {
    "en": (
        "Is {it} {word} than {other}?",
        "Would you say {it} is {word} than {other}?",
        "Is it true that {it} is {word} than {other}?",
        "Is {it} the {word} one, compared to {other}?",
    ),
    "zh": ("{it}比{other}{word}吗？", "{it}是不是比{other}{word}？", "{it}比{other}更{word}吗？"),
}
IS_PLACED = {
    "en": (
        "Is {it} {where} {other}?",
        "Is {it} {where} {other}? Answer yes or no.",
        "Is it true that {it} is {where} {other}?",
        "Does {it} lie {where} {other}?",
    ),
    "zh": ("{it}在{other}的{where}吗？", "{it}是不是在{other}的{where}？", "{it}在{other}{where}吗？"),
}
WHERE = {
    "left": ("[to the left of|left of|on the left of]", "左[边|侧|面]"),
    "right": ("[to the right of|right of|on the right of]", "右[边|侧|面]"),
    "above": ("[above|over]", "上[面|方|边]"),
    "below": ("[below|under]", "下[面|方|边]"),
}


def describe(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Everything in the picture, when it can be told in one clear order."""
    first: dict[tuple[str, str], float] = {}
    for item in scene.items:
        key = item.x / scene.width + item.y / scene.height
        first[item.kind] = min(key, first.get(item.kind, 9.0))
    order = sorted(first.values())
    if len(order) > 3 or any(b - a < 0.15 for a, b in pairwise(order)):
        return None
    return Turn(
        "description",
        language,
        around(choose(DESCRIBE[language], rng), language, rng),
        answers.describe(scene, language),
        "describe",
    )


def is_there(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether something of a sort is in the picture."""
    if not scene.items:
        return None
    item = rng.choice(scene.items)
    shape = item.shape if rng.random() < 0.62 else rng.choice(SHAPES)
    colour = item.colour if rng.random() < 0.62 else rng.choice(COLOURS)
    word, tone = refer.shape_word(shape, language, rng), refer.colour_word(colour, language, rng)
    if rng.random() < 0.4:
        found, what = any(i.shape == shape for i in scene.items), word
    else:
        found = any(i.shape == shape and i.colour == colour for i in scene.items)
        what = f"{tone} {word}" if language == "en" else f"{tone}的{word}"
    question = (
        choose(IS_THERE[language], rng, what=what, many=answers.plural(what))
        .replace(" a a", " an a")
        .replace(" a e", " an e")
        .replace(" a o", " an o")
    )
    return Turn(
        "yes or no", language, around(question, language, rng), answers.yes_no(found, language, have=True), "there"
    )


def is_it(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether one thing has a colour or a shape."""
    hidden = rng.choice(("colour", "shape"))
    ways = [(item, way) for item in scene.items for way in refer.pointers(scene, item, language, rng, hidden)]
    if not ways:
        return None
    item, it = rng.choice(ways)
    true = rng.random() < 0.5
    what = claim(item, hidden, true, language, rng)
    question = capital(choose(IS_IT[language], rng, it=it, what=what))
    return Turn("yes or no", language, around(question, language, rng), answers.yes_no(true, language), "is")


def claim(item: Item, hidden: str, true: bool, language: Language, rng: Random) -> str:
    """For example "red" or "a circle", right or wrong."""
    if hidden == "colour":
        colour = item.colour if true else rng.choice([c for c in COLOURS if c != item.colour])
        return refer.colour_word(colour, language, rng)
    shape = item.shape if true else rng.choice([s for s in SHAPES if s != item.shape])
    word = refer.shape_word(shape, language, rng)
    return f"a{'n' if word[0] in 'aeiou' else ''} {word}" if language == "en" else word


def is_more(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether there are more of one shape than of another."""
    shapes = sorted({item.shape.name for item in scene.items})
    if len(shapes) < 2:
        return None
    pair = rng.sample(shapes, 2)
    counts = [sum(item.shape.name == name for item in scene.items) for name in pair]
    if counts[0] == counts[1]:
        return None
    words = [
        refer.shape_word(next(i.shape for i in scene.items if i.shape.name == name), language, rng) for name in pair
    ]
    one, other = (answers.plural(word) if language == "en" else word for word in words)
    question = choose(IS_THERE_MORE[language], rng, one=one, other=other)
    return Turn(
        "yes or no", language, around(question, language, rng), answers.yes_no(counts[0] > counts[1], language), "more"
    )


def is_bigger(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether one thing is bigger (or smaller) than another."""
    chosen = two(scene, language, rng)
    if chosen is None:
        return None
    one, other, it, that = chosen
    if not (one.bigger_than(other) or other.bigger_than(one)):
        return None
    bigger = rng.random() < 0.6
    word = vary({"en": "[bigger|larger]" if bigger else "smaller", "zh": "大" if bigger else "小"}[language], rng)
    question = capital(choose(IS_BIGGER[language], rng, it=it, other=that, word=word))
    return Turn(
        "yes or no",
        language,
        around(question, language, rng),
        answers.yes_no(one.bigger_than(other) == bigger, language),
        "bigger",
    )


def is_placed(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Whether one thing is on some side of another."""
    chosen = two(scene, language, rng)
    if chosen is None:
        return None
    one, other, it, that = chosen
    spot = relation(one, other)
    if spot not in WHERE:
        return None
    opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}[spot]
    true = rng.random() < 0.5
    where = vary(WHERE[spot if true else opposite][0 if language == "en" else 1], rng)
    question = capital(choose(IS_PLACED[language], rng, it=it, other=that, where=where))
    return Turn("yes or no", language, around(question, language, rng), answers.yes_no(true, language), "placed")
