"""Which back end serves a device: each candidate is tried on the model's own shapes, and the fastest one that agrees
with the reference is taken."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from ... import logs
from ...models.network import CacheShape
from . import BACKENDS, AttentionBackend, backend, reference
from .layout import SequenceLayout, StepLayout

DECODING, PROMPT, CONTEXT = 8, 256, 1024
"""The sample step: so many sequences with one new token, and one with a longer run of them."""
TOLERANCE = {torch.bfloat16: 3e-2, torch.float16: 4e-3, torch.float32: 1e-4}
ROUNDS = 10

log = logs.get(__name__)


def choose(device: torch.device, shape: CacheShape, heads: int) -> tuple[str, AttentionBackend]:
    """The name and the module of the back end for a device; `heads` is the number of query heads."""
    candidates = BACKENDS[device.type]
    if len(candidates) == 1:
        return candidates[0], backend(candidates[0])
    step = sample_step(device, shape, heads)
    expected = reference.attend_text(*step, shape.head_dim**-0.5)
    times: dict[str, float] = {}
    for name in candidates:
        try:
            seconds = tried(backend(name), step, expected, TOLERANCE[shape.dtype])
        except (RuntimeError, ImportError, AssertionError) as error:
            log.warning("attention back end left out", name=name, reason=str(error).partition("\n")[0][:200])
            continue
        times[name] = seconds
    best = min(times, key=times.__getitem__)
    log.info("attention back end chosen", name=best, milliseconds={n: round(1e3 * t, 3) for n, t in times.items()})
    return best, backend(best)


def sample_step(device: torch.device, shape: CacheShape, heads: int) -> tuple[Tensor, Tensor, Tensor, StepLayout]:
    """Query, keys, values and layout of a mixed step."""
    draw = torch.Generator(device).manual_seed(0)
    sequences, row = [], 0
    for number in range(DECODING + 1):
        count = PROMPT if number == DECODING else 1
        slots = slice(number * CONTEXT, number * CONTEXT + CONTEXT - number)
        sequences.append(SequenceLayout(row, count, CONTEXT - number, slots))
        row += count
    new = torch.cat([torch.arange(s.context - s.count, s.context, device=device) for s in sequences])

    def numbers(*size: int) -> Tensor:
        return torch.randn(size, generator=draw, device=device).to(shape.dtype)

    cache = ((DECODING + 1) * CONTEXT, shape.kv_heads, shape.head_dim)
    return numbers(row, heads, shape.head_dim), numbers(*cache), numbers(*cache), StepLayout(new, sequences)


def tried(
    candidate: AttentionBackend, step: tuple[Tensor, Tensor, Tensor, StepLayout], expected: Tensor, most: float
) -> float:
    """Seconds that a candidate takes for the step. Raises RuntimeError when it fails or its result is wrong."""
    scale = expected.shape[-1] ** -0.5
    error = float((candidate.attend_text(*step, scale) - expected).abs().max())
    if not error <= most:
        raise RuntimeError(f"its result is wrong by {error:g}")
    finish(expected.device)
    began = time.perf_counter()
    for _ in range(ROUNDS):
        candidate.attend_text(*step, scale)
    finish(expected.device)
    return (time.perf_counter() - began) / ROUNDS


def finish(device: torch.device) -> None:
    """Wait for what the device still does."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
