"""Log probabilities of chosen tokens and of the likeliest ones, before penalties and temperature."""

from __future__ import annotations

import torch
from torch import Tensor

from .protocol import Logprobs
from .sequence import Sequence


def logprobs(logits: Tensor, sequences: list[Sequence], tokens: list[int]) -> dict[int, Logprobs]:
    """What is reported, by row, for the sequences that want it; of no worth where no token could be chosen.
    `logits` are float32 [sequences, vocabulary]."""
    rows = [row for row, s in enumerate(sequences) if s.request.sampling.logprobs >= 0]
    if not rows:
        return {}
    known = logits[rows].log_softmax(-1)
    most = max(sequences[row].request.sampling.logprobs for row in rows)
    values, likeliest = (x.tolist() for x in known.topk(min(most, known.shape[1]), dim=-1))
    chosen = known.gather(1, torch.tensor([[max(0, tokens[row])] for row in rows], device=known.device))[:, 0].tolist()
    result = {}
    for index, row in enumerate(rows):
        count = sequences[row].request.sampling.logprobs
        result[row] = (chosen[index], likeliest[index][:count], values[index][:count])
    return result
