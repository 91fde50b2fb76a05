"""Greedy answers are transformers' own, whatever else runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from sightd.engine.protocol import Sampling

from ..checkpoints import FAMILIES
from ..pictures import noise
from .requests import Question, Reference, engine, finish, question, step, submit

TOKENS = 24


def questions(folder: Path) -> list[Question]:
    """Text alone, one picture, two of different sizes, a long text, and a large picture."""
    return [
        question(folder, "Hello there"),
        question(folder, "What is this?", noise(1, (180, 120))),
        question(folder, "图里有什么？", noise(2, (90, 200)), noise(3, (260, 130))),
        question(folder, "How many red circles are there? " * 9),
        question(folder, "Describe.", noise(4, (640, 480))),
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_alone(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """A request by itself gets the tokens that `generate` gives."""
    folder = tiny_checkpoints[family]
    reference, running = Reference(folder), engine(folder)
    for asked in questions(folder):
        number = submit(running, asked, Sampling(TOKENS))
        assert finish(running)[number] == reference.answer(asked, TOKENS)


@pytest.mark.parametrize("family", FAMILIES)
def test_in_a_crowd(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Requests that join while others are under way, with prompts computed in small chunks, get the same tokens."""
    folder = tiny_checkpoints[family]
    reference, running = Reference(folder), engine(folder, max_batch_tokens=64)
    answers: dict[int, list[int]] = {}
    expected = {}
    for asked in questions(folder) * 2:
        expected[submit(running, asked, Sampling(TOKENS))] = reference.answer(asked, TOKENS)
        step(running, answers)
        step(running, answers)
    assert finish(running, answers) == expected


def test_pictures_matter(tiny_checkpoints: dict[str, Path]) -> None:
    """The random checkpoints answer differently about different pictures, so that the comparisons mean something."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    one = submit(running, question(folder, "What?", noise(1, (180, 120))), Sampling(TOKENS))
    two = submit(running, question(folder, "What?", noise(5, (180, 120))), Sampling(TOKENS))
    answers = finish(running)
    assert answers[one] != answers[two]
