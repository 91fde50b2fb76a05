"""Quantising the language model of a checkpoint while it is loaded, by torchao. Imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from .checkpoint import CheckpointError, read_json

GROUP = 32
"""Weights that share a scale at four bits."""
REMEDY = "pip install 'sightd[quantised]'"


def stored_quantisation(folder: Path) -> str | None:
    """How a checkpoint's own weights are quantised, by config.json; None when they are not."""
    content = read_json(folder / "config.json").get("quantization_config")
    return str(content.get("quant_method", "unknown")) if isinstance(content, dict) else None


def quantise(language: nn.Module, how: str, device: torch.device) -> None:
    """Quantise the linear layers of a language model on their way to the device, in place: "int8" a scale for each row,
    "int4" a scale and an offset for each group of 32, "none" not at all. Everything else keeps its dtype. Raises
    CheckpointError for what the library, the device or the network cannot do."""
    if how == "none":
        return
    linears = [module for module in language.modules() if type(module) is nn.Linear]
    weights = sum(module.weight.numel() for module in linears)
    if not linears or weights < sum(p.numel() for n, p in language.named_parameters() if "embed" not in n) / 2:
        raise CheckpointError(
            f"model.quantization = {how!r} does nothing for this network: most of its weights are not those of linear "
            "layers (a mixture of experts, for one). Take a checkpoint that is quantised already."
        )
    if how == "int4" and any(module.in_features % GROUP for module in linears):
        raise CheckpointError(f'model.quantization = "int4" needs layers of a multiple of {GROUP} inputs; take "int8".')
    try:
        from torchao.quantization import quantize_

        quantize_(language, settings(how, device, linears[0].weight.dtype), is_plain_linear, device=device)
    except ImportError as error:
        raise CheckpointError(f"model.quantization = {how!r} needs a library: {error}. {REMEDY}") from error


def is_plain_linear(module: nn.Module, _: str) -> bool:
    """Whether this is a linear layer and nothing derived from one."""
    return type(module) is nn.Linear


def settings(how: str, device: torch.device, dtype: torch.dtype) -> Any:
    """Torchao's configuration. Raises CheckpointError for what the device cannot do, ImportError."""
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig
    from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig

    if how == "int8":
        return Int8WeightOnlyConfig(set_inductor_config=False)
    if device.type == "cpu":
        return PrototypeInt4WeightOnlyConfig(group_size=GROUP, set_inductor_config=False)
    if dtype != torch.bfloat16 or torch.cuda.get_device_capability(device) < (8, 0):
        raise CheckpointError(
            'model.quantization = "int4" on a card needs model.dtype = "bfloat16" and compute capability 8.0 or newer; '
            'take "int8".'
        )
    return Int4WeightOnlyConfig(group_size=GROUP, int4_packing_format="tile_packed_to_4d", set_inductor_config=False)
