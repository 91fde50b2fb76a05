"""How a question points at one thing of a picture: "the red circle", "the square", "the one on the left", "it"."""

from __future__ import annotations

from random import Random

from .colours import Colour
from .phrases import Language, vary
from .scene import Item, Scene
from .shapes import Shape

ANY = {"en": "[shape|shape|object|figure|thing|item]", "zh": "[图形|图形|物体|形状|东西]"}


def colour_word(colour: Colour, language: Language, rng: Random) -> str:
    """The colour's name or a synonym."""
    if language == "en":
        return "grey" if colour.name == "gray" and rng.random() < 0.5 else colour.name
    return rng.choice(colour.zh_synonyms) if colour.zh_synonyms and rng.random() < 0.3 else colour.zh


def shape_word(shape: Shape, language: Language, rng: Random) -> str:
    """The shape's name or a synonym."""
    synonyms = shape.synonyms if language == "en" else shape.zh_synonyms
    usual = shape.name if language == "en" else shape.zh
    return rng.choice(synonyms) if synonyms and rng.random() < (0.12 if language == "en" else 0.4) else usual


def full(item: Item, language: Language, rng: Random) -> str:
    """For example "red circle", without an article."""
    colour, shape = colour_word(item.colour, language, rng), shape_word(item.shape, language, rng)
    if language == "en":
        return f"{colour} {shape}"
    return f"{colour}{rng.choice(('的', '的', ''))}{shape}"


def alone(items: tuple[Item, ...], item: Item, what: str) -> bool:
    """Whether nothing else among the items shares the item's shape, colour or both ("kind")."""
    wanted = getattr(item, what)
    return [getattr(other, what) for other in items].count(wanted) == 1


def by_shape(item: Item, language: Language, rng: Random) -> str:
    """For example "the circle"."""
    word = shape_word(item.shape, language, rng)
    return f"the {word}" if language == "en" else rng.choice(("", "", "这个", "那个")) + word


def by_colour(item: Item, language: Language, rng: Random) -> str:
    """For example "the red one"."""
    word = colour_word(item.colour, language, rng)
    if language == "en":
        return f"the {word} " + vary("[shape|shape|one|object|figure|thing]", rng)
    return word + "的" + vary("[图形|图形|那个|物体|形状|东西]", rng)


def by_kind(item: Item, language: Language, rng: Random) -> str:
    """For example "the red circle"."""
    return f"the {full(item, 'en', rng)}" if language == "en" else full(item, "zh", rng)


def side(scene: Scene, item: Item) -> str | None:
    """The side ("left", "right", "top", "bottom") of a pair that the item is clearly on, else None."""
    if len(scene.items) != 2:
        return None
    other = scene.items[0] if scene.items[1] is item else scene.items[1]
    dx, dy = item.x - other.x, item.y - other.y
    if abs(dx) > 1.5 * abs(dy):
        return "left" if dx < 0 else "right"
    if abs(dy) > 1.5 * abs(dx):
        return "top" if dy < 0 else "bottom"
    return None


def by_side(where: str, language: Language, rng: Random) -> str:
    """For example "the shape on the left"."""
    if language == "en":
        spot = {
            "left": "on the left",
            "right": "on the right",
            "top": "[at|on] the top",
            "bottom": "[at|on] the bottom",
        }[where]
        return vary(f"the {ANY['en']} {spot}", rng) if rng.random() < 0.8 else f"the {where} one"
    spot = {"left": "左[边|侧|面]", "right": "右[边|侧|面]", "top": "上[方|面|边]", "bottom": "下[方|面|边]"}[where]
    return vary(f"{spot}的[图形|图形|那个|物体|形状]", rng)


def by_size(scene: Scene, item: Item, language: Language, rng: Random) -> str | None:
    """For example "the bigger shape" of two things of clearly different size, else None."""
    if len(scene.items) != 2:
        return None
    other = scene.items[0] if scene.items[1] is item else scene.items[1]
    if item.bigger_than(other):
        return vary(
            "the [bigger|larger|big|large] [one|shape|object|figure]"
            if language == "en"
            else "[大的|较大的|更大的][图形|那个|物体|形状]",
            rng,
        )
    if other.bigger_than(item):
        return vary(
            "the [smaller|small|little] [one|shape|object|figure]"
            if language == "en"
            else "[小的|较小的|更小的][图形|那个|物体|形状]",
            rng,
        )
    return None


def it(language: Language, rng: Random) -> str:
    """The only thing there is."""
    return vary(
        "[it|it|this|the [shape|shape|object|figure|thing]|this [shape|object|figure]]"
        if language == "en"
        else "[它|这|图形|这个图形|图中的图形|这个物体|这个形状]",
        rng,
    )


def pointers(scene: Scene, item: Item, language: Language, rng: Random, hidden: str = "") -> list[str]:
    """Every way to point at the item that is not ambiguous and does not give away what is `hidden` ("shape" or "colour")."""
    ways = []
    if hidden != "shape" and alone(scene.items, item, "shape"):
        ways.append(by_shape(item, language, rng))
    if hidden != "colour" and alone(scene.items, item, "colour"):
        ways.append(by_colour(item, language, rng))
    if not hidden and alone(scene.items, item, "kind"):
        ways += [by_kind(item, language, rng)] * 3
    if hidden and len(scene.items) == 1 and not scene.texts:
        ways += [it(language, rng)] * 2
    where = side(scene, item)
    if hidden and where:
        ways.append(by_side(where, language, rng))
    if hidden and (size := by_size(scene, item, language, rng)):
        ways.append(size)
    return ways
