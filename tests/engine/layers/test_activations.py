"""Activations computed with the product before them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from sightd.engine.layers.activations import form, fuse_gelus
from sightd.engine.layers.packing import PackedLinear, can_pack
from torch import nn
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionMLP


def feed_forward(activation: str) -> nn.Module:
    """Transformers' own, with random weights."""
    torch.manual_seed(0)
    config = SimpleNamespace(hidden_size=96, intermediate_size=160, hidden_act=activation)
    return Qwen3VLVisionMLP(config).requires_grad_(False)


@pytest.mark.skipif(not can_pack(), reason="oneDNN cannot pack bfloat16 weights on this processor")
@pytest.mark.parametrize("activation", ["gelu", "gelu_pytorch_tanh"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_fused_gelu(activation: str, dtype: torch.dtype) -> None:
    """A bfloat16 layer with a GELU after it gives the same numbers when both are one product."""
    block, x = feed_forward(activation).to(torch.bfloat16), torch.randn(7, 96, dtype=torch.bfloat16)
    exact = feed_forward(activation)(x.float())
    own = (block(x).float() - exact).abs().max()
    assert fuse_gelus(block, dtype) == 1
    assert isinstance(block.linear_fc1, PackedLinear)
    assert (block(x).float() - exact).abs().max() <= 1.5 * own


def test_other_activations_stay() -> None:
    """Layers in float32 and layers that another activation follows stay as they are."""
    assert fuse_gelus(feed_forward("gelu"), torch.float32) == 0
    assert fuse_gelus(feed_forward("silu").to(torch.bfloat16), torch.bfloat16) == 0
    assert form(nn.GELU()) == "none"
    assert form(nn.GELU(approximate="tanh")) == "tanh"
    assert form(nn.SiLU()) is None
    assert form(None) is None
