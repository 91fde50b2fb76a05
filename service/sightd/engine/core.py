"""The engine proper: requests in, tokens out, one step at a time."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from .encoder import Encoder
from .logprobs import logprobs
from .media import MediaStore
from .protocol import Logprobs, Progress, Submission
from .runner import Runner
from .sampler import sample
from .scheduler import Chunk, Scheduler
from .sequence import Sequence


class Engine:
    """A scheduler, an encoder and a runner. `step` is the whole story: schedule, run, sample, encode."""

    def __init__(self, scheduler: Scheduler, runner: Runner, encoder: Encoder, media: MediaStore) -> None:
        self.scheduler = scheduler
        self.runner = runner
        self.encoder = encoder
        self.media = media
        self.steps = 0
        self._eos = frozenset(runner.network.eos_token_ids)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return self.scheduler.idle

    def submit(self, request: Submission, frames: list[Tensor]) -> None:
        """Queue a request with the pixels of its media (uint8 RGB [frames, height, width, 3])."""
        network = self.runner.network
        media = [
            self.media.get((request.salt, entry.digest), pixels, network.feature_count(*pixels.shape[:3]))
            for entry, pixels in zip(request.media, frames, strict=True)
        ]
        positions, following = network.positions(len(request.token_ids), request.spans)
        for entry, medium in zip(request.media, media, strict=True):
            medium.alone = entry.alone
        self.scheduler.add(Sequence(request, media, positions, following - len(request.token_ids)))

    def abort(self, request: int) -> None:
        """Drop a request at once, wherever it is."""
        sequence = self.scheduler.find(request)
        if sequence is not None:
            self._drop(sequence)
            self.encoder.drop_unused()

    def _drop(self, sequence: Sequence) -> None:
        self.scheduler.drop(sequence)
        for medium in sequence.media:
            self.media.release(medium)

    @torch.inference_mode()
    def step(self) -> list[Progress]:
        """Run one step. Returns what it brought for each request that got a token."""
        began = time.monotonic()
        chunks = self.scheduler.schedule(encoding=not self.encoder.idle)
        for sequence in self.scheduler.running:
            for medium in sequence.missing_media():
                self.encoder.add(medium)
        progress = self._run(chunks) if chunks else []
        decoding = sum(chunk.count == 1 for chunk in chunks)
        used = time.monotonic() - began
        self.scheduler.pace.note(decoding, sum(c.count for c in chunks if c.count > 1), used)
        self.encoder.work(self.scheduler.pace.rest(decoding, used))
        self.steps += 1
        return progress

    def _run(self, chunks: list[Chunk]) -> list[Progress]:
        logits = self.runner.run(chunks)
        complete = [chunk.sequence for chunk in chunks if chunk.completes]
        for chunk in chunks:
            self.scheduler.computed(chunk)
        tokens = sample(logits, complete, self._eos) if complete else []
        reported = logprobs(logits, complete, tokens)
        return [
            self._advance(sequence, token, reported.get(row))
            for row, (sequence, token) in enumerate(zip(complete, tokens, strict=True))
        ]

    def _advance(self, sequence: Sequence, token: int, reported: Logprobs | None) -> Progress:
        sequence.append(token, self._eos)
        likely = None if reported is None else [reported]
        if sequence.finish is not None:
            self._drop(sequence)
        if sequence.first_token is not None:
            return Progress(sequence.id, [token], likely, sequence.finish)
        sequence.first_token = time.monotonic()
        started = sequence.started or sequence.arrived
        return Progress(
            sequence.id, [token], likely, sequence.finish, started - sequence.arrived, sequence.first_token - started
        )
