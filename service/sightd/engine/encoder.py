"""The vision encoder as work that can pause: others' tokens do not wait for a long video.

The encoder runs in a coroutine of its own (a greenlet) and looks at the clock before each of its layers. When its
slice of the step is over it pauses there, the step goes on, and the next slice continues where it stopped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

from greenlet import GreenletExit, getcurrent, greenlet

from ..models.network import Network
from .attention import AttentionBackend
from .attention.hook import PackedStep
from .media import Medium

Piece = tuple[Medium, int, int]
"""A medium and the frames (from, to) of it that are encoded together."""


class Encoder:
    """Encodes queued media, oldest first, up to `most_pixels` pixels in one pass through the network. `on_pass` is told
    which media a pass begins with, and of none at its end."""

    def __init__(self, network: Network, backend: AttentionBackend, most_pixels: int) -> None:
        self._network = network
        self._backend = backend
        self._most_pixels = most_pixels
        self._queue: deque[Medium] = deque()
        self._running: greenlet | None = None
        self._current: list[Piece] = []
        self._deadline = 0.0
        self._short = False
        self.on_pass: Callable[[list[Medium]], None] = lambda _: None
        for layer in network.vision_layers():
            layer.register_forward_pre_hook(lambda *_: self._pause())

    @property
    def idle(self) -> bool:
        """Whether nothing is left to encode."""
        return not self._queue and self._running is None

    def add(self, medium: Medium) -> None:
        """Queue a medium, unless it is queued or complete already."""
        if not medium.complete and medium not in self._queue:
            self._queue.append(medium)

    def work(self, seconds: float) -> None:
        """Encode for about `seconds`, one layer at least; with infinity, until all that is queued is encoded. A pass in
        which media are encoded whole does not pause: it is short, and what waits for it waits for all of it."""
        self._deadline = time.monotonic() + seconds
        while not self.idle:
            self._advance()
            if time.monotonic() >= self._deadline:
                return

    def _advance(self) -> None:
        if self._running is None:
            self._current = list(self._pieces())
            self._short = self._is_short()
            self._running = greenlet(self._encode)
            self.on_pass(self.suspects())
        self._running.switch()
        if self._running.dead:
            self._running = None
            self.on_pass([])

    def suspects(self) -> list[Medium]:
        """The media that are in the network at the moment."""
        return [medium for medium, _, _ in self._current] if self._running is not None else []

    def _encode(self) -> None:
        pieces = self._current
        features = self._network.encode([m.frames[first:last] for m, first, last in pieces], PackedStep(self._backend))
        for (medium, first, last), feature in zip(pieces, features, strict=True):
            medium.add(feature, last - first)
        while self._queue and self._queue[0].complete:
            self._queue.popleft()

    def _pieces(self) -> Iterator[Piece]:
        """What the next pass encodes: as many temporal patches of the queued media as fit, at least one."""
        room = self._most_pixels
        for medium in self._queue:
            if medium.alone and room < self._most_pixels:
                return
            frames, height, width = medium.frames.shape[:3]
            group = self._network.temporal
            fitting = max(0 if room < self._most_pixels else 1, room // (height * width * group)) * group
            first, last = medium.frames_done, min(frames, medium.frames_done + fitting)
            if first == last:
                return
            yield medium, first, last
            room -= (last - first) * height * width
            if last < frames or room <= 0 or medium.alone:
                return

    def _is_short(self) -> bool:
        """Whether the pass encodes whole media, of no more pixels together than a pass should have."""
        whole = all(last - first == len(medium.frames) for medium, first, last in self._current)
        return whole and sum(medium.frames[..., 0].numel() for medium, _, _ in self._current) <= self._most_pixels

    def _pause(self) -> None:
        if not self._short and time.monotonic() >= self._deadline and getcurrent() is self._running:
            self._running.parent.switch()

    def drop_unused(self) -> None:
        """Forget media that no sequence needs any more, the one in the network included."""
        for medium in [m for m in self._queue if not m.users]:
            self._queue.remove(medium)
        if self._running is not None and not any(m.users for m, _, _ in self._current):
            self._running.throw(GreenletExit)
            self._running = None
            self.on_pass([])
