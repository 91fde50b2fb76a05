"""Decoding by torch alone: each sequence's keys and values are gathered up to a common width. Right on every device,
and what is left where nothing faster is installed."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .layout import DecodeLayout

NARROWEST, FACTOR = 32, 4
"""The smallest width, in blocks, and how many times as wide each further one is: work grows with the width."""
MOST_BLOCKS = 4096
"""Blocks of all sequences together up to which gathering is worth it."""


def widths(sequences: int, longest: int) -> list[int]:
    """See `DecodeBackend.widths`."""
    result = [min(NARROWEST, longest)]
    while result[-1] < longest:
        result.append(min(FACTOR * result[-1], longest))
    return [width for width in result if sequences * width <= MOST_BLOCKS]


def attend_decode(query: Tensor, keys: Tensor, values: Tensor, layout: DecodeLayout, scale: float) -> Tensor:
    """See `DecodeBackend.attend_decode`; the query heads that share a key head go as rows of one product."""
    sequences, heads, width = query.shape
    kv_heads = keys.shape[1]
    grouped = query.reshape(sequences, kv_heads, heads // kv_heads, width)
    key, value = (x[layout.context_slots].transpose(1, 2) for x in (keys, values))
    mixed = F.scaled_dot_product_attention(grouped, key, value, attn_mask=layout.seen[:, None, None], scale=scale)
    return mixed.reshape(sequences, heads, width)
