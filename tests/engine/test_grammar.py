"""Answers that are held to a grammar."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from llguidance import LLMatcher
from sightd.engine.protocol import Sampling
from sightd.models.tokenizer import Tokenizer

from .requests import engine, finish, question, step, submit

DIGITS = LLMatcher.grammar_from_regex("[0-9]{3}-[0-9]{2}")


def test_random_answers_match(tiny_checkpoints: dict[str, Path]) -> None:
    """A random model's answers, greedy and hot, match the expression, and a neighbour's tokens are as without them."""
    folder = tiny_checkpoints["qwen2_vl"]
    tokenizer = Tokenizer(folder)
    running = engine(folder)
    asked = question(folder, "Hello")
    alone = submit(running, asked, Sampling(20))
    expected = finish(running)[alone]
    answers: dict[int, list[int]] = {}
    neighbour = submit(running, asked, Sampling(20))
    step(running, answers)
    held = [submit(running, asked, Sampling(40, temperature=t, seed=t, grammar=DIGITS)) for t in (0, 1, 2, 3)]
    finish(running, answers)
    assert answers[neighbour] == expected
    for number in held:
        assert re.fullmatch(r"\d{3}-\d{2}", tokenizer.decode(answers[number]))


def test_a_continued_answer_keeps_to_its_grammar(tiny_checkpoints: dict[str, Path]) -> None:
    """Submitted again with the tokens it had, a request's answer is the one that would have come."""
    folder = tiny_checkpoints["qwen2_vl"]
    running = engine(folder)
    asked = question(folder, "Hello")
    number = submit(running, asked, Sampling(40, grammar=DIGITS))
    whole = finish(running)[number]
    again = submit(running, asked, Sampling(40, grammar=DIGITS), produced=whole[:2])
    assert finish(running)[again] == whole[2:]


def test_a_grammar_that_does_not_compile(tiny_checkpoints: dict[str, Path]) -> None:
    """It is refused with a reason and holds nothing; an abort while it is compiled leaves nothing either."""
    folder = tiny_checkpoints["qwen2_vl"]
    running = engine(folder)
    asked = question(folder, "Hello")
    refused = submit(running, asked, Sampling(40, grammar="start: /(a/"))
    seen: list[Any] = []
    while not running.idle:
        seen += running.step()
    assert [(p.id, p.finish) for p in seen] == [(refused, "refused")]
    assert seen[0].refused
    aborted = submit(running, asked, Sampling(40, grammar=LLMatcher.grammar_from_regex("[a-z]{9}")))
    running.abort(aborted)
    assert running.idle
    assert running.scheduler.pool.used == 0


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_json(temperature: float, tiny_checkpoints: dict[str, Path]) -> None:
    """A random model's answer under a JSON Schema is JSON of that schema, without white space to get lost in."""
    folder = tiny_checkpoints["qwen3_vl"]
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 99}, "ok": {"type": "boolean"}},
        "required": ["n", "ok"],
        "additionalProperties": False,
    }
    from sightd.api.structured import json_grammar

    running = engine(folder)
    held = Sampling(60, temperature=temperature, seed=5, grammar=json_grammar(schema, "schema"))
    number = submit(running, question(folder, "Hello"), held)
    text = Tokenizer(folder).decode(finish(running)[number])
    value = json.loads(text)
    assert set(value) == {"n", "ok"}
    assert 0 <= value["n"] <= 99
    assert "  " not in text
