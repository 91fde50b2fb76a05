"""Work on a card, recorded once and replayed as a whole: one launch instead of a thousand.

The work must read and write tensors that stay where they are, launch the same kernels whatever they hold, and never
wait for the card; https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs says why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

Work = Callable[[], None]


class Recorder:
    """Records work on one card. What the graphs compute in between shares one pool of memory, since no two are ever
    replayed at a time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Work) -> Work:
        """A function that replays the work. Raises RuntimeError when it cannot be recorded, which is found by a trial
        before the recording where possible, since one that breaks off leaves torch's allocator less able."""
        work()
        torch.cuda.synchronize(self._device)
        with no_waiting():
            work()
        torch.cuda.synchronize(self._device)
        graph = torch.cuda.CUDAGraph()
        # Other threads of this process may use the card meanwhile.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            work()
        return graph.replay


@contextmanager
def no_waiting() -> Iterator[None]:
    """Let whatever would wait for the card raise RuntimeError."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        # Torch warns that it does not find everything; what it misses, the recording finds.
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)
