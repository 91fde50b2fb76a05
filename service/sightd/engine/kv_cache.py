"""The numbers of the paged key/value cache."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.network import CacheShape


class KVCache:
    """For each layer, keys and values [slots, kv_heads, head_dim]; slot = block x block size + offset. Beside the
    `blocks` there is one more, `scratch`, for what is computed to be thrown away."""

    def __init__(self, shape: CacheShape, blocks: int, block_size: int, device: torch.device) -> None:
        size = (shape.layers, (blocks + 1) * block_size, shape.kv_heads, shape.head_dim)
        self.block_size = block_size
        self.scratch = blocks
        self.keys = torch.zeros(size, dtype=shape.dtype, device=device)
        self.values = torch.zeros(size, dtype=shape.dtype, device=device)

    def store(self, layer: int, slots: Tensor, key: Tensor, value: Tensor) -> None:
        """Write keys and values [tokens, kv_heads, head_dim] of one layer to `slots` int64 [tokens]."""
        self.keys[layer].index_copy_(0, slots, key)
        self.values[layer].index_copy_(0, slots, value)
