"""Steps in which every sequence decodes one token, prepared for a few batch sizes: on a card as CUDA graphs, which
launch as one what would else be a thousand launches for each token."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from collections.abc import Sequence as Collection
from functools import partial

import torch
from torch import Tensor

from .. import logs
from ..models.network import Network, PackedTokens
from .attention import DecodeBackend
from .attention.choice import choose_decoder
from .attention.hook import DecodeStep
from .cudagraph import Recorder, Work
from .decodeinputs import DecodeInputs
from .kv_cache import KVCache
from .sequence import Sequence

SMALL, STEP, MOST = (1, 2, 4), 8, 256
"""Batch sizes that are prepared: these, then every multiple of `STEP` up to `MOST`."""
SECONDS = 60.0
"""How long preparing may take; larger batches come first, since they serve smaller ones too."""

log = logs.get(__name__)


def batch_sizes(most: int) -> list[int]:
    """The batch sizes that are prepared for up to `most` sequences, ascending."""
    most = min(most, MOST)
    return [*(size for size in (*SMALL, *range(STEP, MOST, STEP)) if size < most), most]


class DecodeSteps:
    """The prepared steps of one network and cache, for up to `most` sequences of up to `longest` tokens."""

    def __init__(self, network: Network, cache: KVCache, backend: DecodeBackend, most: int, longest: int) -> None:
        self._network = network
        self._cache = cache
        self._backend = backend
        self._sizes = batch_sizes(most)
        self._longest = -(-longest // cache.block_size)
        axes = len(network.positions(1, [])[0])
        rows = self._sizes[-1]
        self._inputs = DecodeInputs(rows, axes, self._longest, cache.block_size, cache.scratch, network.device)
        self._logits = torch.zeros(rows, network.vocabulary, device=network.device)
        self._prepared: dict[int, dict[int, Work]] = {}
        self.reason = ""

    @property
    def count(self) -> int:
        """How many steps are prepared."""
        return sum(map(len, self._prepared.values()))

    @torch.inference_mode()
    def prepare(self, prepared: Callable[[Work], Work], on_progress: Callable[[], None]) -> None:
        """Prepare every size in the way given, and tell of each. What cannot be is left out, with the `reason`."""
        until = time.monotonic() + SECONDS
        for rows in reversed(self._sizes):
            for width in self._backend.widths(rows, self._longest):
                if time.monotonic() > until:
                    self.reason = f"preparing took more than {SECONDS:.0f} s"
                    return
                self._inputs.fill([], rows)
                # Whatever a module or a library has against being recorded, the ordinary step does without.
                try:
                    work = prepared(partial(self._compute, rows, width))
                except Exception as error:  # noqa: BLE001
                    self.reason = str(error).partition("\n")[0][:200]
                    if isinstance(error, torch.OutOfMemoryError):
                        continue
                    return
                self._prepared.setdefault(rows, {})[width] = work
                on_progress()

    def _compute(self, rows: int, width: int) -> None:
        """One step over the buffers, from token ids to logits."""
        tokens = PackedTokens(*self._inputs.tokens(rows))
        step = DecodeStep(self._inputs.layout(rows, width), self._cache, self._backend)
        self._logits[:rows] = self._network.logits(self._network.hidden(tokens, step))

    def run(self, sequences: Collection[Sequence]) -> Tensor | None:
        """Float32 logits [sequences, vocabulary] of the next token after each sequence's last, which is computed. They
        hold until the next step. None when no prepared step is large enough."""
        blocks = max(s.computed for s in sequences) // self._cache.block_size + 1
        found = self._find(len(sequences), blocks)
        if found is None:
            return None
        rows, work = found
        self._inputs.fill(sequences, rows)
        work()
        return self._logits[: len(sequences)]

    def _find(self, sequences: int, blocks: int) -> tuple[int, Work] | None:
        """The smallest prepared step for so many sequences whose contexts have up to so many blocks."""
        for rows in self._sizes[bisect_left(self._sizes, sequences) :]:
            for width, work in self._prepared.get(rows, {}).items():
                if width >= blocks:
                    return rows, work
        return None


def record(
    network: Network, cache: KVCache, most: int, longest: int, on_progress: Callable[[], None]
) -> tuple[DecodeSteps | None, str]:
    """The steps of a network on a card as CUDA graphs, for up to `most` sequences of up to `longest` tokens, and in
    words what there is; none where nothing can be recorded."""
    began = time.monotonic()
    chosen = choose_decoder(network.device, network.cache_shape, network.heads, cache.block_size)
    if chosen is None:
        return None, "eager: no back end for decoding works on this device"
    name, backend = chosen
    steps = DecodeSteps(network, cache, backend, most, longest)
    steps.prepare(Recorder(network.device).record, on_progress)
    log.info("decoding recorded", graphs=steps.count, attention=name, seconds=round(time.monotonic() - began, 1))
    if steps.reason:
        log.warning("decoding is not recorded for every number of sequences", reason=steps.reason)
    if not steps.count:
        return None, f"eager: {steps.reason}"
    return steps, f"{steps.count} CUDA graphs, attention {name}" + (f"; {steps.reason}" if steps.reason else "")
