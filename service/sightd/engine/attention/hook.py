"""The place where transformers' modules call our attention.

transformers looks attention up by name and hands it queries, keys and values with whatever keyword arguments the
model was called with. Names that contain "flash" get packed vision sequences whole and no masks are built for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ..kv_cache import KVCache
from . import AttentionBackend
from .layout import StepLayout

NAME = "sightd_flash"


@dataclass(frozen=True)
class TextStep:
    """What the language model's layers need in a step; passed through transformers as the keyword argument `step`."""

    layout: StepLayout
    cache: KVCache
    backend: AttentionBackend


@dataclass(frozen=True)
class PackedStep:
    """What the vision encoder's layers need; passed through as the keyword argument `step`."""

    backend: AttentionBackend


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    step: TextStep | PackedStep,
    cu_seq_lens_q: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Transformers' attention interface: tensors [1, heads, tokens, head_dim] in, [1, tokens, heads, head_dim] out."""
    query, key, value = (x[0].transpose(0, 1) for x in (query, key, value))
    if isinstance(step, TextStep):
        layer: int = module.layer_idx  # type: ignore[assignment]
        step.cache.store(layer, step.layout.slots, key, value)
        mixed = step.backend.attend_text(query, step.cache.keys[layer], step.cache.values[layer], step.layout, scaling)
    else:
        assert cu_seq_lens_q is not None
        mixed = step.backend.attend_packed(query, key, value, cu_seq_lens_q.diff().tolist(), scaling)
    return mixed[None], None


def register() -> None:
    """Make the attention known to transformers under `NAME`."""
    ALL_ATTENTION_FUNCTIONS.register(NAME, attention)
