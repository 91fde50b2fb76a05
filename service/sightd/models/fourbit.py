"""Four-bit weights as bitsandbytes stores them, turned back into numbers with plain torch.

A weight X of any shape is stored as X (uint8, two numbers a byte, the upper half first, over the flattened weight)
with companions: X.quant_map (the 16 values that a half byte stands for), X.absmax (a factor for each block of numbers),
and with double quantisation X.nested_absmax and X.nested_quant_map, by which the factors themselves are stored.
bitsandbytes' own CPU kernels are not used: version 0.50 begins a new block at every row, which the files do not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch
from torch import Tensor

COMPANIONS = ("absmax", "quant_map", "nested_absmax", "nested_quant_map")
STATES = ("quant_state.bitsandbytes__nf4", "quant_state.bitsandbytes__fp4")


@dataclass(frozen=True)
class State:
    """What a weight's quant_state says: its shape and dtype, numbers in a block, factors in a block of factors (0 where
    they are stored as they are), and what is added to the factors."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    block: int
    nested_block: int
    offset: float

    @classmethod
    def of(cls, stored: Tensor) -> State:
        """The state in a tensor of JSON bytes."""
        content = json.loads(bytes(stored.tolist()))
        return cls(
            shape=tuple(content["shape"]),
            dtype=getattr(torch, content["dtype"]),
            block=content["blocksize"],
            nested_block=content.get("nested_blocksize", 0),
            offset=content.get("nested_offset", 0.0),
        )


def dequantise(tensors: dict[str, Tensor]) -> None:
    """Replace every four-bit weight among the tensors, in place, by the numbers that it stands for, in the dtype that
    was quantised. Raises ValueError naming a companion that is missing."""
    for name in [name for name in tensors if name.endswith(STATES)]:
        weight = name.partition(".quant_state.")[0]
        state = State.of(tensors.pop(name))
        wanted = COMPANIONS if state.nested_block else COMPANIONS[:2]
        if missing := [kind for kind in wanted if f"{weight}.{kind}" not in tensors]:
            raise ValueError(f"the four-bit weight {weight} lacks its {' and '.join(missing)}")
        companions = {kind: tensors.pop(f"{weight}.{kind}") for kind in wanted}
        tensors[weight] = numbers(tensors[weight], companions, state)


def numbers(packed: Tensor, companions: dict[str, Tensor], state: State) -> Tensor:
    """The weight in its own shape and dtype."""
    halves = torch.stack([packed.flatten() >> 4, packed.flatten() & 15], -1).flatten()
    size = torch.Size(state.shape).numel()
    factors = block_factors(companions, state).repeat_interleave(state.block)[:size]
    values = companions["quant_map"].float()[halves[:size].int()]
    return (values * factors).to(state.dtype).view(state.shape)


def block_factors(companions: dict[str, Tensor], state: State) -> Tensor:
    """A factor for each block of numbers, float32 [blocks]."""
    factors = companions["absmax"]
    if not state.nested_block:
        return factors.float()
    scales = companions["nested_absmax"].float().repeat_interleave(state.nested_block)[: len(factors)]
    return companions["nested_quant_map"].float()[factors.int()] * scales + state.offset
