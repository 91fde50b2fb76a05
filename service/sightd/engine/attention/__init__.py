"""Attention back ends by name. Each is a module with `attend_text` and `attend_packed`; heavy libraries are imported
by the back end, so that importing this package imports none."""

from __future__ import annotations

import importlib
from typing import Protocol

from torch import Tensor

from .layout import StepLayout

BACKENDS = {"cpu": ("fused",), "cuda": ("varlen", "fused", "reference")}
"""Device type to the modules that may serve it; with more than one, the fastest that is right is taken."""


class AttentionBackend(Protocol):
    """What a back end module offers."""

    def attend_text(self, query: Tensor, keys: Tensor, values: Tensor, layout: StepLayout, scale: float) -> Tensor:
        """Causal attention of new tokens over the cache.

        `query` [tokens, heads, head_dim]; `keys`, `values` one layer of the cache [slots, kv_heads, head_dim], the new
        tokens' already stored. Returns [tokens, heads, head_dim].
        """

    def attend_packed(self, query: Tensor, key: Tensor, value: Tensor, lengths: list[int], scale: float) -> Tensor:
        """Full attention within consecutive segments of `lengths`. All tensors are [tokens, heads, head_dim]."""


def backend(name: str) -> AttentionBackend:
    """The back end called `name` ("fused", "reference", ...)."""
    module: AttentionBackend = importlib.import_module(f"{__name__}.{name}")
    return module
