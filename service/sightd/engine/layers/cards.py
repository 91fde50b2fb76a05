"""What makes a loaded network fast on a card beside what `norms` does everywhere: fewer launches for each layer."""

from __future__ import annotations

import importlib

import torch

from ... import logs
from ...models.network import Network

log = logs.get(__name__)


def suit(network: Network) -> None:
    """Rotate positions by one kernel where Triton works."""
    shape = network.cache_shape
    rotated = 0
    try:
        rotary = importlib.import_module(f"{__package__}.rotary")
        rotated = rotary.fuse_rotary(network.module, network.heads, shape.kv_heads, shape.head_dim, shape.dtype)
    # Compilers raise what they like, and transformers' own function does the work without them.
    except Exception as error:  # noqa: BLE001
        log.warning("rotary positions are not fused", reason=str(error).partition("\n")[0][:200])
    log.info("network suited to the card", rotated=rotated)
    # What merging layers has freed is to count as free when the cache is planned.
    torch.cuda.empty_cache()
