"""Requests come and go at any point without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from sightd.engine.protocol import Sampling

from ..pictures import noise
from .requests import engine, finish, question, step, submit


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 12])
def test_an_aborted_request_frees_everything(steps: int, tiny_checkpoints: dict[str, Path]) -> None:
    """A request aborted while waiting, in prefill or while answering gives back all its blocks, and its neighbour's
    tokens are as if it had never been."""
    folder = tiny_checkpoints["qwen2_5_vl"]
    neighbour = question(folder, "Hello", noise(1, (100, 100)))
    undisturbed = engine(folder)
    number = submit(undisturbed, neighbour, Sampling(20))
    expected = finish(undisturbed)[number]
    running = engine(folder, max_batch_tokens=64)
    free = running.scheduler.pool.free
    answers: dict[int, list[int]] = {}
    kept = submit(running, neighbour, Sampling(20))
    dropped = submit(running, question(folder, "A long question " * 12, noise(2, (300, 200))), Sampling(50))
    for _ in range(steps):
        step(running, answers)
    running.abort(dropped)
    assert finish(running, answers)[kept] == expected
    assert running.scheduler.pool.free == free
    assert not running.scheduler.running


def test_preemption_changes_no_answer(tiny_checkpoints: dict[str, Path]) -> None:
    """With a cache too small for all, requests are preempted and computed again, and each gets its own answer."""
    folder = tiny_checkpoints["qwen2_vl"]
    questions = [question(folder, f"Hello number {i}, how are you?", noise(i, (60, 60))) for i in range(5)]
    roomy, tight = engine(folder), engine(folder, cache_tokens=160, max_model_len=160)
    expected = {}
    for asked in questions:
        number = submit(roomy, asked, Sampling(60))
        expected[number] = finish(roomy)[number]
    numbers = [submit(tight, asked, Sampling(60)) for asked in questions]
    answers = finish(tight)
    assert [answers[n] for n in numbers] == list(expected.values())
    assert tight.scheduler.preemptions > 0
    assert tight.scheduler.pool.used == 0


def test_priority_goes_first(tiny_checkpoints: dict[str, Path]) -> None:
    """Of waiting requests, the one with the lower priority value runs first, and the newest of the highest value is the
    first to make room."""
    folder = tiny_checkpoints["qwen2_vl"]
    running = engine(folder, max_sequences=1)
    asked = question(folder, "Hello")
    order: list[int] = []
    numbers = [submit(running, asked, Sampling(3), priority=priority) for priority in (0, 5, -1, 5)]
    while not running.idle:
        order += [p.id for p in running.step() if p.finish]
    assert order == [numbers[2], numbers[0], numbers[1], numbers[3]]


def test_stop_tokens_end_an_answer(tiny_checkpoints: dict[str, Path]) -> None:
    """A stop token id ends the answer as its last token."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    asked = question(folder, "Hello")
    number = submit(running, asked, Sampling(20))
    whole = finish(running)[number]
    stop = whole[6]
    number = submit(running, asked, Sampling(20, stop_token_ids=(stop,)))
    assert finish(running)[number] == whole[: whole.index(stop) + 1]
