"""Attention written out in float32: slow, exact, for every device. The other back ends are tested against it."""

from __future__ import annotations

import torch
from torch import Tensor

from .layout import StepLayout


def attend_text(query: Tensor, keys: Tensor, values: Tensor, layout: StepLayout, scale: float) -> Tensor:
    """See `AttentionBackend.attend_text`."""
    result = torch.empty_like(query)
    for sequence in layout.sequences:
        rows = slice(sequence.start, sequence.start + sequence.count)
        seen = torch.ones(sequence.count, sequence.context, dtype=torch.bool, device=query.device)
        seen = seen.tril(sequence.context - sequence.count)
        result[rows] = attend(query[rows], keys[sequence.slots], values[sequence.slots], seen, scale)
    return result


def attend_packed(query: Tensor, key: Tensor, value: Tensor, lengths: list[int], scale: float) -> Tensor:
    """See `AttentionBackend.attend_packed`."""
    parts = zip(*(x.split(lengths) for x in (query, key, value)), strict=True)
    everything = [torch.ones(n, n, dtype=torch.bool, device=query.device) for n in lengths]
    return torch.cat([attend(q, k, v, seen, scale) for (q, k, v), seen in zip(parts, everything, strict=True)])


def attend(query: Tensor, key: Tensor, value: Tensor, seen: Tensor, scale: float) -> Tensor:
    """Softmax attention, [tokens, heads, width], with `seen` [queries, keys]."""
    shared = query.shape[1] // key.shape[1]
    key, value = (x.float().repeat_interleave(shared, 1) for x in (key, value))
    scores = torch.einsum("qhd,khd->hqk", query.float(), key) * scale
    weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
    return torch.einsum("hqk,khd->qhd", weights, value).to(query.dtype)
