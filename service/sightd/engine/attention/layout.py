"""Where the tokens of a step lie: which rows belong to which sequence, and where its keys and values are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
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
class Packed:
    """All sequences of a step in one line: `slots` int64 [contexts] are the cache slots of all their tokens, `queries`
    and `contexts` int32 [sequences + 1] where each one's new tokens and its context begin."""

    slots: Tensor
    queries: Tensor
    contexts: Tensor
    most_queries: int
    most_context: int


@dataclass(frozen=True)
class StepLayout:
    """A whole step. `slots` int64 [tokens] are where the new tokens' keys and values go."""

    slots: Tensor
    sequences: list[SequenceLayout]

    @cached_property
    def packed(self) -> Packed:
        """The step's sequences in one line; made once and used by every layer."""
        device = self.slots.device
        pieces = [
            torch.arange(s.slots.start, s.slots.stop, device=device) if isinstance(s.slots, slice) else s.slots
            for s in self.sequences
        ]
        counts, contexts = [s.count for s in self.sequences], [s.context for s in self.sequences]
        return Packed(torch.cat(pieces), ends(counts, device), ends(contexts, device), max(counts), max(contexts))


def ends(lengths: list[int], device: torch.device) -> Tensor:
    """Where consecutive segments of `lengths` begin and the last one ends, int32 [segments + 1]."""
    return torch.tensor([0, *lengths], dtype=torch.int32, device=device).cumsum(0, dtype=torch.int32)
