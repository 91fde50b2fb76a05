"""How people word a question: patterns with alternatives, politeness around them, and careless typing.

A pattern is text in which `[a|b|]` stands for one of its alternatives; brackets may nest. `{name}` is a slot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Literal

Language = Literal["en", "zh"]

INNERMOST = re.compile(r"\[([^\[\]]*)\]")

BEFORE = {
    "en": (
        "Look at the picture. ",
        "Look at this image. ",
        "Please answer: ",
        "Please tell me, ",
        "Question: ",
        "Hi! ",
        "Hello, ",
        "Look carefully. ",
        "Here is a picture. ",
        "In this picture, ",
        "In the image, ",
        "Quick question: ",
        "Tell me: ",
        "Q: ",
        "I have a question about this picture. ",
        "Based on the image, ",
        "OK. ",
        "Describe what you see: ",
        "Please look at the attached picture. ",
    ),
    "zh": (
        "请看图，",
        "看图回答：",
        "请问",
        "请问，",
        "请回答：",
        "你好，",
        "问题：",
        "请仔细看，",
        "看一下这张图片，",
        "根据图片，",
        "在这张图里，",
        "图片中，",
        "图中，",
        "帮我看看，",
        "这是一张图片。",
        "请告诉我，",
        "告诉我，",
        "我想知道，",
        "请根据图片内容回答：",
        "请看这张图片。",
    ),
}
AFTER = {
    "en": (
        " Please answer briefly.",
        " Answer in a short sentence.",
        " Thanks.",
        " Thank you!",
        " Be brief.",
        " Please answer.",
        " Answer in English.",
        " Look carefully.",
        " Keep it short.",
    ),
    "zh": (
        "请简短回答。",
        "谢谢。",
        "谢谢！",
        "请用中文回答。",
        "请回答。",
        "简单回答即可。",
        "用一句话回答。",
        "请用一句话回答。",
    ),
}
BARE = {
    "en": (
        " Answer in one word.",
        " One word only.",
        " Just one word.",
        " Reply with a single word.",
        " Answer with only the answer.",
        " Answer with just the [colour|shape|number|word|answer].",
        " Only give the answer.",
        " Reply only with the answer.",
        " Single word answer.",
        " Answer with one word or number only.",
    ),
    "zh": (
        "只回答一个词。",
        "请只回答一个词。",
        "只说答案。",
        "请直接回答，不要解释。",
        "只回答结果。",
        "用一个词回答。",
        "请只给出答案。",
        "只需要回答答案，不要多说。",
    ),
}
OTHER_LANGUAGE = {
    "en": ("请用中文回答。", " Answer in Chinese.", " Please reply in Chinese.", " 用中文回答。"),
    "zh": ("Answer in English.", "请用英文回答。", "用英语回答。", " Please answer in English."),
}


@dataclass(frozen=True)
class Turn:
    """One question with its one right answer. `kind` groups turns for the evaluation; `topic` is what a follow-up may lean on."""

    kind: str
    language: Language
    question: str
    answer: str
    topic: str = ""


def vary(pattern: str, rng: Random) -> str:
    """The pattern with one alternative of every bracket."""
    while found := INNERMOST.search(pattern):
        pattern = pattern[: found.start()] + rng.choice(found[1].split("|")) + pattern[found.end() :]
    return pattern


def choose(patterns: tuple[str, ...], rng: Random, **slots: str) -> str:
    """One pattern, varied and filled."""
    return vary(rng.choice(patterns), rng).format(**slots)


def around(question: str, language: Language, rng: Random) -> str:
    """The question with a greeting or an instruction around it, now and then."""
    if rng.random() < 0.25:
        before = rng.choice(BEFORE[language])
        joins = language == "en" and before.endswith((", ", ": ")) and question[:2] != "I "
        question = before + (question[0].lower() + question[1:] if joins and rng.random() < 0.7 else question)
    if rng.random() < 0.18:
        question += vary(rng.choice(AFTER[language]), rng)
    return careless(question, language, rng)


def careless(question: str, language: Language, rng: Random) -> str:
    """The question as typed in a hurry: no capitals, other punctuation, none at all, a letter missing or swapped."""
    chance = rng.random()
    if language == "en":
        if 0.5 < chance < 0.53:
            question = mistyped(question, rng)
        if chance < 0.12:
            question = question.lower()
        if chance > 0.88:
            question = question.rstrip("?.! ")
    elif chance < 0.15:
        question = question.replace("？", "?").replace("，", ",")
    elif chance > 0.88:
        question = question.rstrip("？。！")
    return question


def mistyped(question: str, rng: Random) -> str:
    """The question with two neighbouring letters swapped or one left out."""
    at = rng.randrange(1, max(2, len(question) - 1))
    pair = question[at : at + 2]
    if not pair.isalpha():
        return question
    return question[:at] + (pair[::-1] if rng.random() < 0.5 else pair[1:]) + question[at + 2 :]


def listed(parts: list[str], language: Language) -> str:
    """The parts as one enumeration: "a, b and c"."""
    joint, last = (", ", " and ") if language == "en" else ("、", "和")
    return parts[0] if len(parts) == 1 else joint.join(parts[:-1]) + last + parts[-1]


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
