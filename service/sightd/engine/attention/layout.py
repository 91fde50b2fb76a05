"""Where the tokens of a step lie: which rows belong to which sequence, and where its keys and values are."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class SequenceLayout:
    """One sequence's part of a step: rows `start` to `start + count` are its tokens number `context - count` to
    `context`; `slots` are the cache slots of all its `context` tokens, as a slice where they lie in one piece."""

    start: int
    count: int
    context: int
    slots: Tensor | slice


@dataclass(frozen=True)
class StepLayout:
    """A whole step. `slots` int64 [tokens] are where the new tokens' keys and values go."""

    slots: Tensor
    sequences: list[SequenceLayout]
