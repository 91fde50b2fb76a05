"""Linear layers on the CPU with weights packed once.

oneDNN lays a weight out anew at every call unless it was packed before; at small batches that takes longer than the
product. Packed, decoding runs at the speed at which the weights can be read.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROWS = 16
"""The number of rows that the packed layout is chosen for; other numbers work too."""


def padded(rows: int) -> int:
    """With how many rows `rows` rows are multiplied. oneDNN makes code for every number that it meets, which takes
    longer than a small product, and keeps some of it; so larger numbers are rounded up. Of two rows it takes longer
    than of four."""
    step = 1 if rows <= ROWS else 4 if rows <= 4 * ROWS else ROWS
    return 4 if rows == 2 else -(-rows // step) * step


class PackedLinear(nn.Module):
    """A linear layer over a packed weight, multiplied in `dtype`, with a GELU of the form `gelu` ("none" or "tanh")
    after it where that is given. Input [..., in_features], output [..., out_features] in the input's dtype."""

    def __init__(self, linear: nn.Linear, dtype: torch.dtype, gelu: str | None = None) -> None:
        super().__init__()
        self._after = ("none", "") if gelu is None else ("gelu", gelu)
        self.in_features = linear.in_features
        self.out_features = linear.out_features
        self._dtype = dtype
        self._bias = None if linear.bias is None else linear.bias.detach().to(dtype)
        weight = linear.weight.detach().to(dtype)
        self._packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)  # noqa: SLF001

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        rows = x.to(self._dtype).reshape(-1, self.in_features)
        count = len(rows)
        if more := padded(count) - count:
            rows = F.pad(rows, (0, 0, 0, more))
        name, algorithm = self._after
        result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._packed, self._bias, name, [], algorithm)  # noqa: SLF001
        if more:
            result = result[:count]
        return result.view(*x.shape[:-1], self.out_features).to(x.dtype)


class RowLinear(nn.Module):
    """A bfloat16 layer over its plain weight for a single row, by torch's own product of a matrix and a vector, which
    reads the weight half as fast again as oneDNN's. Input and output as `PackedLinear`."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = linear.weight.detach()
        self._bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        # torch prefers oneDNN wherever that is on.
        torch._C._set_mkldnn_enabled(False)  # noqa: SLF001
        try:
            return F.linear(x, self.weight, self._bias)
        finally:
            torch._C._set_mkldnn_enabled(True)  # noqa: SLF001


class TwofoldLinear(nn.Module):
    """A bfloat16 layer in two forms: for a single row, where reading the weight is all that counts, and for several
    rows, which are multiplied in `dtype`: float32 on a processor without products in bfloat16, several times faster
    there. Input and output as `PackedLinear`."""

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.in_features = linear.in_features
        self.out_features = linear.out_features
        self._single = RowLinear(linear)
        self._several = PackedLinear(linear, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        # A module's call takes as long as a small operation.
        return (self._single if x.numel() == self.in_features else self._several).forward(x)


class Int8Linear(nn.Module):
    """A linear layer over an int8 weight of torchao's with a scale for each row, by torch's own product for the CPU,
    which reads the weight as it is where torchao's makes a bfloat16 copy of it at every call. Input [..., in_features],
    output [..., out_features]."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight: Any = linear.weight
        self.in_features = linear.in_features
        self.out_features = linear.out_features
        self.bias = linear.bias
        self._numbers: Tensor = weight.qdata.contiguous()
        self._scale: Tensor = weight.scale.flatten().to(torch.bfloat16)

    def forward(self, x: Tensor) -> Tensor:
        """The product, in bfloat16."""
        rows = torch._weight_int8pack_mm(x.reshape(-1, self.in_features), self._numbers, self._scale)  # noqa: SLF001
        result: Tensor = rows.view(*x.shape[:-1], self.out_features)
        return result if self.bias is None else result + self.bias


def can_pack(dtype: torch.dtype = torch.bfloat16) -> bool:
    """Whether this build of torch and this processor can pack weights in `dtype`."""
    there = bool(torch.backends.mkldnn.is_available())
    return there and (dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))  # noqa: SLF001


def is_int8(weight: Any) -> bool:
    """Whether a weight is torchao's int8 with a scale for each row, for products in bfloat16 on the CPU."""
    numbers, scale = getattr(weight, "qdata", None), getattr(weight, "scale", None)
    if numbers is None or scale is None or numbers.dtype != torch.int8:
        return False
    fits: bool = weight.dtype == torch.bfloat16 and weight.device.type == "cpu" and scale.numel() == len(numbers)
    return fits


def is_plain(weight: Tensor) -> bool:
    """Whether a weight is numbers in bfloat16 or float32 on the CPU that can be packed, and not some quantised form."""
    numbers = weight.dtype in (torch.bfloat16, torch.float32) and can_pack(weight.dtype)
    return type(weight) is nn.Parameter and numbers and weight.device.type == "cpu"


def packed(linear: nn.Linear, several: torch.dtype | None) -> nn.Module | None:
    """The faster form of a layer, or None where it stays as it is."""
    if is_plain(linear.weight):
        if several is not None and linear.weight.dtype == torch.bfloat16:
            return TwofoldLinear(linear, several)
        return PackedLinear(linear, linear.weight.dtype)
    return Int8Linear(linear) if can_pack() and is_int8(linear.weight) else None


def pack_linears(model: nn.Module, several: torch.dtype | None) -> int:
    """Replace every plain linear layer of a CPU model by its packed form, and those of int8 weights by a faster one;
    layers that are quantised otherwise stay. With a format for `several` rows, layers in bfloat16 become
    `TwofoldLinear`, which keeps their plain weight beside one in that format. Returns how many were replaced.

    Otherwise the plain weight is let go, unless something else shares it (a tied embedding).
    """
    replaced = 0
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and (new := packed(child, several)) is not None:
                setattr(module, name, new)
                replaced += 1
    return replaced
