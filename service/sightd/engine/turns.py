"""The engine for checkpoints that transformers drives: requests take turns, a token each.

Each request is a `generate` of its own with a cache of its own, so that any architecture works and an answer is what
transformers gives; tokens are chosen by our sampler, so that every parameter is honoured.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import logs
from ..models.checkpoint import first_line
from ..models.generic.network import GenericNetwork
from ..models.generic.processor import Unreadable
from .generation import Generation, let_pause
from .grammar import Grammars, Waiting
from .logprobs import logprobs
from .protocol import EngineCounts, Logprobs, Progress, Submission
from .sampler import NOTHING, sample
from .sequence import Sequence

MOST_TOGETHER = 4
"""Requests that take turns; the others wait, since each that is let in makes those before it slower."""
SLICE_SECONDS = 0.05
"""How long a step may take before it pauses, at a layer of the network."""
KEPT_READINGS = 4
"""Prompts that are kept as the processor made them: the front asks for their tokens before it submits them."""

log = logs.get(__name__)


@dataclass(eq=False)
class Turn:
    """A request that is under way. `chosen` is the token that it goes on with; `begun` says whether its prompt is
    computed."""

    sequence: Sequence
    generation: Generation
    room: int
    chosen: int | None = None
    begun: bool = False


class TurnEngine:
    """Requests in, tokens out, one step at a time; the same to its loop as `core.Engine`. The caches of all requests
    that are let in have `room` tokens."""

    def __init__(self, network: GenericNetwork, grammars: Grammars, room: int, together: int) -> None:
        self._network = network
        self._compiling = Waiting(grammars)
        self._room = room
        self._together = min(together, MOST_TOGETHER)
        self._eos = frozenset(network.eos_token_ids)
        self._frames: dict[int, list[Tensor]] = {}
        self._unread: deque[Submission] = deque()
        self._waiting: list[Sequence] = []
        self._running: list[Turn] = []
        self._readings: OrderedDict[bytes, Mapping[str, Any]] = OrderedDict()
        self._on_pass: Callable[[list[bytes]], None] = lambda _: None
        self.steps = 0
        let_pause(network.module)

    def watch(self, on_pass: Callable[[list[bytes]], None]) -> None:
        """Have `on_pass` told the digests of the media that enter the network, and none when they are through."""
        self._on_pass = on_pass

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._unread or self._waiting or self._running or self._compiling)

    def submit(self, request: Submission, frames: list[Tensor]) -> None:
        """Queue a request with the pixels of its pictures (uint8 RGB [1, height, width, 3])."""
        self._frames[request.id] = frames
        if not request.sampling.max_tokens:
            self._unread.append(request)
            return
        sequence = Sequence(request, [], np.zeros((1, 0), np.int64), 0)
        if request.sampling.grammar:
            self._compiling.add(sequence)
        else:
            self._waiting.append(sequence)

    def abort(self, request: int) -> None:
        """Drop a request at once, wherever it is."""
        self._frames.pop(request, None)
        self._compiling.drop(request)
        self._unread = deque(r for r in self._unread if r.id != request)
        self._waiting = [s for s in self._waiting if s.id != request]
        for turn in [t for t in self._running if t.sequence.id == request]:
            self._drop(turn)

    def _drop(self, turn: Turn) -> None:
        self._running.remove(turn)
        turn.generation.end()
        if not turn.begun:
            self._on_pass([])

    def counts(self) -> EngineCounts:
        """What there is to tell: there is no cache that requests share."""
        return EngineCounts(cache_used=round(sum(turn.room for turn in self._running) / self._room, 4))

    @torch.inference_mode()
    def step(self) -> list[Progress]:
        """Read a prompt, let a request in, and give every request its turn. Returns what that brought."""
        ready, refused = self._compiling.take(not (self._unread or self._waiting or self._running))
        self._waiting += ready
        for sequence in refused:
            self._frames.pop(sequence.id, None)
        progress = [*refused.values(), *self._read_next(), *self._begin_next()]
        logits, failed = self._give_turns()
        self.steps += 1
        return [*progress, *failed, *self._choose(logits)]

    def _give_turns(self) -> tuple[dict[Turn, Tensor], list[Progress]]:
        """Let every request go on to its next logits, or for a slice of time; and those that the network fails on."""
        logits: dict[Turn, Tensor] = {}
        failed: list[Progress] = []
        for turn in list(self._running):
            try:
                result = turn.generation.advance(turn.chosen, time.monotonic() + SLICE_SECONDS)
            except torch.AcceleratorError:
                raise
            except (RuntimeError, ValueError, TypeError, LookupError) as error:
                log.error("the network failed on a request", reason=first_line(error), place=place(error))
                self._drop(turn)
                failed.append(Progress(turn.sequence.id, [], finish="failed"))
                continue
            turn.chosen = None
            if result is not None:
                logits[turn] = result
        return logits, failed

    def _read_next(self) -> list[Progress]:
        if not self._unread:
            return []
        request = self._unread.popleft()
        try:
            ids = self._read(request)["input_ids"][0].tolist()
            return [Progress(request.id, ids, finish="read")]
        except Unreadable as error:
            return [Progress(request.id, [], finish="unreadable", refused=str(error))]
        finally:
            self._frames.pop(request.id, None)

    def _read(self, request: Submission) -> Mapping[str, Any]:
        """What the processor makes of a request. Raises Unreadable."""
        named = b"".join([request.salt, b"\n", request.conversation.encode(), *request.digests])
        key = hashlib.blake2b(named, digest_size=16).digest()
        reading = self._readings.pop(key, None)
        if reading is None:
            reading = self._network.reader.read(request.conversation, self._frames[request.id])
        self._readings[key] = reading
        while len(self._readings) > KEPT_READINGS:
            self._readings.popitem(last=False)
        return reading

    def _begin_next(self) -> list[Progress]:
        """Let in the first that waits, when there is a place and room for all that it may become. One prompt is
        computed at a time, so that it is known which pictures are in the network."""
        if not self._waiting or len(self._running) >= self._together or not all(t.begun for t in self._running):
            return []
        sequence = min(self._waiting, key=lambda s: s.rank)
        request = sequence.request
        try:
            reading = self._read(request)
        except Unreadable as error:
            self.abort(sequence.id)
            return [Progress(sequence.id, [], finish="unreadable", refused=str(error))]
        ids = reading["input_ids"][0].tolist()
        needed = len(ids) + request.sampling.max_tokens
        if self._running and needed > self._room - sum(turn.room for turn in self._running):
            return []
        self._waiting.remove(sequence)
        self._frames.pop(sequence.id, None)
        sequence.request = replace(request, token_ids=ids)
        sequence.tokens = [*ids, *request.produced]
        sequence.started = time.monotonic()
        inputs = placed(reading, self._network.device, self._network.cache_shape.dtype)
        generation = Generation(self._network.module, inputs, request.produced, request.sampling.max_tokens)
        self._running.append(Turn(sequence, generation, needed))
        self._on_pass(request.digests[-1:])
        return []

    def _choose(self, logits: dict[Turn, Tensor]) -> list[Progress]:
        if not logits:
            return []
        turns, together = list(logits), torch.cat(list(logits.values()))
        sequences = [turn.sequence for turn in turns]
        tokens = sample(together, sequences, self._eos)
        reported = logprobs(together, sequences, tokens)
        return [
            self._advance(turn, token, reported.get(row))
            for row, (turn, token) in enumerate(zip(turns, tokens, strict=True))
        ]

    def _advance(self, turn: Turn, token: int, reported: Logprobs | None) -> Progress:
        if not turn.begun:
            turn.begun = True
            self._on_pass([])
        if token == NOTHING:
            self._drop(turn)
            return Progress(turn.sequence.id, [], finish="impossible")
        turn.chosen = token
        turn.sequence.append(token, self._eos)
        if turn.sequence.finish is not None:
            self._drop(turn)
        return turn.sequence.progress(token, reported)


def place(error: Exception) -> str:
    """Where an error was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


def placed(reading: Mapping[str, Any], device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """The processor's tensors on the device, those of floats in the network's dtype."""
    return {
        name: value.to(device, dtype if value.is_floating_point() else None) if isinstance(value, Tensor) else value
        for name, value in reading.items()
    }
