"""Rotary positions of queries and keys by one kernel of ours in Triton, on a card: transformers' function is ten small
operations for each layer, which at small batches take longer than what they compute.

Transformers' attention modules look the function up in the module that they are defined in, so that is where it is
replaced, for the one network that a process loads.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

NAME = "apply_rotary_pos_emb"
SAMPLE_TOKENS = 3

Rotate = Callable[..., tuple[Tensor, Tensor]]


def fuse_rotary(model: nn.Module, heads: int, kv_heads: int, head_dim: int, dtype: torch.dtype) -> int:
    """Let the modules of transformers that `model` is made of rotate by one kernel, where it gives what their function
    gives. Returns how many were changed. Raises what Triton raises where it does not work."""
    device = next(model.parameters()).device
    changed = 0
    for name in {type(module).__module__ for module in model.modules() if hasattr(module, "q_proj")}:
        own = getattr(sys.modules[name], NAME, None)
        if own is not None and gives_the_same(own, heads, kv_heads, head_dim, dtype, device):
            setattr(sys.modules[name], NAME, partial(rotate, own))
            changed += 1
    return changed


def gives_the_same(
    own: Rotate, heads: int, kv_heads: int, head_dim: int, dtype: torch.dtype, device: torch.device
) -> bool:
    """Whether the kernel gives a function's numbers, as far as `dtype` goes."""
    query, key = (
        torch.linspace(-2, 3, SAMPLE_TOKENS * count * head_dim, device=device, dtype=torch.float32)
        .to(dtype)
        .view(1, SAMPLE_TOKENS, count, head_dim)
        .transpose(1, 2)
        for count in (heads, kv_heads)
    )
    angles = torch.linspace(0, 6, SAMPLE_TOKENS * head_dim, device=device).view(1, SAMPLE_TOKENS, head_dim)
    cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
    pairs = zip(own(query, key, cos, sin), rotate(own, query, key, cos, sin), strict=True)
    return all(torch.allclose(expected, found, rtol=2e-2, atol=2e-2) for expected, found in pairs)


def rotate(
    own: Rotate, query: Tensor, key: Tensor, cos: Tensor, sin: Tensor, unsqueeze_dim: int = 1
) -> tuple[Tensor, Tensor]:
    """Queries [1, heads, tokens, head_dim] and keys [1, kv_heads, tokens, head_dim] turned by the angles of `cos` and
    `sin` [1, tokens, head_dim]; tensors of other forms go to transformers' `own` function."""
    if unsqueeze_dim != 1 or len(query) != 1 or cos.ndim != 3 or cos.dtype != query.dtype:
        return own(query, key, cos, sin, unsqueeze_dim=unsqueeze_dim)
    heads, tokens, width = query.shape[1:]
    kv_heads = key.shape[1]
    query, key = (x if x.stride(-1) == 1 else x.contiguous() for x in (query, key))
    turned = [x.new_empty(1, tokens, x.shape[1], width) for x in (query, key)]
    half = width // 2
    turn[(tokens, heads + kv_heads)](
        query, key, cos.contiguous(), sin.contiguous(), *turned,
        query.stride(1), query.stride(2), key.stride(1), key.stride(2),
        HEADS=heads, KV_HEADS=kv_heads, HALF=half, COLUMNS=triton.next_power_of_2(half), num_warps=1,
    )  # fmt: skip
    return turned[0].transpose(1, 2), turned[1].transpose(1, 2)


@triton.jit  # type: ignore[untyped-decorator]
def turn(  # noqa: PLR0913, PLR0917
    query: tl.tensor,
    key: tl.tensor,
    cos: tl.tensor,
    sin: tl.tensor,
    turned_query: tl.tensor,
    turned_key: tl.tensor,
    query_head_stride: tl.tensor,
    query_token_stride: tl.tensor,
    key_head_stride: tl.tensor,
    key_token_stride: tl.tensor,
    HEADS: tl.constexpr,  # noqa: N803
    KV_HEADS: tl.constexpr,  # noqa: N803
    HALF: tl.constexpr,  # noqa: N803
    COLUMNS: tl.constexpr,  # noqa: N803
) -> None:
    """One head of one token: query heads first, then key heads. Its first half is paired with its second."""
    # A long prompt may have more numbers than 32 bits can count.
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    if head < HEADS:
        source = query + token * query_token_stride + head * query_head_stride
        target = turned_query + (token * HEADS + head) * (2 * HALF)
    else:
        source = key + token * key_token_stride + (head - HEADS) * key_head_stride
        target = turned_key + (token * KV_HEADS + head - HEADS) * (2 * HALF)
    columns = tl.arange(0, COLUMNS)
    known = columns < HALF
    angles = token * (2 * HALF) + columns
    first = tl.load(source + columns, mask=known, other=0.0).to(tl.float32)
    second = tl.load(source + HALF + columns, mask=known, other=0.0).to(tl.float32)
    first_turned = first * tl.load(cos + angles, mask=known) - second * tl.load(sin + angles, mask=known)
    second_turned = second * tl.load(cos + angles + HALF, mask=known) + first * tl.load(sin + angles + HALF, mask=known)
    tl.store(target + columns, first_turned.to(target.dtype.element_ty), mask=known)
    tl.store(target + HALF + columns, second_turned.to(target.dtype.element_ty), mask=known)
