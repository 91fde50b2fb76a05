"""Linear layers on the CPU with weights packed once.

In bfloat16, oneDNN lays a weight out anew at every call unless it was packed before; at small batches that takes longer
than the product. Packed, decoding runs at the speed at which the weights can be read.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ROWS = 16
"""The number of rows that the packed layout is chosen for; other numbers work too."""


class PackedLinear(nn.Module):
    """A linear layer over a packed bfloat16 weight. Input [..., in_features], output [..., out_features]."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features = linear.in_features
        self.out_features = linear.out_features
        self.bias = linear.bias
        self._packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), ROWS)  # noqa: SLF001

    def forward(self, x: Tensor) -> Tensor:
        """The product, in bfloat16."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self.bias, "none", [], "")  # noqa: SLF001
        return result


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


def can_pack() -> bool:
    """Whether this build of torch and this processor have what it takes."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def is_int8(weight: Any) -> bool:
    """Whether a weight is torchao's int8 with a scale for each row, for products in bfloat16 on the CPU."""
    numbers, scale = getattr(weight, "qdata", None), getattr(weight, "scale", None)
    if numbers is None or scale is None or numbers.dtype != torch.int8:
        return False
    fits: bool = weight.dtype == torch.bfloat16 and weight.device.type == "cpu" and scale.numel() == len(numbers)
    return fits


def is_plain(weight: Tensor) -> bool:
    """Whether a weight is numbers in bfloat16 on the CPU, and not some quantised form of them."""
    return type(weight) is nn.Parameter and weight.dtype == torch.bfloat16 and weight.device.type == "cpu"


def pack_linears(model: nn.Module) -> int:
    """Replace every bfloat16 linear layer of a CPU model by its packed form, and those of int8 weights by a faster one;
    layers that are quantised otherwise stay. Returns how many were replaced.

    The plain weight is let go, unless something else shares it (a tied embedding).
    """
    if not can_pack():
        return 0
    replaced = 0
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and is_plain(child.weight):
                setattr(module, name, PackedLinear(child))
                replaced += 1
            elif type(child) is nn.Linear and is_int8(child.weight):
                setattr(module, name, Int8Linear(child))
                replaced += 1
    return replaced
