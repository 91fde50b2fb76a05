"""The wording of right answers: one form for every fact, a full one and a bare one, in both languages."""

from __future__ import annotations

from collections import Counter

from .colours import Colour
from .phrases import Language, capital, listed
from .scene import Item, Scene
from .shapes import Shape

PLACES = {
    "left": ("On the left.", "在左边。"),
    "right": ("On the right.", "在右边。"),
    "above": ("Above.", "在上方。"),
    "below": ("Below.", "在下方。"),
    "above left": ("Above, on the left.", "在左上方。"),
    "above right": ("Above, on the right.", "在右上方。"),
    "below left": ("Below, on the left.", "在左下方。"),
    "below right": ("Below, on the right.", "在右下方。"),
    "top": ("At the top.", "在上方。"),
    "bottom": ("At the bottom.", "在下方。"),
    "centre": ("In the centre.", "在中间。"),
    "top left": ("At the top left.", "在左上角。"),
    "top right": ("At the top right.", "在右上角。"),
    "bottom left": ("At the bottom left.", "在左下角。"),
    "bottom right": ("At the bottom right.", "在右下角。"),
}
ABOUT_ITSELF = {
    "en": "I am the small model that comes with sightd. I can name shapes and colours, count, compare sizes and positions, and read numbers and short words in pictures.",
    "zh": "我是 sightd 自带的小模型，可以识别图片中的形状和颜色、数数、比较大小和位置、读数字和短单词。",
}
NO_PICTURE = {
    "en": "I see no picture. Send one with shapes, a number or a short word and ask again.",
    "zh": "我没有看到图片。请发送一张有形状、数字或短单词的图片再提问。",
}
NOTHING = {"en": "I see nothing in the picture.", "zh": "图片里什么都没有。"}


def sentence(language: Language, en: str, zh: str) -> str:
    """The text of the language asked for."""
    return en if language == "en" else zh


def colour(one: Colour, language: Language, bare: bool = False) -> str:
    """For example "It is red." or "Red."."""
    if bare:
        return sentence(language, f"{capital(one.name)}.", f"{one.zh}。")
    return sentence(language, f"It is {one.name}.", f"是{one.zh}。")


def shape(one: Shape, language: Language, bare: bool = False) -> str:
    """For example "It is a circle." or "Circle."."""
    if bare:
        return sentence(language, f"{capital(one.name)}.", f"{one.zh}。")
    return sentence(language, f"It is {one.article} {one.name}.", f"是{one.zh}。")


def count(number: int, language: Language, bare: bool = False) -> str:
    """For example "There are 3." or "3"."""
    if bare:
        return str(number)
    return sentence(language, f"There {'is' if number == 1 else 'are'} {number}.", f"有{number}个。")


def printed(text: str, language: Language, bare: bool = False) -> str:
    """What a number or a word says."""
    if bare:
        return text
    if text.isdigit():
        return sentence(language, f"The number is {text}.", f"数字是{text}。")
    return sentence(language, f"The word is {text}.", f"单词是{text}。")


def place(name: str, language: Language) -> str:
    """A place by its key in PLACES."""
    return PLACES[name][0 if language == "en" else 1]


def yes_no(yes: bool, language: Language, have: bool = False) -> str:
    """For example "Yes." or "No."; in Chinese as the question wants it: 是的 / 不是, or 有 / 没有."""
    if language == "en":
        return "Yes." if yes else "No."
    if have:
        return "有。" if yes else "没有。"
    return "是的。" if yes else "不是。"


def name(item: Item, language: Language) -> str:
    """For example "red circle"."""
    return sentence(language, f"{item.colour.name} {item.shape.name}", f"{item.colour.zh}的{item.shape.zh}")


def named(item: Item, language: Language) -> str:
    """For example "The red circle."."""
    return sentence(language, f"The {name(item, 'en')}.", f"{name(item, 'zh')}。")


def one_of(item: Item, language: Language) -> str:
    """For example "A red circle."."""
    article = "An" if item.colour.name == "orange" else "A"
    return sentence(language, f"{article} {name(item, 'en')}.", f"一个{name(item, 'zh')}。")


def describe(scene: Scene, language: Language) -> str:
    """Everything in the picture: kinds in reading order of their first item, then the printed text."""
    parts = []
    counts = Counter(item.kind for item in scene.items)
    for item in sorted(scene.items, key=lambda i: i.x / scene.width + i.y / scene.height):
        number = counts.pop(item.kind, 0)
        if number:
            parts.append(quantity(item, number, language))
    for text in scene.texts:
        noun = ("number", "数字") if text.is_number else ("word", "单词")
        parts += [sentence(language, f"the {noun[0]} {text.text}", f"{noun[1]}{text.text}")]
    if not parts:
        return NOTHING[language]
    return sentence(language, f"{capital(listed(parts, 'en'))}.", f"{listed(parts, 'zh')}。")


def quantity(item: Item, number: int, language: Language) -> str:
    """For example "a red circle" or "3 red circles"."""
    if language == "zh":
        return f"{'一' if number == 1 else number}个{name(item, 'zh')}"
    if number == 1:
        return f"{'an' if item.colour.name == 'orange' else 'a'} {name(item, 'en')}"
    return f"{number} {item.colour.name} {plural(item.shape.name)}"


def plural(noun: str) -> str:
    """The English plural of a shape's name."""
    return noun + ("es" if noun.endswith(("s", "x")) else "s")
