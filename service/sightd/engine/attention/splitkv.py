"""Decoding by a kernel of ours in Triton, which CUDA builds of torch bring: keys and values are read where they lie in
the paged cache, once, and each context is shared out to several processors of the card (split-KV, as in Flash-Decoding,
https://pytorch.org/blog/flash-decoding/)."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from .layout import DecodeLayout

TILE = 64
"""Tokens of context that a program reads at a time."""
MOST_SPLITS = 32
WAVES = 2
"""How many programs a processor of the card should get, so that none is idle while another has the longest context."""
LEAST_ROWS = 16
"""Least side of a product on tensor cores."""


def widths(_sequences: int, longest: int) -> list[int]:
    """See `DecodeBackend.widths`: what lies beyond a context costs nothing."""
    return [longest]


def attend_decode(query: Tensor, keys: Tensor, values: Tensor, layout: DecodeLayout, scale: float) -> Tensor:
    """See `DecodeBackend.attend_decode`. Raises RuntimeError where there are no tensor cores for the numbers: there the
    kernel takes a minute to compile and is slow."""
    if query.is_cuda and (query.dtype == torch.float32 or torch.cuda.get_device_capability(query.device) < (8, 0)):
        raise RuntimeError("it needs 16-bit numbers and a card of compute capability 8.0 or newer")
    sequences, heads, width = query.shape
    kv_heads = keys.shape[1]
    query, result = query.contiguous(), query.new_empty(query.shape)
    splits = shares(query.device, sequences * kv_heads, layout.blocks.shape[1] * layout.block_size)
    sums = query.new_empty((sequences, heads, splits, width), dtype=torch.float32)
    highest, totals = query.new_empty((2, sequences, heads, splits), dtype=torch.float32)
    columns = triton.next_power_of_2(max(width, LEAST_ROWS))
    attend_split[(sequences, kv_heads, splits)](
        query,
        keys,
        values,
        layout.blocks,
        layout.contexts,
        result,
        sums,
        highest,
        totals,
        scale,
        layout.blocks.stride(0),
        keys.stride(0),
        GROUP=heads // kv_heads,
        ROWS=triton.next_power_of_2(max(heads // kv_heads, LEAST_ROWS)),
        WIDTH=width,
        COLUMNS=columns,
        BLOCK_SIZE=layout.block_size,
        SPLITS=splits,
        TILE=TILE,
    )
    if splits > 1:
        merge_splits[(sequences * heads,)](sums, highest, totals, result, WIDTH=width, COLUMNS=columns, SPLITS=splits)
    return result


def shares(device: torch.device, programs: int, longest: int) -> int:
    """Into how many parts each context is split: a power of two that gives the card enough to do, when there are
    `programs` without it, and does not split the `longest` context below a tile."""
    processors = torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 1
    wanted = min(MOST_SPLITS, -(-WAVES * processors // programs), -(-longest // TILE))
    return 1 << (max(1, wanted).bit_length() - 1)


@triton.jit  # type: ignore[untyped-decorator]
def attend_split(  # noqa: PLR0913, PLR0917
    query: tl.tensor,
    keys: tl.tensor,
    values: tl.tensor,
    blocks: tl.tensor,
    contexts: tl.tensor,
    result: tl.tensor,
    sums: tl.tensor,
    highest: tl.tensor,
    totals: tl.tensor,
    scale: tl.tensor,
    blocks_stride: tl.tensor,
    slot_stride: tl.tensor,
    GROUP: tl.constexpr,  # noqa: N803
    ROWS: tl.constexpr,  # noqa: N803
    WIDTH: tl.constexpr,  # noqa: N803
    COLUMNS: tl.constexpr,  # noqa: N803
    BLOCK_SIZE: tl.constexpr,  # noqa: N803
    SPLITS: tl.constexpr,  # noqa: N803
    TILE: tl.constexpr,  # noqa: N803
) -> None:
    """One split of one sequence's context, for the `GROUP` query heads that share a key head: softmax over the tokens
    of the split, kept as the weighted sum of values, the highest score and the total of weights, or the result where
    there is one split. Rows and columns beyond `GROUP` and `WIDTH` fill products up to what tensor cores take."""
    sequence, head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    heads = tl.num_programs(1) * GROUP
    context = tl.load(contexts + sequence)
    share = tl.cdiv(tl.cdiv(context, SPLITS), TILE) * TILE
    first = split * share
    last = tl.minimum(first + share, context)
    rows, columns = tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    inside = columns[None, :] < WIDTH
    held = (rows[:, None] < GROUP) & inside
    row = sequence * heads + head * GROUP + rows
    queries = tl.load(query + row[:, None] * WIDTH + columns[None, :], mask=held, other=0.0)
    most = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    mixed = tl.zeros([ROWS, COLUMNS], tl.float32)
    for start in range(first, last, TILE):
        tokens = start + tl.arange(0, TILE)
        seen = tokens < last
        block = tl.load(blocks + sequence * blocks_stride + tokens // BLOCK_SIZE, mask=seen, other=0)
        # The cache may have more numbers than 32 bits can count.
        slots = block.to(tl.int64) * BLOCK_SIZE + tokens % BLOCK_SIZE
        places = slots[:, None] * slot_stride + head * WIDTH + columns[None, :]
        known = seen[:, None] & inside
        key = tl.load(keys + places, mask=known, other=0.0)
        scores = tl.dot(queries, tl.trans(key), input_precision="ieee") * scale
        scores = tl.where(seen[None, :], scores, float("-inf"))
        higher = tl.maximum(most, tl.max(scores, 1))
        weights = tl.exp(scores - higher[:, None])
        kept = tl.exp(most - higher)
        value = tl.load(values + places, mask=known, other=0.0)
        mixed = mixed * kept[:, None] + tl.dot(weights.to(value.dtype), value, input_precision="ieee")
        total = total * kept + tl.sum(weights, 1)
        most = higher
    if SPLITS == 1:
        mixed = mixed / total[:, None]
        tl.store(result + row[:, None] * WIDTH + columns[None, :], mixed.to(result.dtype.element_ty), mask=held)
    else:
        part = row * SPLITS + split
        tl.store(sums + part[:, None] * WIDTH + columns[None, :], mixed, mask=held)
        tl.store(highest + part, most, mask=rows < GROUP)
        tl.store(totals + part, total, mask=rows < GROUP)


@triton.jit  # type: ignore[untyped-decorator]
def merge_splits(
    sums: tl.tensor,
    highest: tl.tensor,
    totals: tl.tensor,
    result: tl.tensor,
    WIDTH: tl.constexpr,  # noqa: N803
    COLUMNS: tl.constexpr,  # noqa: N803
    SPLITS: tl.constexpr,  # noqa: N803
) -> None:
    """The splits of one query head as one softmax. Splits that had no tokens weigh nothing."""
    row = tl.program_id(0)
    parts = row * SPLITS + tl.arange(0, SPLITS)
    columns = tl.arange(0, COLUMNS)
    most = tl.load(highest + parts)
    weights = tl.exp(most - tl.max(most, 0))
    total = tl.sum(tl.load(totals + parts) * weights, 0)
    inside = columns < WIDTH
    mixed = tl.load(sums + parts[:, None] * WIDTH + columns[None, :], mask=inside[None, :], other=0.0)
    mixed = tl.sum(mixed * weights[:, None], 0) / total
    tl.store(result + row * WIDTH + columns, mixed.to(result.dtype.element_ty), mask=inside)
