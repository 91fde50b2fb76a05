"""Linear layers of one input as one product."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sightd.engine.layers import cpu
from sightd.engine.layers.merging import PartLinear, merge_linears
from sightd.engine.protocol import Sampling
from torch import nn

from ...checkpoints import FAMILIES
from ...pictures import noise
from ..requests import Reference, engine, finish, question, submit


class Block(nn.Module):
    """Layers with the names that transformers gives them."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(8, width, bias) for width in (8, 4, 4))
        self.gate_proj, self.up_proj = nn.Linear(8, 6, bias), nn.Linear(8, 6, bias=not bias)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "none"])
def test_parts_are_what_the_layers_gave(bias: bool) -> None:
    """Every part equals its layer's product, for one input after another and in any order, and nothing is kept
    afterwards; layers of which only some have a bias stay."""
    block = Block(bias)
    names = ("q_proj", "k_proj", "v_proj")
    one, two = torch.randn(2, 3, 5, 8)
    expected = {(name, x): getattr(block, name)(x) for name in names for x in (one, two)}
    assert merge_linears(block) == 3
    assert type(block.up_proj) is nn.Linear
    asked = [*((name, one) for name in names), ("k_proj", two), ("q_proj", one), ("k_proj", one), ("v_proj", two)]
    for name, x in asked:
        torch.testing.assert_close(getattr(block, name)(x), expected[name, x])
    assert block.q_proj.product._computed.parts == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_stay(family: str, tiny_checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose layers are merged, as on a card, and not packed, as on a CPU, gives transformers' answers."""
    folder = tiny_checkpoints[family]
    monkeypatch.setattr(cpu, "pack_linears", lambda module, several: 0)
    running = engine(folder)
    assert any(type(module) is PartLinear for module in running.runner.network.module.modules())
    asked = question(folder, "What is this?", noise(1, (90, 60)))
    number = submit(running, asked, Sampling(24))
    assert finish(running)[number] == Reference(folder).answer(asked, 24)


def test_minicpm(minicpm: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds for MiniCPM's vision encoder and language model."""
    folder = minicpm["minicpmv"]
    asked = question(folder, "What is this?", noise(3, (200, 150)))
    plain = engine(folder)
    first = submit(plain, asked, Sampling(24))
    monkeypatch.setattr(cpu, "pack_linears", lambda module, several: 0)
    merged = engine(folder)
    second = submit(merged, asked, Sampling(24))
    assert finish(merged)[second] == finish(plain)[first]
