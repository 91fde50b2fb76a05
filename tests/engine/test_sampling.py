"""Random answers are repeatable: they depend on the request and its seed alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sightd.engine.protocol import Sampling, Submission
from sightd.engine.randomness import uniform
from sightd.engine.sampler import sample
from sightd.engine.sequence import Sequence

from .requests import engine, finish, question, step, submit


def sequences(*sampling: Sampling, produced: int = 0) -> list[Sequence]:
    """Sequences that only the sampler looks at."""
    return [
        Sequence(Submission(i, [1], s, produced=[2] * produced), [], np.zeros((3, 1), np.int64), 0)
        for i, s in enumerate(sampling)
    ]


def test_a_seed_decides(tiny_checkpoints: dict[str, Path]) -> None:
    """The same request with a seed gets the same tokens alone and in a crowd; another seed gets others."""
    folder = tiny_checkpoints["qwen3_vl"]
    asked = question(folder, "Tell me something")
    sampling = Sampling(30, temperature=1.5, top_p=0.95, top_k=200, seed=42)
    alone = engine(folder)
    number = submit(alone, asked, sampling)
    expected = finish(alone)[number]
    crowd = engine(folder, max_batch_tokens=64)
    answers: dict[int, list[int]] = {}
    others = [
        submit(crowd, question(folder, f"Question {i} " * (i + 1)), Sampling(40, temperature=2.0, seed=i))
        for i in range(5)
    ]
    step(crowd, answers)
    same = submit(crowd, asked, sampling)
    other = submit(crowd, asked, Sampling(30, temperature=1.5, top_p=0.95, top_k=200, seed=43))
    finish(crowd, answers)
    assert answers[same] == expected
    assert answers[other] != expected
    assert all(len(answers[number]) == 40 for number in others)


def test_a_continued_request_goes_on_the_same(tiny_checkpoints: dict[str, Path]) -> None:
    """A request submitted again with the tokens it had brings the tokens that would have come."""
    folder = tiny_checkpoints["qwen2_vl"]
    asked = question(folder, "Go on")
    for sampling in (Sampling(30, temperature=1.2, seed=7), Sampling(30)):
        first = engine(folder)
        number = submit(first, asked, sampling)
        whole = finish(first)[number]
        second = engine(folder)
        second.submit(Submission(1, asked.prompt.token_ids, sampling, produced=whole[:11]), [])
        assert finish(second)[1] == whole[11:]


def test_top_k_and_top_p_cut_the_tail() -> None:
    """Only tokens that top-k and top-p leave are ever drawn, and the most likely one always is possible."""
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(400, 1)
    for sampling, allowed in (
        ({"top_k": 2}, {0, 1}),
        ({"top_p": 0.79}, {0, 1}),
        ({"top_p": 0.81}, {0, 1, 2}),
        ({"top_p": 0.01}, {0}),
        ({"min_p": 0.25}, {0, 1, 2}),
        ({"min_p": 0.7}, {0}),
        ({}, {0, 1, 2, 3}),
    ):
        drawn = sample(
            logits, sequences(*[Sampling(9, temperature=1.0, seed=s, **sampling) for s in range(400)]), frozenset()
        )
        assert set(drawn) == allowed


def test_draws_follow_the_distribution() -> None:
    """Over many seeds, tokens are drawn as often as their probabilities say, and temperature sharpens them."""
    probabilities = np.array([0.6, 0.25, 0.1, 0.05])
    logits = torch.log(torch.tensor(probabilities, dtype=torch.float32))[None].repeat(20000, 1)
    for temperature in (1.0, 0.5):
        drawn = sample(
            logits, sequences(*[Sampling(9, temperature=temperature, seed=s) for s in range(20000)]), frozenset()
        )
        expected = probabilities ** (1 / temperature)
        frequency = np.bincount(drawn, minlength=4) / len(drawn)
        assert np.abs(frequency - expected / expected.sum()).max() < 0.012


def test_random_numbers_are_uniform_and_their_own() -> None:
    """Numbers are even over [0, 1) and uncorrelated between neighbouring seeds and positions."""
    seeds, positions = (
        a.ravel() for a in np.meshgrid(np.arange(300, dtype=np.uint64), np.arange(300, dtype=np.uint64))
    )
    numbers = uniform(seeds, positions)
    assert 0 <= numbers.min() < numbers.max() < 1
    assert np.abs(np.histogram(numbers, 20, (0, 1))[0] / numbers.size * 20 - 1).max() < 0.05
    grid = numbers.reshape(300, 300)
    for one, other in ((grid[1:], grid[:-1]), (grid[:, 1:], grid[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
