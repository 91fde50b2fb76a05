"""A request inside the engine: its tokens, how far it is computed, and what it holds."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

import numpy as np
from llguidance import LLMatcher
from numpy.typing import NDArray

from .blocks import Digest, chain
from .media import Medium
from .protocol import FinishReason, Logprobs, Progress, Submission


@dataclass(eq=False)
class Sequence:
    """One request. Its tokens are the prompt's and those produced; the first `computed` of them are in the cache.

    `positions` are the rotary positions of the prompt, int64 [axes, tokens]; token number `i` after it is at
    `shift + i`. A repetition penalty counts the tokens from number `penalised_from` on. `digests` are the names of its
    first full blocks, as far as they have been needed.
    """

    request: Submission
    media: list[Medium]
    positions: NDArray[np.int64]
    shift: int
    penalised_from: int = 0
    tokens: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)
    computed: int = 0
    published: int = 0
    finish: FinishReason | None = None
    arrived: float = field(default_factory=time.monotonic)
    started: float | None = None
    first_token: float | None = None
    matcher: LLMatcher | None = None

    def __post_init__(self) -> None:
        self.tokens = [*self.request.token_ids, *self.request.produced]

    @property
    def id(self) -> int:
        """The request's number."""
        return self.request.id

    @property
    def rank(self) -> tuple[int, int]:
        """Who goes first: the lower priority value, then the earlier request."""
        return self.request.priority, self.request.id

    @property
    def prompt_length(self) -> int:
        """Tokens of the prompt."""
        return len(self.request.token_ids)

    @property
    def produced(self) -> int:
        """Tokens of the answer so far."""
        return len(self.tokens) - self.prompt_length

    @property
    def left(self) -> int:
        """Tokens that are not in the cache yet."""
        return len(self.tokens) - self.computed

    def encoded_left(self) -> int:
        """Of the tokens that are left, how many can be computed with the features that are there."""
        end = len(self.tokens)
        for span in self.request.spans:
            medium = self.media[span.media]
            have = span.first + max(0, min(span.length, medium.encoded - span.offset))
            if have < span.first + span.length and span.first + span.length > self.computed:
                end = min(end, max(have, self.computed))
        return end - self.computed

    def missing_media(self) -> list[Medium]:
        """The media that are needed before the rest of the prompt can be computed, in order."""
        ends: dict[int, int] = {}
        for span in self.request.spans:
            ends[span.media] = span.first + span.length
        return [self.media[m] for m, end in ends.items() if end > self.computed and not self.media[m].complete]

    def positions_of(self, start: int, count: int) -> NDArray[np.int64]:
        """Rotary positions of tokens `start` to `start + count`, int64 [axes, count]."""
        known = self.positions[:, start : start + count]
        later = np.arange(max(start, self.prompt_length), start + count) + self.shift
        return np.concatenate([known, np.broadcast_to(later, (len(known), len(later)))], 1) if len(later) else known

    def block_digests(self, block_size: int, blocks: int) -> list[Digest]:
        """The names of the first `blocks` blocks, which must be full."""
        while len(self.digests) < blocks:
            first = len(self.digests) * block_size
            last = first + block_size
            pictures = [
                self.media[s.media].key[1] + struct.pack("<Id", s.offset + max(0, first - s.first), s.step)
                for s in self.request.spans
                if s.first < last and first < s.first + s.length
            ]
            previous = self.digests[-1] if self.digests else chain(b"", [], [self.request.salt])
            self.digests.append(chain(previous, self.tokens[first:last], pictures))
        return self.digests[:blocks]

    def append(self, token: int, eos_token_ids: frozenset[int]) -> None:
        """Add a token of the answer, and note the end when it is one."""
        self.tokens.append(token)
        sampling = self.request.sampling
        ends = token in eos_token_ids and not sampling.ignore_eos
        if ends or token in sampling.stop_token_ids or self._grammar_ends_with(token):
            self.finish = "stop"
        elif self.produced >= sampling.max_tokens:
            self.finish = "length"

    def progress(self, token: int, reported: Logprobs | None) -> Progress:
        """What the front is told of the token that was appended last."""
        likely = None if reported is None else [reported]
        if self.first_token is not None:
            return Progress(self.id, [token], likely, self.finish)
        self.first_token = time.monotonic()
        started = self.started or self.arrived
        return Progress(self.id, [token], likely, self.finish, started - self.arrived, self.first_token - started)

    def _grammar_ends_with(self, token: int) -> bool:
        """Tell the grammar of the token; whether nothing can follow it."""
        return self.matcher is not None and (not self.matcher.consume_token(token) or self.matcher.is_stopped())
