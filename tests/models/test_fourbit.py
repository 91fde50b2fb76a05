"""Four-bit weights are read as the file has them: blocks run over the flattened weight."""

from __future__ import annotations

import json

import pytest
import torch
from sightd.models.fourbit import dequantise
from torch import Tensor

SHAPE, BLOCK, NESTED = (6, 40), 64, 2
"""Rows that are no whole blocks, and a last block that is not full."""


def stored(double: bool) -> tuple[dict[str, Tensor], Tensor]:
    """A weight as it is stored, and the numbers that it stands for."""
    draw = torch.Generator().manual_seed(1)
    count = SHAPE[0] * SHAPE[1]
    values, codes = torch.randn(16, generator=draw), torch.randint(0, 16, (count,), generator=draw, dtype=torch.uint8)
    factors = torch.rand(-(-count // BLOCK), generator=draw)
    state = {"quant_type": "nf4", "blocksize": BLOCK, "dtype": "float16", "shape": SHAPE}
    tensors = {"x.weight": (codes[::2] << 4 | codes[1::2])[:, None], "x.weight.quant_map": values}
    if double:
        levels, scales = torch.randn(256, generator=draw), torch.rand(2, generator=draw)
        indices = torch.randint(0, 256, (len(factors),), generator=draw, dtype=torch.uint8)
        factors = torch.tensor([levels[int(code)] * scales[n // NESTED] + 0.25 for n, code in enumerate(indices)])
        tensors |= {"x.weight.absmax": indices, "x.weight.nested_absmax": scales, "x.weight.nested_quant_map": levels}
        state |= {"nested_blocksize": NESTED, "nested_offset": 0.25}
    else:
        tensors["x.weight.absmax"] = factors
    tensors["x.weight.quant_state.bitsandbytes__nf4"] = torch.tensor(
        list(json.dumps(state).encode()), dtype=torch.uint8
    )
    expected = torch.tensor([values[int(code)] * factors[n // BLOCK] for n, code in enumerate(codes)])
    return tensors, expected.half().view(SHAPE)


@pytest.mark.parametrize("double", [True, False])
def test_dequantise(double: bool) -> None:
    """The numbers come back in the shape and dtype that were quantised, and the companions are gone."""
    tensors, expected = stored(double)
    other = torch.ones(3)
    tensors["y.bias"] = other
    dequantise(tensors)
    assert set(tensors) == {"x.weight", "y.bias"}
    assert torch.equal(tensors["x.weight"], expected)


def test_a_missing_companion() -> None:
    """A weight whose factors are missing is refused by name."""
    tensors, _ = stored(double=False)
    del tensors["x.weight.absmax"]
    with pytest.raises(ValueError, match=r"x\.weight lacks its absmax"):
        dequantise(tensors)
