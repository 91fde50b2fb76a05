"""The place where transformers' modules call our attention.

transformers looks attention up by name and hands it queries, keys and values with whatever keyword arguments the
model was called with. Names that contain "flash" get packed vision sequences whole and no masks are built for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ..kv_cache import KVCache
from . import AttentionBackend, DecodeBackend
from .layout import DecodeLayout, StepLayout

NAME = "sightd_flash"


@dataclass(frozen=True)
class TextStep:
    """What the language model's layers need in a step; passed through transformers as the keyword argument `step`."""

    layout: StepLayout
    cache: KVCache
    backend: AttentionBackend

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """Keeps the new tokens' keys and values [tokens, kv_heads, head_dim] of a layer. Returns the back end's
        attention of their queries [tokens, heads, head_dim] over the layer's cache."""
        keys, values = self.cache.store(layer, self.layout.slots, key, value)
        return self.backend.attend_text(query, keys, values, self.layout, scale)


@dataclass(frozen=True)
class DecodeStep:
    """The same for a step in which each sequence has one new token."""

    layout: DecodeLayout
    cache: KVCache
    backend: DecodeBackend

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """See `TextStep.attend`."""
        keys, values = self.cache.store(layer, self.layout.slots, key, value)
        return self.backend.attend_decode(query, keys, values, self.layout, scale)


@dataclass(frozen=True)
class PackedStep:
    """What the vision encoder's layers need; passed through as the keyword argument `step`."""

    backend: AttentionBackend
    _lengths: dict[int, tuple[Tensor, list[int]]] = field(default_factory=dict)

    def lengths(self, ends: Tensor) -> list[int]:
        """The lengths of the segments between `ends` int32 [segments + 1]: asked for by every layer, fetched from the
        device once."""
        if id(ends) not in self._lengths:
            self._lengths[id(ends)] = ends, ends.diff().tolist()
        return self._lengths[id(ends)][1]


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    step: TextStep | DecodeStep | PackedStep,
    cu_seq_lens_q: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Transformers' attention interface: tensors [1, heads, tokens, head_dim] in, [1, tokens, heads, head_dim] out."""
    query, key, value = (x[0].transpose(0, 1) for x in (query, key, value))
    if isinstance(step, PackedStep):
        assert cu_seq_lens_q is not None
        mixed = step.backend.attend_packed(query, key, value, step.lengths(cu_seq_lens_q), scaling)
    else:
        layer: int = module.layer_idx  # type: ignore[assignment]
        mixed = step.attend(layer, query, key, value, scaling)
    return mixed[None], None


def register() -> None:
    """Make the attention known to transformers under `NAME`."""
    ALL_ATTENTION_FUNCTIONS.register(NAME, attention)
