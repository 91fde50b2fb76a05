"""Where: one thing relative to another, or in the picture; and what is at a place."""

from __future__ import annotations

from random import Random

from .. import answers, refer
from ..phrases import Language, Turn, around, capital, choose
from ..scene import Item, Scene
from .properties import ask, pointed

WHERE = {
    "en": (
        "Where is {it}?",
        "Where is {it} in [the|this] [picture|image]?",
        "[In|On] [which|what] part of the [picture|image] is {it}?",
        "[Tell me|Say] where {it} is.",
        "What is the position of {it}?",
        "Where in the [picture|image] is {it}?",
        "Where can you see {it}?",
        "Locate {it}.",
    ),
    "zh": (
        "{it}在哪里？",
        "{it}在[图片|图|画面]的[哪里|什么位置|哪个位置|哪个部分]？",
        "{it}在[哪儿|什么地方|什么位置|哪个位置]？",
        "[说出|告诉我]{it}的位置。",
        "{it}位于[哪里|图片的哪里|图中什么位置]？",
        "{it}的位置[在哪|是哪里|]？",
    ),
}
RELATION = {
    "en": (
        "Where is {it} [relative to|compared to|in relation to|with respect to] {other}?",
        "Where is {it}, seen from {other}?",
        "On which side of {other} is {it}?",
        "What is the position of {it} relative to {other}?",
        "Is {it} to the left, to the right, above or below {other}?",
        "Is {it} left, right, above or below {other}?",
        "Where does {it} lie relative to {other}?",
        "In which direction from {other} is {it}?",
        "How is {it} placed relative to {other}?",
    ),
    "zh": (
        "{it}在{other}的[哪边|哪里|什么位置|哪个方向|哪一边|什么方向|哪一侧]？",
        "相对于{other}，{it}在[哪里|哪边|什么位置]？",
        "{it}在{other}的左边、右边、上面还是下面？",
        "{it}位于{other}的[哪边|什么方位|哪个方向|什么位置]？",
        "{it}在{other}的上下左右哪个方向？",
        "{it}和{other}的位置关系是什么？",
    ),
}
ACROSS = {
    "en": (
        "Is {it} [to the|on the|] left or [to the|on the|] right of {other}?",
        "Is {it} [to the right|on the right] or [to the left|on the left] of {other}?",
        "Left or right: where is {it} [relative to|compared to] {other}?",
        "Is {it} on the left side or on the right side of {other}?",
    ),
    "zh": ("{it}在{other}的左边还是右边？", "{it}在{other}的[左侧还是右侧|右边还是左边|左面还是右面]？"),
}
UPRIGHT = {
    "en": (
        "Is {it} above or below {other}?",
        "Is {it} [below or above|higher or lower than|over or under] {other}?",
        "Above or below: where is {it} [relative to|compared to] {other}?",
    ),
    "zh": ("{it}在{other}的上面还是下面？", "{it}在{other}的[上方还是下方|下面还是上面|上边还是下边]？"),
}
ON_A_SIDE = {
    "en": (
        "[What|Which shape|Which object] is {side}?",
        "What do you see {side}?",
        "What is [shown|drawn] {side}?",
        "[Name|Describe] the [shape|object|thing] {side}.",
    ),
    "zh": (
        "{side}是什么？",
        "{side}有什么？",
        "{side}的[图形|物体|东西]是什么？",
        "[说出|描述]{side}的[图形|物体]。",
        "{side}是什么图形？",
    ),
}
SIDES = {
    "left": ("on the left", "左[边|侧|面]"),
    "right": ("on the right", "右[边|侧|面]"),
    "top": ("at the top", "上[面|方|边]"),
    "bottom": ("at the bottom", "下[面|方|边]"),
}
BESIDE = {
    "left": ("[to the left of|left of|on the left of|on the left side of] {other}", "{other}[左边|的左边|左侧]"),
    "right": ("[to the right of|right of|on the right of|on the right side of] {other}", "{other}[右边|的右边|右侧]"),
    "top": ("[above|over] {other}", "{other}[上面|的上面|上方|的上方]"),
    "bottom": ("[below|under|beneath] {other}", "{other}[下面|的下面|下方|的下方]"),
}


def where(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """In which part of the picture the only thing is."""
    if len(scene.items) != 1 or scene.texts:
        return None
    item = scene.items[0]
    spot = part(item.x / scene.width, item.y / scene.height)
    if spot is None:
        return None
    ways = [
        refer.by_shape(item, language, rng),
        refer.by_kind(item, language, rng),
        refer.by_colour(item, language, rng),
        refer.it(language, rng),
    ]
    return asked_where(rng.choice(ways), spot, language, rng)


def asked_where(it: str, spot: str, language: Language, rng: Random) -> Turn:
    """In which part of the picture a thing is, which is at `spot`."""
    question = capital(choose(WHERE[language], rng, it=it))
    return Turn("position", language, around(question, language, rng), answers.place(spot, language), "where")


def where_among(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """In which part of the picture one of several things is."""
    ways = [(item, way) for item in scene.items for way in refer.pointers(scene, item, language, rng)]
    if len(scene.items) < 2 or not ways:
        return None
    item, it = rng.choice(ways)
    spot = part(item.x / scene.width, item.y / scene.height)
    return None if spot is None else asked_where(it, spot, language, rng)


def part(across: float, down: float) -> str | None:
    """The part of the picture a point lies in, or None near a border between parts."""
    column = third(across, ("left", "", "right"))
    row = third(down, ("top", "", "bottom"))
    if column is None or row is None:
        return None
    return f"{row} {column}".strip() or "centre"


def third(share: float, names: tuple[str, str, str]) -> str | None:
    """Which of three parts, or None when too close to call."""
    if share < 0.3:
        return names[0]
    if 0.42 < share < 0.58:
        return names[1]
    return names[2] if share > 0.7 else None


def relation(item: Item, other: Item) -> str | None:
    """Where `item` is as seen from `other`: one of four sides, or a diagonal; None when they are too close to call."""
    dx, dy = item.x - other.x, item.y - other.y
    across = ("left" if dx < 0 else "right") if abs(dx) > 0.6 * (item.radius + other.radius) else ""
    upright = ("above" if dy < 0 else "below") if abs(dy) > 0.6 * (item.radius + other.radius) else ""
    if abs(dx) > 2.2 * abs(dy):
        return across or None
    if abs(dy) > 2.2 * abs(dx):
        return upright or None
    return f"{upright} {across}" if across and upright and 0.6 < abs(dx / dy) < 1.7 else None


def two(scene: Scene, language: Language, rng: Random) -> tuple[Item, Item, str, str] | None:
    """Two different items with ways to point at them, neither by its place."""
    if len(scene.items) < 2:
        return None
    one, other = rng.sample(scene.items, 2)
    ways = [refer.pointers(scene, item, language, rng) for item in (one, other)]
    if not all(ways):
        return None
    return one, other, rng.choice(ways[0]), rng.choice(ways[1])


def relative(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """Where one thing is as seen from another; at times a choice of two sides."""
    chosen = two(scene, language, rng)
    if chosen is None:
        return None
    one, other, it, that = chosen
    if rng.random() < 0.35:
        return either(one, other, language, rng, it, that)
    spot = relation(one, other)
    if spot is None:
        return None
    question = capital(choose(RELATION[language], rng, it=it, other=that))
    return Turn("position", language, around(question, language, rng), answers.place(spot, language), "relation")


def either(one: Item, other: Item, language: Language, rng: Random, it: str, that: str) -> Turn | None:
    """Left or right, above or below."""
    dx, dy = one.x - other.x, one.y - other.y
    reach = 0.5 * (one.radius + other.radius)
    if abs(dx) > reach and (rng.random() < 0.5 or abs(dy) <= reach):
        patterns, spot = ACROSS, "left" if dx < 0 else "right"
    elif abs(dy) > reach:
        patterns, spot = UPRIGHT, "above" if dy < 0 else "below"
    else:
        return None
    question = capital(choose(patterns[language], rng, it=it, other=that))
    return Turn("position", language, around(question, language, rng), answers.place(spot, language), "either")


def at_side(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """What is on one side of a pair, or beside one of the two."""
    if len(scene.items) != 2 or scene.texts:
        return None
    item, other = rng.sample(scene.items, 2)
    spot = refer.side(scene, item)
    if spot is None:
        return None
    index = 0 if language == "en" else 1
    if rng.random() < 0.5:
        side = choose((SIDES[spot][index],), rng)
    else:
        side = choose(
            (BESIDE[spot][index],),
            rng,
            other=rng.choice(refer.pointers(scene, other, language, rng) or [refer.by_kind(other, language, rng)]),
        )
    question = capital(choose(ON_A_SIDE[language], rng, side=side))
    return Turn("position", language, around(question, language, rng), answers.one_of(item, language), "side")


def kind_at_side(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """The colour or the shape of the thing on one side of a pair."""
    chosen = pointed(scene, language, rng, rng.choice(("colour", "shape")))
    if chosen is None or refer.side(scene, chosen[0]) is None:
        return None
    item, side = chosen[0], refer.side(scene, chosen[0])
    assert side is not None
    it = refer.by_side(side, language, rng)
    if rng.random() < 0.5:
        answer = (answers.colour(item.colour, language), answers.colour(item.colour, language, bare=True))
        return ask("position", COLOUR_OF, language, answer, rng, "colour", it=it)
    answer = (answers.shape(item.shape, language), answers.shape(item.shape, language, bare=True))
    return ask("position", SHAPE_OF, language, answer, rng, "shape", it=it)


COLOUR_OF = {
    "en": ("What [colour|color] is {it}?", "[Which|What] [colour|color] does {it} have?"),
    "zh": ("{it}是什么颜色[的|]？", "{it}的颜色是什么？"),
}
SHAPE_OF = {
    "en": ("What shape is {it}?", "[Which|What] shape does {it} have?"),
    "zh": ("{it}是什么形状[的|]？", "{it}的形状是什么？"),
}
