"""The numbers of the paged key/value cache."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.network import CacheShape


class KVCache:
    """For each layer, keys and values [slots, kv_heads, head_dim]; slot = block x block size + offset. Beside the
    `blocks` there is one more, `scratch`, for what is computed to be thrown away. On the CPU what one head reads lies
    in one piece in memory, which halves the time of attention over a long context."""

    def __init__(self, shape: CacheShape, blocks: int, block_size: int, device: torch.device) -> None:
        self.block_size = block_size
        self.scratch = blocks
        slots, on_cpu = (blocks + 1) * block_size, device.type == "cpu"
        self._keys, self._values = (zeros(shape, slots, device, heads_first=on_cpu).unbind() for _ in range(2))

    def store(self, layer: int, slots: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values [tokens, kv_heads, head_dim] of one layer to `slots` int64 [tokens]. Returns all keys
        and values of the layer."""
        keys, values = self._keys[layer], self._values[layer]
        return keys.index_copy_(0, slots, key), values.index_copy_(0, slots, value)


def zeros(shape: CacheShape, slots: int, device: torch.device, heads_first: bool) -> Tensor:
    """Room [layers, slots, kv_heads, head_dim], in memory by heads first or by slots first."""
    inner = (shape.kv_heads, slots) if heads_first else (slots, shape.kv_heads)
    room = torch.zeros(shape.layers, *inner, shape.head_dim, dtype=shape.dtype, device=device)
    return room.transpose(1, 2) if heads_first else room
