"""Penalties, biases and forbidden tokens: as transformers defines them, and for their own request only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sightd.engine.protocol import Sampling, Submission
from sightd.engine.sampler import NOTHING, sample
from sightd.engine.sequence import Sequence

from ..pictures import noise
from .requests import Reference, engine, finish, question, submit

EOS = frozenset({3})


def after(sampling: Sampling, prompt: list[int], produced: list[int]) -> Sequence:
    """A sequence that only the sampler looks at."""
    request = Submission(1, prompt, sampling, produced=produced)
    return Sequence(request, [], np.zeros((3, len(prompt)), np.int64), 0)


def next_token(
    logits: list[float], produced: list[int] | None = None, prompt: list[int] | None = None, **wishes: Any
) -> int:
    """The token that a request with these wishes takes next."""
    sequence = after(Sampling(9, **wishes), [0] if prompt is None else prompt, produced or [])
    neighbour = after(Sampling(9), [0], [])
    mine, other = sample(torch.tensor([logits, logits]), [sequence, neighbour], EOS)
    assert other == int(np.argmax(logits)), "a neighbour's token changed"
    return mine


@pytest.mark.parametrize("penalty", [1.3, 0.8])
def test_repetition_penalty_is_transformers(penalty: float, tiny_checkpoints: dict[str, Path]) -> None:
    """A repetition penalty gives the greedy tokens that `generate` gives with it, beside a request without one."""
    folder = tiny_checkpoints["qwen3_vl"]
    asked = question(folder, "What is this?", noise(1, (120, 90)))
    reference, running = Reference(folder), engine(folder)
    plain = submit(running, asked, Sampling(24))
    penalised = submit(running, asked, Sampling(24, repetition_penalty=penalty))
    answers = finish(running)
    assert answers[plain] == reference.answer(asked, 24)
    assert answers[penalised] == reference.answer(asked, 24, repetition_penalty=penalty)
    assert answers[plain] != answers[penalised]


def test_frequency_and_presence() -> None:
    """Both count the answer's tokens only: frequency for every time, presence once."""
    logits = [0.0, 2.0, 1.5, -9.0]
    assert next_token(logits, [1, 1], frequency_penalty=0.3) == 2
    assert next_token(logits, [1, 1], presence_penalty=0.3) == 1
    assert next_token(logits, [1, 1], presence_penalty=0.6) == 2
    assert next_token(logits, [], prompt=[1, 1, 1], frequency_penalty=2.0) == 1
    assert next_token(logits, [2], frequency_penalty=-2.0) == 2


def test_bias_and_allowed_tokens() -> None:
    """A bias is added to its tokens' logits; of allowed tokens the likeliest comes."""
    logits = [0.0, 2.0, 1.5, -9.0]
    assert next_token(logits, logit_bias=((2, 1.0),)) == 2
    assert next_token(logits, logit_bias=((1, -100.0), (2, -100.0))) == 0
    assert next_token(logits, allowed_token_ids=(0, 3)) == 0


def test_forbidden_tokens() -> None:
    """The end does not come before min_tokens, and the last token of a bad word not after its first ones."""
    logits = [0.0, 2.0, 1.5, 5.0]
    assert next_token(logits, [1], min_tokens=2) == 1
    assert next_token(logits, [1, 1], min_tokens=2) == 3
    assert next_token(logits, [1], min_tokens=2, stop_token_ids=(1,)) == 2
    logits = [0.0, 2.0, 1.5, -9.0]
    assert next_token(logits, [2], bad_words=((2, 1),)) == 2
    assert next_token(logits, [0], bad_words=((2, 1),)) == 1
    assert next_token(logits, [], bad_words=((1,), (2,))) == 0


def test_logprobs(tiny_checkpoints: dict[str, Path]) -> None:
    """Log probabilities are those of the model's own distribution, likeliest first, for requests that want them."""
    folder = tiny_checkpoints["qwen2_vl"]
    running = engine(folder)
    asked = question(folder, "Hello")
    wanted = submit(running, asked, Sampling(5, logprobs=3))
    unwanted = submit(running, asked, Sampling(5))
    reported: dict[int, list[Any]] = {wanted: [], unwanted: []}
    tokens: dict[int, list[int]] = {wanted: [], unwanted: []}
    while not running.idle:
        for progress in running.step():
            reported[progress.id] += progress.logprobs or []
            tokens[progress.id] += progress.tokens
    assert tokens[wanted] == tokens[unwanted]
    assert not reported[unwanted]
    model = Reference(folder).model
    ids = torch.tensor([asked.prompt.token_ids + tokens[wanted]])
    with torch.no_grad():
        expected = model(input_ids=ids).logits[0].log_softmax(-1)[len(asked.prompt.token_ids) - 1 : -1]
    for (chosen, top, values), token, row in zip(reported[wanted], tokens[wanted], expected, strict=True):
        assert chosen == pytest.approx(float(row[token]), abs=1e-4)
        assert top[0] == token
        assert values == pytest.approx(row.topk(3).values.tolist(), abs=1e-4)


def test_nothing_left() -> None:
    """Where a request rules out every token, that is said, and a neighbour's token is as without it."""
    assert next_token([0.0, 2.0, 1.5, -9.0], allowed_token_ids=(3,), min_tokens=2) == NOTHING
    assert next_token([0.0, 2.0, 1.5, -9.0], allowed_token_ids=(1,), bad_words=((1,),), temperature=1.0) == NOTHING
