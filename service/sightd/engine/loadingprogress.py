"""How far the weights are loaded, told while a loader that says nothing is at work."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from .memory import used_bytes

EVERY_SECONDS = 0.5
MOST = 0.99
"""What is told at most before the loader has returned: memory says how much is there, not that it is finished."""


class LoadingProgress:
    """Tells `report` the share of `size` bytes of weights that is on the device, every half second while the block
    runs."""

    def __init__(self, size: int, device: torch.device, report: Callable[[float], None]) -> None:
        self._size = max(1, size)
        self._device = device
        self._report = report
        self._before = used_bytes(device)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loading-progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._report(1.0)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            share = (used_bytes(self._device) - self._before) / self._size
            self._report(round(min(MOST, max(0.0, share)), 3))
