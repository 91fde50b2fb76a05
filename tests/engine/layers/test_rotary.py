"""Our kernel for rotary positions against transformers' function, on a card, or in Triton's interpreter where Triton is
installed and TRITON_INTERPRET=1 is set."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest
import torch
from sightd.engine.protocol import Sampling
from transformers.models.qwen3_vl import modeling_qwen3_vl

from ...pictures import noise
from ..requests import engine, finish, question, submit

pytest.importorskip("triton", reason="needs Triton, which comes with CUDA builds of torch")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
runs = pytest.mark.skipif(
    DEVICE == "cpu" and os.environ.get("TRITON_INTERPRET") != "1", reason="needs a CUDA device, or TRITON_INTERPRET=1"
)
rotary = importlib.import_module("sightd.engine.layers.rotary")


@runs
@pytest.mark.parametrize(("heads", "kv_heads", "width"), [(4, 2, 24), (32, 8, 128), (3, 3, 64)])
@pytest.mark.parametrize("tokens", [1, 5])
def test_the_numbers_are_transformers_own(tokens: int, heads: int, kv_heads: int, width: int) -> None:
    """Queries and keys are turned alike, whatever their strides, and the result lies as attention wants it."""
    own = modeling_qwen3_vl.apply_rotary_pos_emb
    whole = torch.randn(1, tokens, (heads + kv_heads) * width, device=DEVICE)
    query, key = (
        part.unflatten(-1, (-1, width)).transpose(1, 2) for part in whole.split([heads * width, kv_heads * width], -1)
    )
    cos, sin = torch.randn(2, 1, tokens, width, device=DEVICE)
    found = rotary.rotate(own, query, key, cos, sin)
    torch.testing.assert_close(found, own(query, key, cos, sin))
    assert all(x.transpose(1, 2).is_contiguous() for x in found)


@runs
def test_other_forms_go_to_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel does not know is left to transformers' function."""
    own = modeling_qwen3_vl.apply_rotary_pos_emb
    query, key = torch.randn(2, 3, 4, 5, 16, device=DEVICE)
    cos, sin = torch.randn(2, 3, 5, 16, device=DEVICE)
    torch.testing.assert_close(rotary.rotate(own, query, key, cos, sin), own(query, key, cos, sin))


@runs
def test_answers_stay(tiny_checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that rotates by the kernel gives the answers that it gave before."""
    own = modeling_qwen3_vl.apply_rotary_pos_emb
    folder = tiny_checkpoints["qwen3_vl"]
    plain, changed = engine(folder), engine(folder)
    asked = question(folder, "Hi", noise(1, (64, 64)))
    first = submit(plain, asked, Sampling(4))
    expected = finish(plain)[first]
    monkeypatch.setattr(modeling_qwen3_vl, rotary.NAME, own)
    shape = changed.runner.network.cache_shape
    assert rotary.fuse_rotary(changed.runner.network.module, 4, shape.kv_heads, shape.head_dim, shape.dtype) == 1
    assert modeling_qwen3_vl.apply_rotary_pos_emb is not own
    second = submit(changed, asked, Sampling(4))
    assert finish(changed)[second] == expected


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter compiles nothing")
@pytest.mark.parametrize("capability", [75, 80, 90])
def test_it_compiles(capability: int) -> None:
    """Triton compiles the kernel for cards of these capabilities, whatever this machine has."""
    triton = importlib.import_module("triton")
    target = importlib.import_module("triton.backends.compiler").GPUTarget("cuda", capability, 32)
    source = importlib.import_module("triton.compiler").ASTSource
    sizes = {"HEADS": 32, "KV_HEADS": 8, "HALF": 64, "COLUMNS": 64}
    kind = "*bf16" if capability >= 80 else "*fp16"
    names = ("query", "key", "cos", "sin", "turned_query", "turned_key")
    strides = ("query_head_stride", "query_token_stride", "key_head_stride", "key_token_stride")
    signature = dict.fromkeys(names, kind) | dict.fromkeys(strides, "i32") | dict.fromkeys(sizes, "constexpr")
    assert triton.compile(source(rotary.turn, signature, sizes), target=target).asm["cubin"]
