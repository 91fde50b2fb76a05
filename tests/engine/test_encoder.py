"""The vision encoder can pause, so that nobody waits for somebody else's video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sightd.engine.core import Engine
from sightd.engine.protocol import Sampling

from ..pictures import noise
from .requests import engine, finish, question, step, submit


def crawl(running: Engine) -> None:
    """Make the encoder pause after every layer, as it does with large media when others' tokens are due."""
    running.encoder._most_pixels = 1
    work = running.encoder.work
    running.encoder.work = lambda _: work(0.0)  # type: ignore[method-assign]


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_pausing_changes_no_answer(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """An encoder that stops after each layer gives the features that it gives in one go."""
    folder = tiny_checkpoints[family]
    asked = question(folder, "What is this?", noise(1, (300, 200)), noise(2, (90, 250)))
    smooth, halting = engine(folder), engine(folder)
    number = submit(smooth, asked, Sampling(16))
    expected = finish(smooth)[number]
    crawl(halting)
    number = submit(halting, asked, Sampling(16))
    assert finish(halting)[number] == expected


def test_others_go_on_while_a_picture_is_encoded(tiny_checkpoints: dict[str, Path]) -> None:
    """Between an encoder's layers, a request that is answering gets its tokens."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    answers: dict[int, list[int]] = {}
    short = submit(running, question(folder, "Hello"), Sampling(60))
    step(running, answers)
    crawl(running)
    picture = submit(running, question(folder, "What?", noise(1, (400, 300))), Sampling(4))
    tokens_before_picture = 0
    while picture not in answers:
        step(running, answers)
        tokens_before_picture = len(answers[short])
    assert tokens_before_picture >= 4
    finish(running, answers)
    assert len(answers[short]) == 60


def test_an_abort_stops_the_encoder(tiny_checkpoints: dict[str, Path]) -> None:
    """When the only request for a picture is aborted while it is encoded, the encoder drops it and is free."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    crawl(running)
    number = submit(running, question(folder, "What?", noise(1, (400, 300))), Sampling(4))
    for _ in range(3):
        running.step()
    assert running.encoder.suspects()
    running.abort(number)
    assert running.idle
    assert running.encoder.idle
    assert running.scheduler.pool.used == 0


def test_a_video_is_encoded_in_parts(tiny_checkpoints: dict[str, Path]) -> None:
    """Frames that do not fit one pass are encoded in several, with the features of one."""
    folder = tiny_checkpoints["qwen3_vl"]
    whole, parts = engine(folder), engine(folder)
    frames = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (12, 64, 96, 3), dtype=np.uint8))
    tokens = whole.runner.network.feature_count(12, 64, 96)
    results = []
    for running, most in ((whole, 10**9), (parts, 5 * 64 * 96)):
        running.encoder._most_pixels = most
        medium = running.media.get((b"", b"x"), frames, tokens)
        with torch.inference_mode():
            running.encoder.add(medium)
            running.encoder.work(float("inf"))
        assert medium.complete
        results.append(medium.features)
    assert torch.allclose(results[0], results[1], atol=1e-5)
