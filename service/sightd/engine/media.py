"""Pictures and videos inside the engine: their pixels, then the features that the vision encoder made of them.

Media with the same content are one and the same object, also while they are being encoded, and stay known for later
requests as long as there is room for their features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .features import FeatureCache

Key = tuple[bytes, bytes]
"""The caller's salt and the content's digest: callers with different salts cannot learn of each other's pictures."""


@dataclass(eq=False)
class Medium:
    """One picture or video. `frames` is uint8 RGB [frames, height, width, 3]; `features` [tokens, width] are filled
    from the front, the first `encoded` of them being there; `users` counts the sequences that need them. One that is
    `alone` shares no pass through the encoder."""

    key: Key
    frames: Tensor
    tokens: int
    features: Tensor | None = None
    encoded: int = 0
    frames_done: int = 0
    users: int = 0
    alone: bool = False

    @property
    def complete(self) -> bool:
        """Whether all features are there."""
        return self.encoded == self.tokens

    def add(self, features: Tensor, frames: int) -> None:
        """Take the features of the next `frames` frames."""
        if self.features is None:
            self.features = torch.empty(self.tokens, features.shape[1], dtype=features.dtype, device=features.device)
        self.features[self.encoded : self.encoded + len(features)] = features
        self.encoded += len(features)
        self.frames_done += frames


@dataclass
class EncoderCounts:
    """How many media were asked for, and how many of them had been encoded before."""

    queries: int = 0
    hits: int = 0


class MediaStore:
    """All media in use, and the features of recent ones within `limit` bytes and `tokens` tokens."""

    def __init__(self, limit: int, tokens: int) -> None:
        self.counts = EncoderCounts()
        self._used: dict[Key, Medium] = {}
        self._kept: FeatureCache[Key] = FeatureCache(limit, tokens)

    def get(self, key: Key, frames: Tensor, tokens: int) -> Medium:
        """The medium with this content, known or new, with one more user."""
        self.counts.queries += 1
        medium = self._used.get(key)
        if medium is None:
            medium = Medium(key, frames, tokens, self._kept.take(key))
            medium.encoded = 0 if medium.features is None else tokens
            self._used[key] = medium
        self.counts.hits += medium.users > 0 or medium.complete
        medium.users += 1
        return medium

    def release(self, medium: Medium) -> None:
        """One user less. Without users, complete features are kept as room allows and others are dropped."""
        medium.users -= 1
        if medium.users:
            return
        del self._used[medium.key]
        if medium.complete and medium.features is not None:
            self._kept.put(medium.key, medium.features)
