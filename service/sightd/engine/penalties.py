"""What requests change about logits before a token is chosen: penalties, biases, and tokens that must not come."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .protocol import Sampling
from .sequence import Sequence


@dataclass
class Edits:
    """Values for single logits, gathered over the batch so that each kind of change is one operation."""

    rows: list[NDArray[np.int64]] = field(default_factory=list)
    tokens: list[NDArray[np.int64]] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, row: int, tokens: NDArray[np.int64], values: NDArray[np.float32] | float) -> None:
        """A value for each of a row's tokens."""
        self.rows.append(np.full(len(tokens), row))
        self.tokens.append(tokens)
        self.values.append(np.broadcast_to(np.asarray(values, np.float32), tokens.shape))

    def tensors(self, device: torch.device) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Places (rows, tokens) and values."""
        rows, tokens, values = (
            torch.from_numpy(np.concatenate(x)).to(device) for x in (self.rows, self.tokens, self.values)
        )
        return (rows, tokens), values


def adjusted(logits: Tensor, sequences: list[Sequence], eos: frozenset[int]) -> Tensor:
    """The logits [sequences, vocabulary] as the requests want them; the same tensor when none wants anything."""
    changed = [(row, s, s.request.sampling) for row, s in enumerate(sequences) if wants_changes(s.request.sampling)]
    if not changed:
        return logits
    factors, offsets, banned = Edits(), Edits(), Edits()
    logits = logits.clone()
    for row, sequence, sampling in changed:
        if sampling.allowed_token_ids:
            keep_only(logits[row], sampling.allowed_token_ids)
        if sampling.repetition_penalty != 1:
            factors.add(
                row,
                np.unique(np.array(sequence.tokens[sequence.penalised_from :], np.int64)),
                sampling.repetition_penalty,
            )
        add_offsets(offsets, row, sequence, sampling)
        banned.add(row, np.array(forbidden(sequence, sampling, eos), np.int64), -np.inf)
    if factors.rows:
        places, values = factors.tensors(logits.device)
        known = logits[places]
        logits[places] = torch.where(known > 0, known / values, known * values)
    if offsets.rows:
        places, values = offsets.tensors(logits.device)
        logits.index_put_(places, values, accumulate=True)
    places, values = banned.tensors(logits.device)
    logits[places] = values
    return logits


def wants_changes(sampling: Sampling) -> bool:
    """Whether anything here applies to the request."""
    penalties = sampling.repetition_penalty != 1 or sampling.frequency_penalty or sampling.presence_penalty
    return bool(
        penalties or sampling.logit_bias or sampling.allowed_token_ids or sampling.bad_words or sampling.min_tokens
    )


def keep_only(logits: Tensor, allowed: tuple[int, ...]) -> None:
    """Rule out, in place, all other tokens of one row."""
    index = torch.tensor(allowed, device=logits.device)
    kept = logits[index]
    logits.fill_(-torch.inf)
    logits[index] = kept


def add_offsets(offsets: Edits, row: int, sequence: Sequence, sampling: Sampling) -> None:
    """Frequency and presence penalties and the request's own biases."""
    if sampling.frequency_penalty or sampling.presence_penalty:
        tokens, counts = np.unique(np.array(sequence.tokens[sequence.prompt_length :], np.int64), return_counts=True)
        offsets.add(row, tokens, -(sampling.frequency_penalty * counts + sampling.presence_penalty).astype(np.float32))
    if sampling.logit_bias:
        biased, values = zip(*sampling.logit_bias, strict=True)
        offsets.add(row, np.array(biased), np.array(values, np.float32))


def forbidden(sequence: Sequence, sampling: Sampling, eos: frozenset[int]) -> list[int]:
    """Tokens that must not come now: ends before `min_tokens`, and whatever would complete a bad word."""
    tokens = [*eos, *sampling.stop_token_ids] if sequence.produced < sampling.min_tokens else []
    for word in sampling.bad_words:
        before = len(word) - 1
        if sequence.produced >= before and tuple(sequence.tokens[len(sequence.tokens) - before :]) == word[:-1]:
            tokens.append(word[-1])
    return tokens
