"""Prepared decoding steps: the tokens are those of ordinary steps. On the CPU the work over the static buffers, which a
card would replay as a graph, is done anew at each step; everything else is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sightd.engine.attention import decoder
from sightd.engine.core import Engine
from sightd.engine.graphs import DecodeSteps, batch_sizes
from sightd.engine.protocol import Sampling

from ..checkpoints import FAMILIES
from ..pictures import noise
from .requests import engine, finish, question, step, submit

TOKENS = 24


def prepared_engine(folder: Path, **changes: int) -> tuple[Engine, list[int]]:
    """An engine with prepared decoding steps, and a list that grows by the number of rows of each step that was one."""
    running = engine(folder, **changes)
    runner, used = running.runner, []
    most, longest = changes.get("max_sequences", 16), changes.get("max_model_len", 2048)
    steps = DecodeSteps(runner.network, runner.cache, decoder("gathered"), most, longest)
    steps.prepare(lambda work: work, lambda: None)
    assert steps.reason == ""
    ordinary = steps.run

    def counted(sequences: list) -> torch.Tensor | None:
        used.append(len(sequences))
        return ordinary(sequences)

    steps.run = counted
    runner.decoding = steps
    return running, used


def test_batch_sizes() -> None:
    """Sizes go up to what runs at once, and no further than is useful."""
    assert batch_sizes(1) == [1]
    assert batch_sizes(20) == [1, 2, 4, 8, 16, 20]
    assert batch_sizes(4096)[-3:] == [240, 248, 256]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_crowd_of_every_size(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Requests of different lengths that join and leave, so that batches of every size around the prepared ones are met,
    get the tokens of an engine without prepared steps."""
    folder = tiny_checkpoints[family]
    plain, (running, used) = engine(folder), prepared_engine(folder)
    asked = [
        question(folder, "What is this? " * (1 + number % 5), *[noise(number, (90, 60))] * (number % 2))
        for number in range(11)
    ]
    expected, answers, numbers = [], {}, []
    for number, one in enumerate(asked):
        expected.append(submit(plain, one, Sampling(TOKENS + 3 * number)))
        numbers.append(submit(running, one, Sampling(TOKENS + 3 * number)))
        step(running, answers)
        step(running, answers)
    finish(running, answers)
    alone = finish(plain)
    assert [answers[number] for number in numbers] == [alone[number] for number in expected]
    assert {1, 2, 3, 4, 5, 8, 9, 11} <= set(used)


@pytest.mark.parametrize("kind", ["minicpmv", "minicpmo"])
def test_minicpm(kind: str, minicpm: dict[str, Path]) -> None:
    """The same holds for positions of one axis."""
    folder = minicpm[kind]
    plain, (running, used) = engine(folder), prepared_engine(folder)
    asked = question(folder, "What is this?", noise(3, (200, 150)))
    first, second = submit(plain, asked, Sampling(TOKENS)), submit(running, asked, Sampling(TOKENS))
    assert finish(running)[second] == finish(plain)[first]
    assert used == [1] * (TOKENS - 1)


def test_preemption_and_shared_beginnings(tiny_checkpoints: dict[str, Path]) -> None:
    """With a cache too small for all, sequences lose their blocks and get others, some of them shared, and every answer
    stays what it is alone."""
    folder = tiny_checkpoints["qwen2_vl"]
    asked = [
        question(folder, f"Hello, how are you today my friend, number {i % 3}?", noise(1, (60, 60))) for i in range(6)
    ]
    roomy, (tight, used) = engine(folder), prepared_engine(folder, cache_tokens=240, max_model_len=240)
    expected = []
    for one in asked:
        number = submit(roomy, one, Sampling(60))
        expected.append(finish(roomy)[number])
    numbers = [submit(tight, one, Sampling(60)) for one in asked]
    answers = finish(tight)
    assert [answers[number] for number in numbers] == expected
    assert tight.scheduler.preemptions > 0
    assert tight.scheduler.pool.counts.hits > 0
    assert used


def test_contexts_beyond_what_is_prepared(tiny_checkpoints: dict[str, Path]) -> None:
    """A context that is longer than the widest prepared table for its batch runs as an ordinary step."""
    folder = tiny_checkpoints["qwen3_vl"]
    plain, (running, used) = engine(folder), prepared_engine(folder)
    running.runner.decoding._prepared = {
        rows: {width: work for width, work in widths.items() if width < 64}
        for rows, widths in running.runner.decoding._prepared.items()
    }
    asked = question(folder, "A long question. " * 60)
    length = len(asked.prompt.token_ids)
    assert length < 512 < length + 200
    first, second = submit(plain, asked, Sampling(200)), submit(running, asked, Sampling(200))
    assert finish(running)[second] == finish(plain)[first]
    assert len(used) == 199


def test_sampled_answers(tiny_checkpoints: dict[str, Path]) -> None:
    """Seeds, penalties and log probabilities give what they give with ordinary steps."""
    folder = tiny_checkpoints["qwen3_vl"]
    wishes = Sampling(TOKENS, temperature=0.9, top_p=0.9, seed=5, repetition_penalty=1.2, logprobs=3)
    plain, (running, _) = engine(folder), prepared_engine(folder)
    expected = [submit(plain, question(folder, f"Hello {i}"), wishes) for i in range(3)]
    numbers = [submit(running, question(folder, f"Hello {i}"), wishes) for i in range(3)]
    answers, alone = finish(running), finish(plain)
    assert [answers[number] for number in numbers] == [alone[number] for number in expected]


def test_what_cannot_be_prepared_is_left_out(tiny_checkpoints: dict[str, Path]) -> None:
    """When preparing fails, the reason is known and every step is an ordinary one."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    runner = running.runner
    steps = DecodeSteps(runner.network, runner.cache, decoder("gathered"), 16, 2048)

    def fails(_: object) -> None:
        raise RuntimeError("called a synchronizing CUDA operation\nmore of it")

    steps.prepare(fails, lambda: None)
    runner.decoding = steps
    assert steps.count == 0
    assert steps.reason == "called a synchronizing CUDA operation"
    number = submit(running, question(folder, "Hello"), Sampling(TOKENS))
    assert len(finish(running)[number]) == TOKENS
