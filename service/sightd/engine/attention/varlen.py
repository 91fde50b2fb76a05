"""Attention on CUDA by torch's variable-length flash attention: all sequences of a step in one call."""

from __future__ import annotations

from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from .layout import StepLayout, ends

CAUSAL = (-1, 0)


def attend_text(query: Tensor, keys: Tensor, values: Tensor, layout: StepLayout, scale: float) -> Tensor:
    """See `AttentionBackend.attend_text`. The kernel aligns queries with the end of their context."""
    line = layout.packed
    result = varlen_attn(
        query,
        keys[line.slots],
        values[line.slots],
        line.queries,
        line.contexts,
        line.most_queries,
        line.most_context,
        scale=scale,
        window_size=CAUSAL,
        enable_gqa=True,
    )
    assert isinstance(result, Tensor)
    return result


def attend_packed(query: Tensor, key: Tensor, value: Tensor, lengths: list[int], scale: float) -> Tensor:
    """See `AttentionBackend.attend_packed`."""
    segments = ends(lengths, query.device)
    result = varlen_attn(query, key, value, segments, segments, max(lengths), max(lengths), scale=scale)
    assert isinstance(result, Tensor)
    return result
