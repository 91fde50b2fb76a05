"""Attention back ends for decoding against the exact reference. Without a card our Triton kernel runs in Triton's
interpreter, where Triton is installed (CPU builds of torch do not bring it) and TRITON_INTERPRET=1 is set, which Triton
reads when it is imported."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from sightd.engine.attention import DecodeBackend, decoder, gathered, reference
from sightd.engine.attention.choice import fastest
from sightd.engine.attention.layout import DecodeLayout, SequenceLayout, StepLayout
from torch import Tensor

BLOCK, BLOCKS = 16, 64
SCALE = 0.2
CONTEXTS = {"one": [1], "few": [17, 5, 64], "long": [300, 1, 129, 448], "padded": [33, 1, 1, 1]}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HALF = torch.bfloat16 if DEVICE == "cuda" else torch.float16
"""Triton's interpreter multiplies no numbers in bfloat16."""


@pytest.fixture
def triton_kernel() -> DecodeBackend:
    """Our kernel, on the card or in Triton's interpreter."""
    pytest.importorskip("triton", reason="needs Triton, which comes with CUDA builds of torch")
    if DEVICE == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("needs a CUDA device, or TRITON_INTERPRET=1")
    return decoder("splitkv")


@pytest.fixture
def flash_attention_3() -> Iterator[DecodeBackend]:
    """The back end with the package's function written out as it is documented, since it exists for Hopper only."""

    def flash_attn_with_kvcache(
        query: Tensor, keys: Tensor, values: Tensor, cache_seqlens: Tensor, page_table: Tensor, softmax_scale: float
    ) -> Tensor:
        rows = []
        for one, length, pages in zip(query, cache_seqlens.tolist(), page_table, strict=True):
            key, value = (x[pages.long()].flatten(0, 1)[:length] for x in (keys, values))
            rows.append(reference.attend(one, key, value, torch.ones(1, length, dtype=torch.bool), softmax_scale))
        return torch.stack(rows)

    module = ModuleType("flash_attn_interface")
    module.flash_attn_with_kvcache = flash_attn_with_kvcache
    sys.modules[module.__name__] = module
    yield decoder("flash3")
    del sys.modules[module.__name__], sys.modules["sightd.engine.attention.flash3"]


def numbers(*size: int, dtype: torch.dtype) -> Tensor:
    """Random numbers."""
    return torch.randn(size).to(DEVICE, dtype)


def both(contexts: list[int], width: int) -> tuple[DecodeLayout, StepLayout]:
    """The same step as tables of scattered blocks, with stale numbers behind what is used, and as sequences."""
    torch.manual_seed(1)
    order = torch.randperm(BLOCKS, device=DEVICE)
    tables = torch.randint(0, BLOCKS, (len(contexts), width), dtype=torch.int32, device=DEVICE)
    sequences, at = [], 0
    for row, context in enumerate(contexts):
        blocks = order[at : at + -(-context // BLOCK)]
        at += len(blocks)
        tables[row, : len(blocks)] = blocks.int()
        slots = (blocks[:, None] * BLOCK + torch.arange(BLOCK, device=DEVICE)).flatten()[:context]
        sequences.append(SequenceLayout(row, 1, context, slots))
    new = torch.stack([s.slots[-1] for s in sequences])
    layout = DecodeLayout(new, tables, torch.tensor(contexts, dtype=torch.int32, device=DEVICE), BLOCK)
    return layout, StepLayout(new, sequences)


def agrees(backend: DecodeBackend, contexts: list[int], heads: int, head_dim: int, dtype: torch.dtype) -> None:
    """Compare a back end with the reference, with NaN wherever nothing may be read."""
    layout, whole = both(contexts, 32)
    query = numbers(len(contexts), heads, head_dim, dtype=dtype)
    keys, values = numbers(BLOCKS * BLOCK, 2, head_dim, dtype=dtype), numbers(BLOCKS * BLOCK, 2, head_dim, dtype=dtype)
    unused = torch.ones(BLOCKS * BLOCK, dtype=torch.bool, device=DEVICE)
    for sequence in whole.sequences:
        unused[sequence.slots] = False
    keys[unused], values[unused] = torch.nan, torch.nan
    expected = reference.attend_text(query, keys, values, whole, SCALE)
    result = backend.attend_decode(query, keys, values, layout, SCALE)
    torch.testing.assert_close(result, expected, atol=1e-5 if dtype == torch.float32 else 2e-2, rtol=1e-2)


@pytest.mark.parametrize("contexts", CONTEXTS.values(), ids=CONTEXTS.keys())
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_gathered(contexts: list[int], dtype: torch.dtype) -> None:
    """Torch alone gives the reference's result."""
    agrees(gathered, contexts, 6, 32, dtype)


@pytest.mark.parametrize("contexts", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_flash_attention_3(contexts: list[int], flash_attention_3: DecodeBackend) -> None:
    """FlashAttention 3 is asked for what it documents."""
    agrees(flash_attention_3, contexts, 6, 32, torch.float32)


@pytest.mark.parametrize("contexts", CONTEXTS.values(), ids=CONTEXTS.keys())
@pytest.mark.parametrize(("heads", "head_dim"), [(2, 64), (6, 24), (8, 128)])
@pytest.mark.parametrize("dtype", [torch.float32, HALF], ids=str)
@pytest.mark.parametrize("splits", [1, 2, 8])
def test_our_kernel(
    splits: int,
    contexts: list[int],
    heads: int,
    head_dim: int,
    dtype: torch.dtype,
    triton_kernel: DecodeBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Our kernel gives the reference's result for every number of splits, those included that get no tokens, whatever
    the number of heads that share a key head and the width of a head."""
    monkeypatch.setattr(triton_kernel, "shares", lambda *_: splits)
    agrees(triton_kernel, contexts, heads, head_dim, dtype)


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter compiles nothing")
@pytest.mark.parametrize("capability", [80, 89, 90])
def test_our_kernel_compiles(capability: int) -> None:
    """Triton compiles the kernels for cards of these capabilities, with tensor cores, whatever this machine has."""
    triton = pytest.importorskip("triton", reason="needs Triton, which comes with CUDA builds of torch")
    target = importlib.import_module("triton.backends.compiler").GPUTarget("cuda", capability, 32)
    source = importlib.import_module("triton.compiler").ASTSource
    kernels = decoder("splitkv")
    sizes = {"WIDTH": 128, "COLUMNS": 128, "SPLITS": 32}
    pointers = {"query": "*bf16", "keys": "*bf16", "values": "*bf16", "blocks": "*i32", "contexts": "*i32"}
    partial = {"sums": "*fp32", "highest": "*fp32", "totals": "*fp32"}
    numbers = {"scale": "fp32", "blocks_stride": "i32", "slot_stride": "i32"}
    more = sizes | {"GROUP": 4, "ROWS": 16, "BLOCK_SIZE": 16, "TILE": 64}
    split = pointers | {"result": "*bf16"} | partial | numbers | dict.fromkeys(more, "constexpr")
    merge = partial | {"result": "*bf16"} | dict.fromkeys(sizes, "constexpr")
    compiled = triton.compile(source(kernels.attend_split, split, more), target=target)
    assert "mma" in compiled.asm["ptx"]
    assert triton.compile(source(kernels.merge_splits, merge, sizes), target=target).asm["cubin"]


def test_splits_are_powers_of_two_within_what_there_is(triton_kernel: DecodeBackend) -> None:
    """A context is not split below a tile, nor where there is enough to do without."""
    device = torch.device("cpu")
    assert triton_kernel.shares(device, 1, 4096) == 2
    assert triton_kernel.shares(device, 1, 32) == 1
    assert triton_kernel.shares(device, 512, 4096) == 1


def test_widths_of_gathered_contexts() -> None:
    """Tables of a few widths up to the longest are prepared where gathering is worth it, and none for more."""
    assert gathered.widths(1, 2048) == [32, 128, 512, 2048]
    assert gathered.widths(1, 20) == [20]
    assert gathered.widths(64, 2048) == [32]
    assert gathered.widths(256, 2048) == []


def test_the_fastest_right_one_is_taken() -> None:
    """Of candidates, one that fails, one that is wrong and one that is missing are left out; with none left there is
    none."""
    expected = torch.ones(3)

    def attempt(name: str) -> object:
        if name == "missing":
            raise ImportError(name)
        return {"wrong": torch.zeros_like, "right": torch.ones_like, "fails": torch.linalg.inv}[name].__call__

    def bound(name: str) -> object:
        work = attempt(name)
        return lambda: work(expected)

    assert fastest("a", ["missing", "wrong", "fails", "right"], bound, expected, lambda work: work) == "right"
    assert fastest("a", ["missing", "wrong", "fails"], bound, expected, lambda work: work) is None
