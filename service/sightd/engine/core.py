"""The engine proper: requests in, tokens out, one step at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from .encoder import Encoder
from .grammar import Grammars, Waiting
from .logprobs import logprobs
from .media import MediaStore
from .memory import used_bytes
from .protocol import EngineCounts, Logprobs, Progress, Submission
from .runner import Runner
from .sampler import NOTHING, sample
from .scheduler import Chunk, Scheduler
from .sequence import Sequence


class Engine:
    """A scheduler, an encoder and a runner. `step` is the whole story: schedule, run, sample, encode."""

    def __init__(
        self, scheduler: Scheduler, runner: Runner, encoder: Encoder, media: MediaStore, grammars: Grammars
    ) -> None:
        self.scheduler = scheduler
        self._compiling = Waiting(grammars)
        self.runner = runner
        self.encoder = encoder
        self.media = media
        self.steps = 0
        self._eos = frozenset(runner.network.eos_token_ids)

    def watch(self, on_pass: Callable[[list[bytes]], None]) -> None:
        """Have `on_pass` told the digests of media that enter the vision encoder, and none when they are through."""
        self.encoder.on_pass = lambda media: on_pass([medium.key[1] for medium in media])

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return self.scheduler.idle and not self._compiling

    def submit(self, request: Submission, frames: list[Tensor]) -> None:
        """Queue a request with the pixels of its media (uint8 RGB [frames, height, width, 3])."""
        network = self.runner.network
        if network.unseen_token is not None:
            request = request.without(network.unseen_token)
        media = [
            self.media.get((request.salt, entry.digest), pixels, network.feature_count(*pixels.shape[:3]))
            for entry, pixels in zip(request.media, frames, strict=True)
        ]
        positions, following = network.positions(len(request.token_ids), request.spans)
        for entry, medium in zip(request.media, media, strict=True):
            medium.alone = entry.alone
        counted = 0 if network.penalises_prompt else len(request.token_ids)
        sequence = Sequence(request, media, positions, following - len(request.token_ids), counted)
        if request.sampling.grammar:
            self._compiling.add(sequence)
        else:
            self.scheduler.add(sequence)

    def abort(self, request: int) -> None:
        """Drop a request at once, wherever it is."""
        sequence = self._compiling.drop(request) or self.scheduler.find(request)
        if sequence is not None:
            self._drop(sequence)
            self.encoder.drop_unused()

    def _drop(self, sequence: Sequence) -> None:
        self.scheduler.drop(sequence)
        self._release(sequence)

    def _release(self, sequence: Sequence) -> None:
        for medium in sequence.media:
            self.media.release(medium)

    @torch.inference_mode()
    def step(self) -> list[Progress]:
        """Run one step. Returns what it brought for each request that got a token."""
        refused = self._take_compiled()
        began = time.monotonic()
        chunks = self.scheduler.schedule(encoding=not self.encoder.idle)
        # What waits for nothing that is being done is no progress: the front would take it for some.
        self.steps += bool(chunks or refused or self._compiling or not self.encoder.idle)
        for sequence in self.scheduler.running:
            for medium in sequence.missing_media():
                self.encoder.add(medium)
        progress = self._run(chunks) if chunks else []
        decoding = sum(chunk.count == 1 for chunk in chunks)
        prompts = sum(chunk.count for chunk in chunks if chunk.count > 1)
        used = time.monotonic() - began
        if (rest := self.scheduler.pace.rest(decoding, prompts)) > 0:
            self.encoder.work(rest)
        self.scheduler.pace.note(decoding, prompts, used, time.monotonic() - began - used)
        return refused + progress

    def counts(self) -> EngineCounts:
        """What has been done so far."""
        pool, media = self.scheduler.pool, self.media.counts
        return EngineCounts(
            prefix_tokens=pool.counts.queries,
            prefix_tokens_found=pool.counts.hits,
            media=media.queries,
            media_found=media.hits,
            preemptions=self.scheduler.preemptions,
            cache_used=round(pool.used / pool.total, 4),
            memory_bytes=used_bytes(self.runner.network.device),
        )

    def _take_compiled(self) -> list[Progress]:
        """Let sequences with a finished grammar in."""
        ready, refused = self._compiling.take(self.scheduler.idle)
        for sequence in ready:
            self.scheduler.add(sequence)
        for sequence in refused:
            self._release(sequence)
        return list(refused.values())

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
        if token == NOTHING:
            self._drop(sequence)
            return Progress(sequence.id, [], finish="impossible")
        sequence.append(token, self._eos)
        if sequence.finish is not None:
            self._drop(sequence)
        return sequence.progress(token, reported)
