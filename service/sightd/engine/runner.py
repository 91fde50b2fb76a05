"""Runs a step on the device: packs the scheduled tokens and returns logits."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models.network import Network, PackedTokens
from .attention import AttentionBackend
from .attention.hook import TextStep
from .attention.layout import SequenceLayout, StepLayout
from .graphs import DecodeSteps
from .kv_cache import KVCache
from .scheduler import Chunk
from .uploading import upload


class Runner:
    """Owns the network and the cache of one device. Steps in which every sequence decodes one token go through the
    `decoding` steps, where there are some."""

    def __init__(
        self, network: Network, cache: KVCache, backend: AttentionBackend, decoding: DecodeSteps | None = None
    ) -> None:
        self.network = network
        self.cache = cache
        self.block_size = cache.block_size
        self.backend = backend
        self.decoding = decoding

    def run(self, chunks: list[Chunk]) -> Tensor:
        """Compute the chunks. Returns float32 logits [chunks that complete their sequence, vocabulary], which hold
        until the next step."""
        if self.decoding is not None and all(decodes(chunk) for chunk in chunks):
            logits = self.decoding.run([chunk.sequence for chunk in chunks])
            if logits is not None:
                return logits
        return self._run(chunks)

    def _run(self, chunks: list[Chunk]) -> Tensor:
        device = self.network.device
        tokens = np.concatenate([np.array(c.sequence.tokens[c.start : c.start + c.count]) for c in chunks])
        positions = np.concatenate([c.sequence.positions_of(c.start, c.count) for c in chunks], 1)
        features, rows = self._placed(chunks)
        step = TextStep(self._layout(chunks), self.cache, self.backend)
        ends = np.cumsum([c.count for c in chunks]) - 1
        wanted = upload(ends[[chunk.completes for chunk in chunks]], device)
        packed = PackedTokens(upload(tokens, device), upload(positions, device), features, rows, wanted)
        return self.network.logits(self.network.hidden(packed, step))

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
        return torch.cat(parts), upload(np.concatenate(rows), self.network.device)

    def _layout(self, chunks: list[Chunk]) -> StepLayout:
        """Cache slots of the new tokens and of each sequence's context."""
        device = self.network.device
        contexts = [chunk.start + chunk.count for chunk in chunks]
        slots = [self._slots(chunk.sequence.blocks, context) for chunk, context in zip(chunks, contexts, strict=True)]
        line = upload(np.concatenate(slots), device) if device.type == "cuda" else None
        sequences: list[SequenceLayout] = []
        row = at = 0
        for chunk, context, own in zip(chunks, contexts, slots, strict=True):
            there: Tensor | slice | None = compact(own)
            if there is None:
                there = torch.from_numpy(own) if line is None else line[at : at + context]
            sequences.append(SequenceLayout(row, chunk.count, context, there))
            row, at = row + chunk.count, at + context
        new = np.concatenate([own[chunk.start :] for chunk, own in zip(chunks, slots, strict=True)])
        return StepLayout(upload(new, device), sequences, line)

    def _slots(self, blocks: list[int], tokens: int) -> NDArray[np.int64]:
        size = self.block_size
        used = np.array(blocks[: -(-tokens // size)], np.int64)
        return (used[:, None] * size + np.arange(size)).reshape(-1)[:tokens]


def decodes(chunk: Chunk) -> bool:
    """Whether a chunk is the one last token of its sequence, and no placeholder."""
    spans = chunk.sequence.request.spans if chunk.start < chunk.sequence.prompt_length else []
    seen = any(span.first <= chunk.start < span.first + span.length for span in spans)
    return chunk.count == 1 and chunk.completes and not seen


def compact(slots: NDArray[np.int64]) -> slice | None:
    """The slots as a slice where they lie in one piece."""
    if slots[-1] - slots[0] == len(slots) - 1 and bool(np.all(np.diff(slots) == 1)):
        return slice(int(slots[0]), int(slots[-1]) + 1)
    return None
