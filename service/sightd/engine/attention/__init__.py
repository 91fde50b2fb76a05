"""Attention back ends by name. Each is a module with `attend_text` and `attend_packed`, or with `attend_decode`; heavy
libraries are imported by the back end, so that importing this package imports none."""

from __future__ import annotations

import importlib
from typing import Protocol

from torch import Tensor

from .layout import DecodeLayout, StepLayout

BACKENDS = {"cpu": ("fused",), "cuda": ("varlen", "fused", "reference")}
"""Device type to the modules that may serve it; with more than one, the fastest that is right is taken."""
DECODERS = ("flash3", "splitkv", "gathered")
"""The modules that may serve steps of one new token for each sequence on a card, chosen in the same way."""


class AttentionBackend(Protocol):
    """What a back end module offers."""

    def attend_text(self, query: Tensor, keys: Tensor, values: Tensor, layout: StepLayout, scale: float) -> Tensor:
        """Causal attention of new tokens over the cache.

        `query` [tokens, heads, head_dim]; `keys`, `values` one layer of the cache [slots, kv_heads, head_dim], the new
        tokens' already stored. Returns [tokens, heads, head_dim].
        """

    def attend_packed(self, query: Tensor, key: Tensor, value: Tensor, lengths: list[int], scale: float) -> Tensor:
        """Full attention within consecutive segments of `lengths`. All tensors are [tokens, heads, head_dim]."""


class DecodeBackend(Protocol):
    """What a back end module for decoding offers. Its launches depend on shapes only, so that they can be captured in a
    CUDA graph and replayed for other lengths."""

    def attend_decode(self, query: Tensor, keys: Tensor, values: Tensor, layout: DecodeLayout, scale: float) -> Tensor:
        """Attention of one new token for each sequence over the cache. Tensors as for `attend_text`, with as many
        tokens as sequences."""

    def widths(self, sequences: int, longest: int) -> list[int]:
        """The widths of block tables, ascending and at most `longest`, that are worth a graph of their own for so many
        sequences; none when all would cost more than the ordinary step."""


def backend(name: str) -> AttentionBackend:
    """The back end called `name` ("fused", "reference", ...)."""
    module: AttentionBackend = importlib.import_module(f"{__name__}.{name}")
    return module


def decoder(name: str) -> DecodeBackend:
    """The back end for decoding called `name` ("gathered", ...)."""
    module: DecodeBackend = importlib.import_module(f"{__name__}.{name}")
    return module
