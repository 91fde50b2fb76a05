"""Attention by torch's fused kernel, sequence by sequence, on views of the cache where it lies in one piece: the
fastest on a CPU, and right on every device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..processor import multiplies_bfloat16
from .layout import SequenceLayout, StepLayout

LONGEST_BY_PRODUCTS = 2048
"""Tokens of context up to which the scores of a bfloat16 prompt may be kept whole."""


def attend_text(query: Tensor, keys: Tensor, values: Tensor, layout: StepLayout, scale: float) -> Tensor:
    """See `AttentionBackend.attend_text`."""
    if len(layout.sequences) == 1:
        return attend_one(query, keys, values, layout.sequences[0], scale)
    parts = query.split([sequence.count for sequence in layout.sequences])
    mixed = [attend_one(q, keys, values, s, scale) for q, s in zip(parts, layout.sequences, strict=True)]
    return torch.cat(mixed)


def attend_one(query: Tensor, keys: Tensor, values: Tensor, sequence: SequenceLayout, scale: float) -> Tensor:
    """The same for one sequence."""
    # The cache may lie by heads first, and keep that order where slots are picked out of it.
    key, value = (x.transpose(0, 1)[None, :, sequence.slots] for x in (keys, values))
    return (decode if sequence.count == 1 else prefill)(query, key, value, sequence, scale)


def decode(query: Tensor, key: Tensor, value: Tensor, _: SequenceLayout, scale: float) -> Tensor:
    """One query [1, heads, width] over its whole context [1, kv_heads, context, width]; the query heads that share a
    key head go as rows of one product."""
    heads, width = query.shape[1:]
    grouped = query.view(1, key.shape[1], heads // key.shape[1], width)
    return F.scaled_dot_product_attention(grouped, key, value, scale=scale).reshape(1, heads, width)


def prefill(query: Tensor, key: Tensor, value: Tensor, sequence: SequenceLayout, scale: float) -> Tensor:
    """A run of queries [tokens, heads, width] at the end of the context [1, kv_heads, context, width], each seeing what
    is before it and itself."""
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
    if whole_scores(query, sequence.context):
        shape = (sequence.count, sequence.context)
        hidden = torch.full(shape, float("-inf"), dtype=query.dtype, device=query.device)
        hidden.triu_(sequence.context - sequence.count + 1)
        return by_products(heads_first(query), key, value, hidden, scale)[0].transpose(0, 1)
    mask = None
    if sequence.count < sequence.context:
        everything = torch.ones(sequence.count, sequence.context, dtype=torch.bool, device=query.device)
        mask = everything.tril(sequence.context - sequence.count)
    mixed = F.scaled_dot_product_attention(
        heads_first(query), key, value, attn_mask=mask, is_causal=mask is None, scale=scale
    )
    return mixed[0].transpose(0, 1)


def attend_packed(query: Tensor, key: Tensor, value: Tensor, lengths: list[int], scale: float) -> Tensor:
    """See `AttentionBackend.attend_packed`; segments of one length run as one batch."""
    if len(set(lengths)) == 1:
        return batch(query, key, value, len(lengths), scale)
    parts = zip(*(x.split(lengths) for x in (query, key, value)), strict=True)
    return torch.cat([batch(q, k, v, 1, scale) for q, k, v in parts])


def batch(query: Tensor, key: Tensor, value: Tensor, segments: int, scale: float) -> Tensor:
    """Full attention within `segments` consecutive segments of equal length."""
    tokens, heads, width = query.shape
    q, k, v = (x.view(segments, tokens // segments, heads, width).transpose(1, 2) for x in (query, key, value))
    if whole_scores(query, tokens // segments):
        mixed = by_products(q, k, v, None, scale)
    else:
        mixed = F.scaled_dot_product_attention(q, k, v, scale=scale)
    return mixed.transpose(1, 2).reshape(tokens, heads, width)


def whole_scores(query: Tensor, context: int) -> bool:
    """Whether `by_products` is faster than torch's fused kernel."""
    return query.dtype == torch.bfloat16 and context <= LONGEST_BY_PRODUCTS and multiplies_bfloat16()


def by_products(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Attention as two products with a softmax between: in bfloat16 more than twice as fast as torch's fused kernel on
    CPUs with bfloat16 instructions, as long as the scores fit the processor's cache."""
    # oneDNN multiplies heads that lie apart in memory at half the speed.
    scores = torch.matmul((query * scale).contiguous(), key.contiguous().transpose(-1, -2))
    if mask is not None:
        scores += mask
    return torch.matmul(scores.softmax(-1), value)


def heads_first(x: Tensor) -> Tensor:
    """[tokens, heads, width] as [1, heads, tokens, width]."""
    return x.transpose(0, 1)[None]
