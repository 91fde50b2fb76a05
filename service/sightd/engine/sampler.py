"""Choosing the next token of every sequence in one go."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .grammar import masked
from .penalties import adjusted
from .randomness import uniform
from .sequence import Sequence

NOTHING = -1
"""Stands for a token where a request rules out every one."""


def sample(given: Tensor, sequences: list[Sequence], eos: frozenset[int]) -> list[int]:
    """The next token of each sequence from its row of logits, float32 [sequences, vocabulary], or NOTHING; `eos` are
    the model's end tokens."""
    logits = masked(adjusted(given, sequences, eos), sequences)
    best: list[int] = logits.argmax(-1).tolist()
    drawing = [row for row, s in enumerate(sequences) if s.request.sampling.temperature > 0]
    if drawing:
        drawn = draw(logits[drawing], [sequences[row] for row in drawing])
        for row, token in zip(drawing, drawn, strict=True):
            best[row] = token
    if logits is not given:
        for row in torch.isneginf(logits.amax(-1)).nonzero().flatten().tolist():
            best[row] = NOTHING
    return best


def draw(logits: Tensor, sequences: list[Sequence]) -> list[int]:
    """Sample by inverting the cumulative distribution, likeliest first, of what top-k, top-p and min-p leave."""
    sampling = [s.request.sampling for s in sequences]
    temperature = torch.tensor([p.temperature for p in sampling], device=logits.device)
    ordered, tokens = (logits / temperature[:, None]).sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.double().softmax(-1)
    rank = torch.arange(logits.shape[1], device=logits.device)
    top_k = torch.tensor([p.top_k or logits.shape[1] for p in sampling], device=logits.device)
    top_p = torch.tensor([p.top_p for p in sampling], dtype=torch.float64, device=logits.device)
    min_p = torch.tensor([p.min_p for p in sampling], dtype=torch.float64, device=logits.device)
    before = probabilities.cumsum(-1) - probabilities
    likely = (before < top_p[:, None]) & (probabilities >= min_p[:, None] * probabilities[:, :1])
    keep = (rank < top_k[:, None]) & (likely | (rank == 0))
    cumulative = (probabilities * keep).cumsum(-1)
    seeds = np.array([p.seed for p in sampling], np.uint64)
    numbers = uniform(seeds, np.array([s.produced for s in sequences], np.uint64))
    threshold = torch.from_numpy(numbers).to(logits.device) * cumulative[:, -1]
    chosen = torch.searchsorted(cumulative, threshold[:, None], right=True).clamp(max=logits.shape[1] - 1)
    result: list[int] = tokens.gather(1, chosen)[:, 0].tolist()
    return result
