"""Which sequences take part in the next step, with how many tokens.

A sequence waits until the cache has room for its prompt, runs, and is preempted (its blocks taken, to be computed
again later) when another one that goes first needs the room. All room is taken before a step, so nothing runs out of
memory half-way. In a step, every sequence that is answering takes one token; prompts share a budget, the shortest rest
first, so that a long video does not hold up short questions. The short rest of a prompt is computed at one go, whatever
is left of the budget: in pieces it would take longer, for everybody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sortedcontainers import SortedKeyList

from .blocks import BlockPool, Digest
from .pace import Pace
from .sequence import Sequence

RESERVE = 256
"""Tokens of an answer for which blocks are taken at once while there is plenty, so that they lie in one piece."""
SHORT = 512
"""Tokens of a prompt that may lengthen a step as they like, as later steps make up for it."""
PATIENCE = 10.0
"""Seconds after which a prompt goes before shorter ones."""


@dataclass(frozen=True)
class Chunk:
    """A run of a sequence's tokens to compute in a step: `count` of them from number `start` on."""

    sequence: Sequence
    start: int
    count: int

    @property
    def completes(self) -> bool:
        """Whether the sequence's last token is among them, so that its next token can be chosen."""
        return self.start + self.count == len(self.sequence.tokens)


class Scheduler:
    """The queues. At most `max_sequences` run at once."""

    def __init__(self, pool: BlockPool, max_sequences: int, pace: Pace) -> None:
        self.pool = pool
        self.max_sequences = max_sequences
        self.pace = pace
        self.waiting: SortedKeyList = SortedKeyList(key=lambda sequence: sequence.rank)
        self.running: list[Sequence] = []
        self.preemptions = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self.waiting and not self.running

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence."""
        self.waiting.add(sequence)

    def find(self, request: int) -> Sequence | None:
        """The sequence of a request, wherever it is."""
        return next((s for s in (*self.running, *self.waiting) if s.id == request), None)

    def drop(self, sequence: Sequence) -> None:
        """Take a sequence out and give back its blocks."""
        if sequence in self.running:
            self.running.remove(sequence)
        else:
            self.waiting.discard(sequence)
        self._give_back(sequence)

    def schedule(self, encoding: bool = False) -> list[Chunk]:
        """The next step. Empty when every sequence waits for pictures or room. `encoding` says that the vision
        encoder has work too."""
        self._admit()
        decoding = [s for s in sorted(self.running, key=lambda s: s.rank) if s.left == 1]
        chunks = [Chunk(s, s.computed, 1) for s in decoding if self._has_room(s)]
        waiting = sum(1 < s.left <= SHORT for s in self.running)
        budget, room = self.pace.tokens(len(chunks), waiting, encoding), self.pace.most
        for sequence in self._prompts():
            count = min(sequence.encoded_left(), room, room if budget > 0 and sequence.left <= SHORT else budget)
            if count > 0:
                chunks.append(Chunk(sequence, sequence.computed, count))
                budget, room = budget - count, room - count
        return chunks

    def computed(self, chunk: Chunk) -> None:
        """Note that a chunk is in the cache, and make its full blocks findable."""
        sequence = chunk.sequence
        sequence.computed = chunk.start + chunk.count
        full = sequence.computed // self.pool.block_size
        for index, digest in enumerate(sequence.block_digests(self.pool.block_size, full)[sequence.published :]):
            self.pool.publish(sequence.blocks[sequence.published + index], digest)
        sequence.published = full

    def _prompts(self) -> list[Sequence]:
        """Sequences with more than one token left, in the order in which they are served."""
        now = time.monotonic()
        prompts = [s for s in self.running if s.left > 1]
        return sorted(prompts, key=lambda s: (s.request.priority, s.left if now - s.arrived < PATIENCE else 0, s.id))

    def _admit(self) -> None:
        for sequence in list(self.waiting):
            if len(self.running) >= self.max_sequences:
                return
            if self._beginning_is_computed_now(sequence):
                continue
            if not self._take_blocks(sequence):
                return
            self.waiting.remove(sequence)
            self.running.append(sequence)
            sequence.started = sequence.started or time.monotonic()

    def _lookup(self, sequence: Sequence) -> list[Digest]:
        """Names of the blocks that could be shared: all full ones but for the last token, which must be computed."""
        return sequence.block_digests(self.pool.block_size, (len(sequence.tokens) - 1) // self.pool.block_size)

    def _beginning_is_computed_now(self, sequence: Sequence) -> bool:
        """Whether a running sequence is about to bring the next block that this one could share."""
        digests = self._lookup(sequence)
        have = len(self.pool.find(digests))
        if have == len(digests):
            return False
        return any(
            len(s.digests) > have and s.published <= have and s.digests[have] == digests[have] for s in self.running
        )

    def _take_blocks(self, sequence: Sequence) -> bool:
        found = self.pool.find(self._lookup(sequence))
        needed = self.pool.needed(len(sequence.tokens) + 1) - len(found)
        free = self.pool.free - self.pool.unused_among(found)
        if (needed + len(self.running) > free and self.running) or needed > free:
            return False
        left = sequence.request.sampling.max_tokens - sequence.produced
        reserve = self.pool.needed(min(left, RESERVE))
        if free > self.pool.total // 2 and needed + reserve <= free // 2:
            needed += reserve
        self.pool.share(found)
        sequence.blocks = [*found, *self.pool.take(needed, found[-1] if found else None)]
        sequence.computed = len(found) * self.pool.block_size
        sequence.published = len(found)
        self.pool.counts.queries += len(sequence.tokens)
        self.pool.counts.hits += sequence.computed
        return True

    def _has_room(self, sequence: Sequence) -> bool:
        """Make sure of a block for the sequence's next token; False when it was preempted itself."""
        while sequence.blocks and len(sequence.blocks) * self.pool.block_size < len(sequence.tokens):
            if self.pool.free:
                sequence.blocks += self.pool.take(1, sequence.blocks[-1])
            else:
                self._preempt(max(self.running, key=lambda s: s.rank))
        return bool(sequence.blocks)

    def _preempt(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self._give_back(sequence)
        self.waiting.add(sequence)
        self.preemptions += 1

    def _give_back(self, sequence: Sequence) -> None:
        self.pool.give_back(sequence.blocks)
        sequence.blocks = []
        sequence.computed = sequence.published = 0
