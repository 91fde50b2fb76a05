"""Decoder layers in few operations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sightd.engine.core import Engine
from sightd.engine.layers.decoder import KNOWN, DecoderLayer
from sightd.engine.protocol import Sampling
from torch import Tensor, nn

from ...pictures import noise
from ..requests import engine, finish, question, submit

STEPS = 10
CHECKPOINTS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "minicpmv")


@pytest.fixture(scope="session")
def checkpoints(tiny_checkpoints: dict[str, Path], minicpm: dict[str, Path]) -> dict[str, Path]:
    """Tiny checkpoints by model type."""
    return tiny_checkpoints | minicpm


def decoder_layers(running: Engine) -> list[nn.Module]:
    """The layers of a language model that are known."""
    return [m for m in running.runner.network.module.modules() if type(m).__name__ in KNOWN]


def changed(running: Engine) -> list[bool]:
    """Which of them compute in few operations."""
    return [isinstance(getattr(m.forward, "__self__", None), DecoderLayer) for m in decoder_layers(running)]


def logits(running: Engine, folder: Path) -> list[Tensor]:
    """Those of all steps in which two requests of different lengths, one with a picture, are answered."""
    kept: list[Tensor] = []
    run = running.runner.run

    def keep(chunks: list) -> Tensor:
        kept.append(run(chunks).clone())
        return kept[-1]

    running.runner.run = keep
    for asked in (question(folder, "Why?"), question(folder, "What is this?", noise(1, (90, 60)))):
        submit(running, asked, Sampling(STEPS), salt=b"each time anew")
    finish(running)
    running.runner.run = run
    return kept


@pytest.mark.parametrize("family", CHECKPOINTS)
def test_the_numbers_are_the_same(family: str, checkpoints: dict[str, Path]) -> None:
    """In float32 a network's logits hardly differ, whatever its norms weigh, whether its layers are transformers' or
    compute in few operations."""
    running, fresh = engine(checkpoints[family]), engine(checkpoints[family])
    for one in (running, fresh):
        generator = torch.Generator().manual_seed(0)
        for module in one.runner.network.module.modules():
            if type(module).__name__.endswith("RMSNorm"):
                module.weight.uniform_(0.5, 1.5, generator=generator)
    layers = decoder_layers(fresh)
    for layer in layers:
        layer.forward = DecoderLayer(layer).forward
    assert len(layers) == fresh.runner.network.cache_shape.layers
    expected, found = (logits(one, checkpoints[family]) for one in (running, fresh))
    assert len(found) == len(expected) >= STEPS
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", CHECKPOINTS)
def test_only_in_bfloat16(family: str, checkpoints: dict[str, Path]) -> None:
    """All known layers of an engine on the CPU compute in few operations in bfloat16, and none in float32."""
    plain = engine(checkpoints[family])
    layers = plain.runner.network.cache_shape.layers
    assert changed(plain) == [False] * layers
    short = engine(checkpoints[family], dtype="bfloat16")
    assert changed(short) == [True] * layers
    asked = question(checkpoints[family], "What is this?", noise(1, (90, 60)))
    number = submit(short, asked, Sampling(STEPS))
    assert len(finish(short)[number]) == STEPS
