"""Grammars: only tokens that can go on towards a text of the grammar are ever chosen. By llguidance, whose own limits
bound what a grammar may cost; compiled in a thread beside the engine's steps."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import llguidance.numpy
import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from torch import Tensor

from .protocol import Progress
from .sequence import Sequence

KEPT = 64
COMPILE_WAIT = 0.01
"""Seconds that an otherwise idle engine waits for a grammar."""


class GrammarError(Exception):
    """The grammar cannot be compiled; the message says why."""


class Grammars:
    """Compiles grammars for one tokenizer, and keeps the most recent ones."""

    def __init__(self, folder: Path, vocabulary: int, eos: tuple[int, ...]) -> None:
        self._source = str(folder / "tokenizer.json")
        self._vocabulary = vocabulary
        self._eos = [token for token in eos if token < vocabulary] or None
        self._tokenizer: LLTokenizer | None = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "grammar")

    def compile(self, grammar: str, produced: list[int]) -> Future[LLMatcher]:
        """A matcher that has taken the `produced` tokens; fails with GrammarError."""
        return self._thread.submit(self._compile, grammar, produced)

    def _compile(self, grammar: str, produced: list[int]) -> LLMatcher:
        if self._tokenizer is None:
            self._tokenizer = LLTokenizer(self._source, n_vocab=self._vocabulary, eos_token=self._eos)
        compiled = self._compiled.pop(grammar, None) or LLMatcher(self._tokenizer, grammar, log_level=0)
        if compiled.is_error():
            raise GrammarError(compiled.get_error().partition("\n")[0])
        self._compiled[grammar] = compiled
        while len(self._compiled) > KEPT:
            self._compiled.popitem(last=False)
        matcher = compiled.deep_copy()
        matcher.consume_tokens(produced)
        return matcher


class Waiting:
    """Sequences whose grammar is being compiled."""

    def __init__(self, grammars: Grammars) -> None:
        self._grammars = grammars
        self._pairs: list[tuple[Future[LLMatcher], Sequence]] = []

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def add(self, sequence: Sequence) -> None:
        """Compile the sequence's grammar, and keep the sequence meanwhile."""
        request = sequence.request
        self._pairs.append((self._grammars.compile(request.sampling.grammar, request.produced), sequence))

    def drop(self, request: int) -> Sequence | None:
        """Forget a request; its sequence, if it was here."""
        found = next((sequence for _, sequence in self._pairs if sequence.id == request), None)
        self._pairs = [pair for pair in self._pairs if pair[1] is not found]
        return found

    def take(self, idle: bool) -> tuple[list[Sequence], dict[Sequence, Progress]]:
        """The sequences that have their grammar now, and what those are told whose grammar does not compile; when
        there is nothing else to do (`idle`), it waits a moment for one."""
        if not self._pairs:
            return [], {}
        wait([future for future, _ in self._pairs], COMPILE_WAIT if idle else 0, FIRST_COMPLETED)
        done = [pair for pair in self._pairs if pair[0].done()]
        self._pairs = [pair for pair in self._pairs if pair not in done]
        ready, refused = [], {}
        for future, sequence in done:
            try:
                sequence.matcher = future.result()
                ready.append(sequence)
            except GrammarError as error:
                refused[sequence] = Progress(sequence.id, [], finish="refused", refused=str(error))
        return ready, refused


def masked(logits: Tensor, sequences: list[Sequence]) -> Tensor:
    """The logits [sequences, vocabulary] without the tokens that a sequence's grammar rules out; the same tensor when
    no sequence has a grammar."""
    rows = [(row, s.matcher) for row, s in enumerate(sequences) if s.matcher is not None]
    if not rows:
        return logits
    vocabulary = logits.shape[1]
    bits = llguidance.numpy.allocate_token_bitmask(len(rows), vocabulary)
    for index, (_, matcher) in enumerate(rows):
        llguidance.numpy.fill_next_token_bitmask(matcher, bits, index)
    allowed = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, :vocabulary].astype(np.bool_)
    logits = logits.clone()
    held = torch.tensor([row for row, _ in rows], device=logits.device)
    logits[held] = logits[held].masked_fill(~torch.from_numpy(allowed).to(logits.device), -torch.inf)
    return logits
