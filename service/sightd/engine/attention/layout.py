"""Where the tokens of a step lie: which rows belong to which sequence, and where its keys and values are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..uploading import upload


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
    """A whole step. `slots` int64 [tokens] are where the new tokens' keys and values go; `line` int64 [contexts] are
    the slots of all sequences one after another, where they are at hand."""

    slots: Tensor
    sequences: list[SequenceLayout]
    line: Tensor | None = None

    @cached_property
    def decodes(self) -> bool:
        """Whether every sequence has one new token."""
        return all(sequence.count == 1 for sequence in self.sequences)

    @cached_property
    def packed(self) -> Packed:
        """The step's sequences in one line; made once and used by every layer."""
        device = self.slots.device
        counts, contexts = [s.count for s in self.sequences], [s.context for s in self.sequences]
        line = self._joined() if self.line is None else self.line
        return Packed(line, ends(counts, device), ends(contexts, device), max(counts), max(contexts))

    def _joined(self) -> Tensor:
        device = self.slots.device
        pieces = [
            torch.arange(s.slots.start, s.slots.stop, device=device) if isinstance(s.slots, slice) else s.slots
            for s in self.sequences
        ]
        return torch.cat(pieces)


@dataclass(frozen=True)
class DecodeLayout:
    """A step in which each sequence has one new token, in tensors whose shapes do not depend on lengths: `slots` int64
    [sequences] is where its key and value go, the first `contexts` int32 [sequences] tokens of the cache blocks
    `blocks` int32 [sequences, width] are what it sees, itself included. A block has `block_size` slots.

    What is derived from them is computed once in a forward pass, on the device: a layout serves one pass only.
    """

    slots: Tensor
    blocks: Tensor
    contexts: Tensor
    block_size: int

    @cached_property
    def seen(self) -> Tensor:
        """Which tokens of the whole width a sequence sees, bool [sequences, width x block_size]."""
        places = torch.arange(self.blocks.shape[1] * self.block_size, device=self.blocks.device)
        return places < self.contexts[:, None]

    @cached_property
    def context_slots(self) -> Tensor:
        """The cache slots of those tokens, int64 [sequences, width x block_size]; the sequence's first slot in place of
        what it does not see, where numbers of others may lie."""
        offsets = torch.arange(self.block_size, device=self.blocks.device)
        slots = (self.blocks.long()[:, :, None] * self.block_size + offsets).flatten(1)
        return torch.where(self.seen, slots, slots[:, :1])


def ends(lengths: list[int], device: torch.device) -> Tensor:
    """Where consecutive segments of `lengths` begin and the last one ends, int32 [segments + 1]."""
    return upload(np.cumsum([0, *lengths], dtype=np.int32), device)
