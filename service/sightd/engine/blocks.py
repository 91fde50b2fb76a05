"""Blocks of the key/value cache: handed out, shared between sequences that begin alike, kept while there is room.

A full block is known by the hash of everything that its keys and values depend on: its tokens, the pictures behind
its placeholders, the caller's salt, and the block before it. Blocks that nobody uses stay findable until their room is
needed, the longest unused first. The idea is vLLM's automatic prefix caching (https://docs.vllm.ai).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Digest = bytes
IN_USE = int(np.iinfo(np.int64).max)


@dataclass
class PrefixCounts:
    """How many prompt tokens were looked up in the cache, and how many were found."""

    queries: int = 0
    hits: int = 0


class BlockPool:
    """All blocks of one cache. `_ages` int64 [blocks] says when a kept block was given back, 0 for an empty one."""

    def __init__(self, blocks: int, block_size: int) -> None:
        self.total = blocks
        self.block_size = block_size
        self.counts = PrefixCounts()
        self.used = 0
        self._given_back = 0
        self._users = [0] * blocks
        self._ages = np.zeros(blocks, np.int64)
        self._digests: list[Digest | None] = [None] * blocks
        self._by_digest: dict[Digest, int] = {}

    @property
    def free(self) -> int:
        """Blocks that can be handed out: empty ones and ones that are only kept in case."""
        return self.total - self.used

    def needed(self, tokens: int) -> int:
        """Blocks that this many tokens fill."""
        return -(-tokens // self.block_size)

    def take(self, count: int, after: int | None = None) -> list[int]:
        """Hand out `count` blocks: those that follow block `after`, or else neighbours, or else any, and those first
        that were not used for longest. Raises IndexError when there are fewer; ask `free`."""
        if count > self.free:
            raise IndexError("the cache has no free block")
        taken = self._following(count, after) or self._neighbours(count) or self._oldest(count)
        for block in taken:
            self._forget(block)
            self._begin_use(block)
        return taken

    def _following(self, count: int, after: int | None) -> list[int]:
        """The blocks behind `after`, unless one is in use or was lately and may be wanted again."""
        if after is None or after + count >= self.total:
            return []
        newest = self._ages[after + 1 : after + 1 + count].max(initial=0)
        return list(range(after + 1, after + 1 + count)) if newest <= max(0, self._given_back - self.total // 2) else []

    def _neighbours(self, count: int) -> list[int]:
        """The free run whose newest block is the oldest; none when every run has a block in use."""
        newest = highest(self._ages, count)
        first = int(newest.argmin())
        return [] if newest[first] == IN_USE else list(range(first, first + count))

    def _oldest(self, count: int) -> list[int]:
        return sorted(np.argpartition(self._ages, count - 1)[:count].tolist())

    def _begin_use(self, block: int) -> None:
        if not self._users[block]:
            self.used += 1
            self._ages[block] = IN_USE
        self._users[block] += 1

    def _forget(self, block: int) -> None:
        digest = self._digests[block]
        if digest is not None:
            del self._by_digest[digest]
            self._digests[block] = None

    def give_back(self, blocks: Sequence[int]) -> None:
        """Take blocks back from one user. Known ones stay findable; the ends of sequences are the first to go."""
        for block in reversed(blocks):
            self._users[block] -= 1
            if self._users[block]:
                continue
            self.used -= 1
            self._given_back += 1
            self._ages[block] = 0 if self._digests[block] is None else self._given_back

    def find(self, digests: Sequence[Digest]) -> list[int]:
        """The blocks of the longest known beginning, without taking them."""
        found = []
        for digest in digests:
            block = self._by_digest.get(digest)
            if block is None:
                break
            found.append(block)
        return found

    def share(self, blocks: Sequence[int]) -> None:
        """Become a user of found blocks."""
        for block in blocks:
            self._begin_use(block)

    def unused_among(self, blocks: Sequence[int]) -> int:
        """How many of the found blocks count as free at the moment."""
        return sum(not self._users[block] for block in blocks)

    def publish(self, block: int, digest: Digest) -> None:
        """Make a full block findable, unless another one with the same content already is."""
        if self._digests[block] is None and digest not in self._by_digest:
            self._digests[block] = digest
            self._by_digest[digest] = block


def chain(previous: Digest, tokens: Sequence[int], pictures: Sequence[bytes]) -> Digest:
    """The name of a block: of its tokens, the contents behind its placeholders, and all that came before."""
    content = hashlib.blake2b(previous, digest_size=16)
    content.update(b"".join(token.to_bytes(4, "little") for token in tokens))
    for picture in pictures:
        content.update(picture)
    return content.digest()


def highest(values: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The highest of each `width` neighbours, int64 [values - width + 1]."""
    span = 1
    while span < width:
        step = min(span, width - span)
        values = np.maximum(values[:-step], values[step:])
        span += step
    return values
