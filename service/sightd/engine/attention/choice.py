"""Which back end serves a device: each candidate is tried on the model's own shapes, and the fastest one that agrees
with the reference is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ... import logs
from ...models.network import CacheShape
from ..cudagraph import Recorder, Work
from . import BACKENDS, DECODERS, AttentionBackend, DecodeBackend, backend, decoder, reference
from .layout import DecodeLayout, SequenceLayout, StepLayout

DECODING, PROMPT, CONTEXT = 8, 256, 1024
"""The sample step: so many sequences with one new token, and one with a longer run of them."""
TOLERANCE = {torch.bfloat16: 3e-2, torch.float16: 4e-3, torch.float32: 1e-4}
ROUNDS = 10

Attempt = Callable[[], Tensor]

log = logs.get(__name__)


def choose(device: torch.device, shape: CacheShape, heads: int) -> tuple[str, AttentionBackend]:
    """The name and the module of the back end for a device; `heads` is the number of query heads."""
    candidates = BACKENDS[device.type]
    if len(candidates) == 1:
        return candidates[0], backend(candidates[0])
    step = sample_step(device, shape, heads)
    scale = shape.head_dim**-0.5
    expected = reference.attend_text(*step, scale)

    def attempt(name: str) -> Attempt:
        module = backend(name)
        return lambda: module.attend_text(*step, scale)

    best = fastest("attention", candidates, attempt, expected, repeated)
    assert best is not None
    return best, backend(best)


def choose_decoder(
    device: torch.device, shape: CacheShape, heads: int, block_size: int
) -> tuple[str, DecodeBackend] | None:
    """The same for steps of one new token for each sequence on a card, timed as they will run there: recorded. None
    when no candidate is right and can be recorded."""
    query, keys, values, whole = sample_step(device, shape, heads)
    query, sequences = query[:DECODING], whole.sequences[:DECODING]
    scale = shape.head_dim**-0.5
    expected = reference.attend_text(query, keys, values, StepLayout(whole.slots[:DECODING], sequences), scale)
    contexts = torch.tensor([s.context for s in sequences], dtype=torch.int32, device=device)
    blocks = torch.arange(DECODING * CONTEXT // block_size, dtype=torch.int32, device=device).view(DECODING, -1)

    def attempt(name: str) -> Attempt:
        module = decoder(name)
        layout = DecodeLayout(whole.slots[:DECODING], blocks, contexts, block_size)
        return lambda: module.attend_decode(query, keys, values, layout, scale)

    best = fastest("decoding attention", DECODERS, attempt, expected, Recorder(device).record)
    return None if best is None else (best, decoder(best))


def fastest(
    what: str,
    candidates: Iterable[str],
    attempt: Callable[[str], Attempt],
    expected: Tensor,
    prepared: Callable[[Work], Work],
) -> str | None:
    """The candidate that takes the least time, `prepared`, of those whose result is right."""
    times: dict[str, float] = {}
    for name in candidates:
        try:
            times[name] = tried(attempt(name), expected, prepared)
        except ImportError as error:
            log.info("back end is not installed", use=what, name=name, reason=str(error))
        # Libraries raise what they like, compilers among them.
        except Exception as error:  # noqa: BLE001
            log.warning("back end left out", use=what, name=name, reason=str(error).partition("\n")[0][:200])
    best = min(times, key=times.__getitem__, default=None)
    log.info("back end chosen", use=what, name=best, milliseconds={n: round(1e3 * t, 3) for n, t in times.items()})
    return best


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


def tried(attempt: Attempt, expected: Tensor, prepared: Callable[[Work], Work]) -> float:
    """Seconds that an attempt takes. Raises RuntimeError when it fails or its result is wrong."""
    error = float((attempt() - expected).abs().max())
    if not error <= TOLERANCE[expected.dtype]:
        raise RuntimeError(f"its result is wrong by {error:g}")

    def rounds() -> None:
        for _ in range(ROUNDS):
            attempt()

    work = prepared(rounds)
    finish(expected.device)
    began = time.perf_counter()
    work()
    finish(expected.device)
    return (time.perf_counter() - began) / ROUNDS


def repeated(work: Work) -> Work:
    """The work as it is."""
    return work


def finish(device: torch.device) -> None:
    """Wait for what the device still does."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
