"""Blocks of the key/value cache: handed out, shared between sequences that begin alike, kept while there is room.

A full block is known by the hash of everything that its keys and values depend on: its tokens, the pictures behind
its placeholders, the caller's salt, and the block before it. Blocks that nobody uses stay findable until their room is
needed, the longest unused first. The idea is vLLM's automatic prefix caching (https://docs.vllm.ai).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

Digest = bytes


@dataclass
class PrefixCounts:
    """How many prompt tokens were looked up in the cache, and how many were found."""

    queries: int = 0
    hits: int = 0


class BlockPool:
    """All blocks of one cache."""

    def __init__(self, blocks: int, block_size: int) -> None:
        self.total = blocks
        self.block_size = block_size
        self.counts = PrefixCounts()
        self._never_used = blocks
        self._free: list[int] = []
        self._users = [0] * blocks
        self._digests: list[Digest | None] = [None] * blocks
        self._by_digest: dict[Digest, int] = {}
        self._unused: OrderedDict[int, None] = OrderedDict()

    @property
    def free(self) -> int:
        """Blocks that can be handed out: empty ones and ones that are only kept in case."""
        return self._never_used + len(self._free) + len(self._unused)

    @property
    def used(self) -> int:
        """Blocks that sequences hold."""
        return self.total - self.free

    def needed(self, tokens: int) -> int:
        """Blocks that this many tokens fill."""
        return -(-tokens // self.block_size)

    def take(self, count: int) -> list[int]:
        """Hand out `count` blocks, neighbours where possible. Raises IndexError when there are fewer; ask `free`."""
        if count > self.free:
            raise IndexError("the cache has no free block")
        return sorted(self._take_one() for _ in range(count))

    def _take_one(self) -> int:
        if self._free:
            block = self._free.pop()
        elif self._never_used:
            block = self.total - self._never_used
            self._never_used -= 1
        else:
            block, _ = self._unused.popitem(last=False)
            self._forget(block)
        self._users[block] = 1
        return block

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
            if self._digests[block] is None:
                self._free.append(block)
            else:
                self._unused[block] = None

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
            self._users[block] += 1
            self._unused.pop(block, None)

    def unused_among(self, blocks: Sequence[int]) -> int:
        """How many of the found blocks count as free at the moment."""
        return sum(block in self._unused for block in blocks)

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
