"""Activations computed as part of the product before them: on a CPU a GELU by itself takes half as long as the product
that it follows."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .packing import PackedLinear, is_plain

PAIRS = (("linear_fc1", "act_fn"), ("fc1", "activation_fn"))
"""Names of a layer and of the activation that transformers' modules apply to what it gives, and to nothing else."""


def fuse_gelus(model: nn.Module, dtype: torch.dtype) -> int:
    """Replace plain bfloat16 layers that a GELU follows by packed ones, multiplied in `dtype`, that compute both. In
    float32 everything stays as it is: oneDNN's GELU agrees with torch's to bfloat16's precision. Returns how many were
    replaced."""
    replaced = 0
    for module in model.modules():
        for layer, activation in PAIRS:
            linear = getattr(module, layer, None)
            if type(linear) is not nn.Linear or not is_plain(linear.weight) or linear.weight.dtype != torch.bfloat16:
                continue
            if (gelu := form(getattr(module, activation, None))) is not None:
                setattr(module, layer, PackedLinear(linear, dtype, gelu))
                setattr(module, activation, nn.Identity())
                replaced += 1
    return replaced


@torch.inference_mode()
def form(activation: Any) -> str | None:
    """Which form of GELU an activation is, in torch's words: "none" or "tanh"; None where it is something else."""
    sample = torch.linspace(-4, 4, 1000)
    if callable(activation):
        for approximate in ("tanh", "none"):
            if torch.equal(activation(sample), F.gelu(sample, approximate=approximate)):
                return approximate
    return None
