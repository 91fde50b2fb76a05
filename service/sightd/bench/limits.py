"""What a device could do at most, measured, and what a checkpoint asks of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from ..models.weightsizes import SIGHT, tensors
from ..models.wholeness import weight_files

ROUNDS = 5
MOST_BYTES = 8e9
"""What is read on a card at most to measure its bandwidth: many times its caches, beside an engine."""


def text_weights(folder: Path) -> tuple[int, int]:
    """How many weights a text token is multiplied with: in the language model's layers, and in its head, which may be
    the embedding."""
    shapes = {name: prod(shape) for path in weight_files(folder) for name, (_, shape) in tensors(path).items()}
    text = {name: count for name, count in shapes.items() if not SIGHT.search(name)}
    heads = [count for name, count in text.items() if "lm_head" in name]
    embedding = sum(count for name, count in text.items() if "embed_tokens" in name)
    return sum(text.values()) - embedding - sum(heads), sum(heads) or embedding


def bandwidth(device: torch.device, size: int) -> float:
    """Bytes a second at which `size` bytes of memory are read."""
    if device.type == "cuda":
        size = int(min(size, MOST_BYTES, torch.cuda.mem_get_info(device)[0] // 2))
    data = torch.ones(size // 4, device=device)
    return size / best(lambda: data.sum().item())


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product."""
    side = 8192 if device.type == "cuda" else 2048
    one, two = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / best(lambda: float((one @ two)[0, 0]))


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times[1:])
