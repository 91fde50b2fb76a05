"""What the engine asks of a family's network, whatever the family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .prompt import Span


@dataclass(frozen=True)
class CacheShape:
    """Size of a model's key/value cache: per layer, `kv_heads` x `head_dim` numbers for the key and as many for the
    value of each token."""

    layers: int
    kv_heads: int
    head_dim: int
    dtype: torch.dtype

    @property
    def token_bytes(self) -> int:
        """Bytes that one token takes in all layers."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.dtype.itemsize


@dataclass(frozen=True)
class PackedTokens:
    """The tokens of a step, of all its sequences one after another: `ids` int64 [tokens], `positions` int64
    [axes, tokens]. `features` [placeholders, width] replace the tokens at `rows` int64 [placeholders]; `wanted` int64
    [wanted] are the tokens whose hidden states are asked for (None: all)."""

    ids: Tensor
    positions: Tensor
    features: Tensor | None = None
    rows: Tensor | None = None
    wanted: Tensor | None = None


class Network(Protocol):
    """A loaded checkpoint. `step` is handed through to the attention function untouched; groups of `temporal` frames
    are encoded independently of each other. Of a prompt the model does not see the `unseen_token`, if it has one;
    `penalises_prompt` is whether a repetition penalty counts the prompt's tokens beside the answer's."""

    module: nn.Module
    temporal: int
    cache_shape: CacheShape
    heads: int
    device: torch.device
    max_positions: int
    eos_token_ids: tuple[int, ...]
    vocabulary: int
    parameters: int
    unseen_token: int | None
    penalises_prompt: bool

    def vision_layers(self) -> Sequence[nn.Module]:
        """The layers of the vision encoder, in order."""

    def feature_count(self, frames: int, height: int, width: int) -> int:
        """How many features `encode` gives for a medium of this size."""

    def positions(self, length: int, spans: Sequence[Span]) -> tuple[NDArray[np.int64], int]:
        """Rotary positions of a prompt, int64 [axes, length], and the position of the token after it."""

    def encode(self, media: Sequence[Tensor], step: Any) -> list[Tensor]:
        """Features [tokens, width] of each medium, given as uint8 RGB frames [frames, height, width, 3]."""

    def hidden(self, tokens: PackedTokens, step: Any) -> Tensor:
        """Last hidden states [wanted, width] of the tokens."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits float32 [rows, vocabulary] of hidden states [rows, width]."""
