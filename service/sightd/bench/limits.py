"""What a device could do at most, measured, and what a checkpoint asks of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate
from math import prod
from pathlib import Path

import torch

from ..models.weightsizes import SIGHT, tensors
from ..models.wholeness import weight_files

ROUNDS = 5
MOST_BYTES = 8e9
"""About what is read at most to measure a bandwidth: many times the caches, beside an engine."""


def text_weights(folder: Path) -> tuple[list[int], list[int]]:
    """The matrices that a text token is multiplied with, as how many numbers each has: those of the language model's
    layers, and its head, which may be the embedding."""
    shapes = {name: shape for path in weight_files(folder) for name, (_, shape) in tensors(path).items()}
    text = {name: prod(shape) for name, shape in shapes.items() if len(shape) > 1 and not SIGHT.search(name)}
    heads = [count for name, count in text.items() if "lm_head" in name]
    embedding = [count for name, count in text.items() if "embed_tokens" in name]
    layers = [count for name, count in text.items() if "lm_head" not in name and "embed_tokens" not in name]
    return layers, heads or embedding


def bandwidth(device: torch.device, sizes: list[int]) -> float:
    """Bytes a second at which weights of so many bytes each are read, summed one after another."""
    most = MOST_BYTES if device.type == "cpu" else min(MOST_BYTES, torch.cuda.mem_get_info(device)[0] // 2)
    read = [size // 4 for size, before in zip(sizes, accumulate(sizes, initial=0), strict=False) if before < most]
    pieces = torch.ones(sum(read), device=device).split(read)

    def stream() -> float:
        sums = [piece.sum() for piece in pieces]
        return float(sums[-1].item())

    return 4 * sum(read) / best(stream)


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
