"""What makes a loaded network fast on a CPU beside what `norms` and `merging` do everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...models.network import Network
from ...models.weightsizes import loaded_bytes
from ..memory import free_bytes
from ..processor import multiplies_bfloat16
from .activations import fuse_gelus
from .decoder import fuse_layers
from .packing import pack_linears


def suit(network: Network, start: dict[str, Any]) -> None:
    """Pack linear layers in the format that the processor multiplies fastest, the activations that follow them with
    them, and let decoder layers compute in few operations."""
    several = torch.bfloat16 if multiplies_bfloat16() else torch.float32
    beside = several if fits_beside(str(several).removeprefix("torch."), start) else None
    fuse_gelus(network.module, beside or torch.bfloat16)
    pack_linears(network.module, beside)
    fuse_layers(network.module)


def fits_beside(dtype: str, start: dict[str, Any]) -> bool:
    """Whether the weights find room in this format too without taking the cache's."""
    size = loaded_bytes(Path(start["folder"]), dtype, False, start["quantization"])
    return size <= free_bytes(torch.device("cpu"), start["memory_utilization"])
