"""What a device could do at most, measured, and what a checkpoint asks of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate
from math import prod
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from ..engine.layers.packing import RowLinear
from ..models.weightsizes import SIGHT, tensors
from ..models.wholeness import weight_files

ROUNDS = 3
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


class Weights:
    """Weights of so many bytes each, to be read one after another: the language model's own in `module`, where they lie
    as plain matrices, and otherwise as many and as large pieces of memory."""

    def __init__(self, module: nn.Module, device: torch.device, sizes: list[int]) -> None:
        own = plain_weights(module)
        self._pieces = own if 2 * sum(w.numel() for w in own) == sum(sizes) else pieces(device, sizes)
        self._bytes = sum(piece.nbytes for piece in self._pieces)

    def bandwidth(self) -> float:
        """Bytes a second at which they are summed, the median of some rounds."""
        return self._bytes / median(timed(self._read))

    def _read(self) -> None:
        # Numbers of four bytes are summed fastest, whatever they mean.
        sums = [piece.view(torch.float32).sum() for piece in self._pieces]
        sums[-1].item()


def plain_weights(module: nn.Module) -> list[Tensor]:
    """The bfloat16 matrices of a language model's linear layers, as single tokens are multiplied with them."""
    layers = (layer for name, layer in module.named_modules() if not SIGHT.search(name))
    weights = [layer.weight for layer in layers if isinstance(layer, (nn.Linear, RowLinear))]
    return [weight.detach() for weight in weights if weight.dtype == torch.bfloat16]


def pieces(device: torch.device, sizes: list[int]) -> list[Tensor]:
    """Memory of so many bytes each, as far as there is room."""
    most = MOST_BYTES if device.type == "cpu" else min(MOST_BYTES, torch.cuda.mem_get_info(device)[0] // 2)
    read = [size // 4 for size, before in zip(sizes, accumulate(sizes, initial=0), strict=False) if before < most]
    return list(torch.ones(sum(read), device=device).split(read))


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product."""
    side = 8192 if device.type == "cuda" else 2048
    one, two = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / min(timed(lambda: float((one @ two)[0, 0])))


def timed(work: Callable[[], object]) -> list[float]:
    """Seconds of some rounds, after one that is not counted."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times[1:]
