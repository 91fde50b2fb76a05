"""Answers as JSON: when the question asks for it, and when a grammar will force it on an ordinary question.

In the second case the keys come from the grammar, so only the values are trained: a `Forced` turn says which part of
its answer counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from .. import answers
from ..phrases import Language, Turn, choose
from ..scene import Scene
from . import describing, offtopic

ASK = {
    "en": (
        "{ask} Answer as JSON with the keys {keys}.",
        "{ask} Return the result as JSON with {keys} keys.",
        "{ask} Reply in JSON: {keys}.",
        "{ask} Give a JSON object with {keys}.",
        "Return a JSON object with the keys {keys}. {ask}",
        "{ask} Return the result as JSON with {keys} keys, {all} strings. Return nothing other than JSON.",
        "{ask} Output JSON only, with the keys {keys}.",
        "{ask} Respond with a JSON object containing {keys}.",
    ),
    "zh": (
        "{ask}请用JSON回答，键为{keys}。",
        "{ask}以JSON格式返回{keys}。",
        "{ask}只返回JSON，包含{keys}。",
        "请返回包含{keys}的JSON。{ask}",
    ),
}
OPENERS = {
    "en": (
        "What is in the picture?",
        "Look at the picture.",
        "Describe the picture.",
        "Analyse the image.",
        "What do you see?",
        "",
    ),
    "zh": ("图里有什么？", "请看图。", "描述图片。", "分析这张图片。", ""),
}
KEYS: dict[str, tuple[str, ...]] = {
    "shape": ("shape", "form", "figure", "shape_name"),
    "colour": ("color", "colour", "color_name"),
    "count": ("count", "number_of_shapes", "how_many", "total", "amount", "n"),
    "text": ("text", "word", "content", "label", "value"),
    "number": ("number", "digits", "value", "reading"),
    "description": ("description", "caption", "answer", "summary", "result"),
}
UNKNOWN_KEYS = (
    "setup",
    "punchline",
    "title",
    "author",
    "name",
    "age",
    "price",
    "date",
    "city",
    "animal",
    "weather",
    "emotion",
    "rating",
    "id",
)
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Forced(Turn):
    """A turn whose answer is trained only from the character positions in `spans` (start, end)."""

    spans: tuple[tuple[int, int], ...] = ()


def facts(scene: Scene, rng: Random) -> dict[str, Any]:
    """What can be said about the scene, by keys that people might use."""
    known: dict[str, Any] = {}
    if len(scene.items) == 1:
        known["shape"], known["colour"] = scene.items[0].shape.name, scene.items[0].colour.name
    if scene.items:
        known["count"] = len(scene.items)
    if scene.texts and not scene.items:
        text = scene.texts[0].text
        known["text"] = text
        if scene.texts[0].is_number:
            known["number"] = int(text) if text[0] != "0" and rng.random() < 0.5 else text
    if len(scene.items) + len(scene.texts) == 1:
        known["description"] = answers.describe(scene, "en").rstrip(".")
    return {rng.choice(KEYS[key]): value for key, value in known.items()}


def chosen(scene: Scene | None, rng: Random) -> dict[str, Any]:
    """Some facts in some order, with a key that nobody could answer now and then."""
    known = facts(scene, rng) if scene else {}
    keys = rng.sample(list(known), rng.randint(1, len(known))) if known else []
    if not keys or rng.random() < 0.15:
        keys += [key for key in rng.sample(UNKNOWN_KEYS, rng.randint(1, 2)) if key not in keys]
    rng.shuffle(keys)
    return {key: known.get(key, UNKNOWN) for key in keys}


def asked(scene: Scene | None, language: Language, rng: Random) -> Turn:
    """A question that names the keys it wants."""
    result = chosen(scene, rng)
    quote = rng.choice(("'", '"', "`"))
    names = [f"{quote}{key}{quote}" for key in result]
    joint = " and " if language == "en" else "和"
    keys = joint.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    opener = rng.choice(OPENERS[language]) if scene else offtopic.offtopic(language, rng).question
    question = choose(ASK[language], rng, ask="{ask}", keys="{keys}", all="both" if len(names) == 2 else "all")
    question = question.replace("{keys}", keys).replace("{ask}", opener).strip()
    return Turn("json", language, question, json.dumps(result, ensure_ascii=False))


def forced(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """An ordinary question whose answer a grammar turned into JSON; only the values are trained."""
    result = chosen(scene, rng)
    question = choose(describing.DESCRIBE[language], rng)
    if len(result) == 1 and rng.random() < 0.5:
        question = rng.choice(OPENERS[language]) or question
    text, spans = "{", []
    for index, (key, value) in enumerate(result.items()):
        text += (", " if index else "") + json.dumps(key) + ": "
        start = len(text)
        text += json.dumps(value, ensure_ascii=False)
        spans.append((start, len(text)))
    return Forced("json", language, question, text + "}", "", tuple(spans))
