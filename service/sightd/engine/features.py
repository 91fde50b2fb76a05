"""What the vision encoder made of recent pictures and videos, in memory that is taken once and does not grow."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

import torch
from torch import Tensor

Key = TypeVar("Key")


class FeatureCache(Generic[Key]):
    """Features of up to `tokens` tokens and `limit` bytes, the most recently kept ones. The memory is taken with the
    first features, which tell the width; a medium's rows lie wherever there was room."""

    def __init__(self, limit: int, tokens: int) -> None:
        self._limit = limit
        self._tokens = tokens
        self._rows: Tensor | None = None
        self._free: list[int] = []
        self._kept: OrderedDict[Key, list[int]] = OrderedDict()

    @torch.inference_mode()
    def put(self, key: Key, features: Tensor) -> None:
        """Keep features [tokens, width] in place of the ones that were kept longest, unless they are too many."""
        if self._rows is None:
            tokens = min(self._tokens, self._limit // features[0].nbytes)
            self._rows = features.new_zeros(tokens, features.shape[1])
            self._free = list(range(tokens))
        if len(features) > len(self._rows):
            return
        while len(self._free) < len(features):
            self._free += self._kept.popitem(last=False)[1]
        rows = [self._free.pop() for _ in range(len(features))]
        self._rows[torch.tensor(rows, device=features.device)] = features
        self._kept[key] = rows

    @torch.inference_mode()
    def take(self, key: Key) -> Tensor | None:
        """The features [tokens, width] that are kept under a key, and no longer are; None when there are none."""
        rows = self._kept.pop(key, None)
        if rows is None or self._rows is None:
            return None
        self._free += rows
        return self._rows[torch.tensor(rows, device=self._rows.device)]
