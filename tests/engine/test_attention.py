"""Attention back ends against the exact reference, on steps of every composition."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import torch
from sightd.engine.attention import backend, reference
from sightd.engine.attention.choice import choose
from sightd.engine.attention.layout import SequenceLayout, StepLayout
from sightd.models.network import CacheShape
from torch import Tensor

SCALE = 0.2
STEPS = {
    "decode": [(1, 17), (1, 5), (1, 64)],
    "prefill": [(40, 40)],
    "chunk": [(8, 30), (16, 16)],
    "mixed": [(1, 33), (20, 50), (1, 2), (7, 7)],
}


def flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    queries: Tensor,
    contexts: Tensor,
    _most_queries: int,
    _most_context: int,
    causal: bool,
    scale: float | None,
    *_: object,
) -> tuple[Tensor, Tensor, Tensor]:
    """What torch documents for its variable-length kernel, which exists on CUDA only, written out for the CPU."""
    parts = []
    for (q0, q1), (k0, k1) in zip(
        itertools.pairwise(queries.tolist()), itertools.pairwise(contexts.tolist()), strict=True
    ):
        seen = torch.ones(q1 - q0, k1 - k0, dtype=torch.bool)
        seen = seen.tril((k1 - k0) - (q1 - q0)) if causal else seen
        parts.append(reference.attend(query[q0:q1], key[k0:k1], value[k0:k1], seen, scale or 1.0))
    return torch.cat(parts), torch.empty(0), torch.empty(0)


@pytest.fixture
def flash_on_cpu() -> Iterator[None]:
    """Torch's kernel made known for the CPU while a test runs."""
    library = torch.library.Library("torch_attn", "IMPL", "CPU")
    library.impl("_varlen_attn", flash)
    yield
    library._destroy()


def numbers(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers."""
    return torch.randn(size).to(dtype)


def step(sequences: list[tuple[int, int]], whole: bool) -> StepLayout:
    """A layout of (new tokens, context) sequences whose slots lie in one piece or scattered."""
    torch.manual_seed(1)
    order = torch.arange(512) if whole else torch.randperm(512)
    row, at, result = 0, 0, []
    for count, context in sequences:
        slots = slice(at, at + context) if whole else order[at : at + context]
        result.append(SequenceLayout(row, count, context, slots))
        row, at = row + count, at + context
    return StepLayout(torch.zeros(row, dtype=torch.int64), result)


@pytest.mark.usefixtures("flash_on_cpu")
@pytest.mark.parametrize("name", ["fused", "varlen"])
@pytest.mark.parametrize("sequences", STEPS.values(), ids=STEPS.keys())
@pytest.mark.parametrize("whole", [True, False], ids=["one piece", "scattered"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_text(name: str, sequences: list[tuple[int, int]], whole: bool, dtype: torch.dtype) -> None:
    """Causal attention over the cache is the reference's, whatever the step is made of."""
    layout = step(sequences, whole)
    query = numbers(len(layout.slots), 6, 32, dtype=dtype)
    keys, values = numbers(512, 2, 32, dtype=dtype), numbers(512, 2, 32, dtype=dtype)
    expected = reference.attend_text(query, keys, values, layout, SCALE)
    result = backend(name).attend_text(query, keys, values, layout, SCALE)
    torch.testing.assert_close(result, expected, atol=1e-5 if dtype == torch.float32 else 2e-2, rtol=1e-2)


@pytest.mark.usefixtures("flash_on_cpu")
@pytest.mark.parametrize("name", ["fused", "varlen"])
@pytest.mark.parametrize("lengths", [[16, 16, 16], [3, 40, 9]], ids=str)
def test_packed(name: str, lengths: list[int]) -> None:
    """Full attention within segments is the reference's."""
    query, key, value = (numbers(sum(lengths), 4, 24) for _ in range(3))
    expected = reference.attend_packed(query, key, value, lengths, SCALE)
    torch.testing.assert_close(backend(name).attend_packed(query, key, value, lengths, SCALE), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_the_device_gets_one_that_is_right(dtype: torch.dtype) -> None:
    """On CUDA the chosen back end agrees with the reference."""
    name, chosen = choose(torch.device("cuda"), CacheShape(1, 2, 64, dtype), 8)
    layout = step(STEPS["mixed"], whole=True)
    query, keys, values = (
        numbers(n, h, 64, dtype=dtype).cuda() for n, h in ((len(layout.slots), 8), (512, 2), (512, 2))
    )
    on_device = StepLayout(layout.slots.cuda(), layout.sequences)
    expected = reference.attend_text(query, keys, values, on_device, SCALE)
    torch.testing.assert_close(
        chosen.attend_text(query, keys, values, on_device, SCALE), expected, atol=2e-2, rtol=1e-2
    )
    assert name in ("varlen", "fused", "reference")
