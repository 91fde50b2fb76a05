"""Runs a step on the device: packs the scheduled tokens and returns logits."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models.network import Network
from .attention import AttentionBackend
from .attention.hook import TextStep
from .attention.layout import SequenceLayout, StepLayout
from .kv_cache import KVCache
from .scheduler import Chunk


class Runner:
    """Owns the network and the cache of one device."""

    def __init__(self, network: Network, cache: KVCache, backend: AttentionBackend) -> None:
        self.network = network
        self.cache = cache
        self.block_size = cache.block_size
        self.backend = backend

    def run(self, chunks: list[Chunk]) -> Tensor:
        """Compute the chunks. Returns float32 logits [chunks that complete their sequence, vocabulary]."""
        device = self.network.device
        tokens = np.concatenate([np.array(c.sequence.tokens[c.start : c.start + c.count]) for c in chunks])
        positions = np.concatenate([c.sequence.positions_of(c.start, c.count) for c in chunks], 1)
        features, rows = self._placed(chunks)
        step = TextStep(self._layout(chunks), self.cache, self.backend)
        hidden = self.network.hidden(
            torch.from_numpy(tokens).to(device), torch.from_numpy(positions).to(device), features, rows, step
        )
        ends = np.cumsum([c.count for c in chunks]) - 1
        wanted = [int(end) for end, chunk in zip(ends, chunks, strict=True) if chunk.completes]
        return self.network.logits(hidden[torch.tensor(wanted, dtype=torch.long, device=device)])

    def _placed(self, chunks: list[Chunk]) -> tuple[Tensor | None, Tensor | None]:
        """Features of the placeholders among the chunks' tokens, and their rows."""
        parts: list[Tensor] = []
        rows: list[NDArray[np.int64]] = []
        base = 0
        for chunk in chunks:
            for span in chunk.sequence.request.spans:
                first, last = max(span.first, chunk.start), min(span.first + span.length, chunk.start + chunk.count)
                if first < last:
                    features = chunk.sequence.media[span.media].features
                    assert features is not None
                    offset = span.offset + first - span.first
                    parts.append(features[offset : offset + last - first])
                    rows.append(np.arange(first, last) - chunk.start + base)
            base += chunk.count
        if not parts:
            return None, None
        return torch.cat(parts), torch.from_numpy(np.concatenate(rows)).to(self.network.device)

    def _layout(self, chunks: list[Chunk]) -> StepLayout:
        """Cache slots of the new tokens and of each sequence's context."""
        sequences: list[SequenceLayout] = []
        new: list[NDArray[np.int64]] = []
        row = 0
        for chunk in chunks:
            context = chunk.start + chunk.count
            slots = self._slots(chunk.sequence.blocks, context)
            new.append(slots[chunk.start :])
            sequences.append(SequenceLayout(row, chunk.count, context, self._compact(slots)))
            row += chunk.count
        return StepLayout(torch.from_numpy(np.concatenate(new)).to(self.network.device), sequences)

    def _slots(self, blocks: list[int], tokens: int) -> NDArray[np.int64]:
        size = self.block_size
        used = np.array(blocks[: -(-tokens // size)], np.int64)
        return (used[:, None] * size + np.arange(size)).reshape(-1)[:tokens]

    def _compact(self, slots: NDArray[np.int64]) -> Tensor | slice:
        """A slice where the slots lie in one piece."""
        if slots[-1] - slots[0] == len(slots) - 1 and bool(np.all(np.diff(slots) == 1)):
            return slice(int(slots[0]), int(slots[-1]) + 1)
        return torch.from_numpy(slots).to(self.network.device)
