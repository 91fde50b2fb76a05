"""Decoding by FlashAttention 3's paged kernel, where the package is installed (Hopper cards): `flash_attn_interface` of
https://github.com/Dao-AILab/flash-attention. Torch's own flash attention has no paged cache without that package."""

from __future__ import annotations

from flash_attn_interface import flash_attn_with_kvcache
from torch import Tensor

from .layout import DecodeLayout


def widths(_sequences: int, longest: int) -> list[int]:
    """See `DecodeBackend.widths`: what lies beyond a context costs nothing."""
    return [longest]


def attend_decode(query: Tensor, keys: Tensor, values: Tensor, layout: DecodeLayout, scale: float) -> Tensor:
    """See `DecodeBackend.attend_decode`."""
    pages = (x.unflatten(0, (-1, layout.block_size)) for x in (keys, values))
    result: Tensor = flash_attn_with_kvcache(
        query[:, None],
        *pages,
        cache_seqlens=layout.contexts,
        page_table=layout.blocks,
        softmax_scale=scale,
    )
    return result[:, 0]
