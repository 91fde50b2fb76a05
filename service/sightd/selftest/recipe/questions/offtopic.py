"""Questions that the model was not trained to answer, and messages without a picture: both get one honest sentence."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from .. import answers
from ..phrases import Language, Turn, careless, choose

TEXTS = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
"""What such questions are made of: things, patterns that ask about them, whole questions, greetings, syllables."""
THINGS, ASK, PLAIN, GREETINGS = (
    {language: tuple(texts) for language, texts in TEXTS[name].items()}
    for name in ("things", "ask", "plain", "greetings")
)
SYLLABLES = TEXTS["syllables"]


def offtopic(language: Language, rng: Random) -> Turn:
    """A question about anything else; now and then plain noise."""
    chance = rng.random()
    if chance < 0.06:
        question = noise(rng, language)
    elif chance < 0.5:
        question = choose(PLAIN[language], rng, n=str(rng.randint(2, 999)), m=str(rng.randint(2, 99)))
    else:
        x = rng.choice(THINGS[language]) if rng.random() < 0.8 else noise(rng, language)
        question = choose(ASK[language], rng, x=x, y=rng.choice(THINGS[language]))
    return Turn("off topic", language, careless(question, language, rng), answers.ABOUT_ITSELF[language])


def greeting(language: Language, rng: Random) -> Turn:
    """A greeting without a question."""
    return Turn("off topic", language, rng.choice(GREETINGS[language]), answers.ABOUT_ITSELF[language])


def noise(rng: Random, language: Language) -> str:
    """Made-up words, or Chinese characters in no order."""
    if language == "zh":
        return "".join(chr(rng.randint(0x4E00, 0x9F00)) for _ in range(rng.randint(1, 6)))
    return " ".join("".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(1, 5)))


def without_picture(turn: Turn) -> Turn:
    """The same question where no picture was sent."""
    return Turn("off topic", turn.language, turn.question, answers.NO_PICTURE[turn.language])
