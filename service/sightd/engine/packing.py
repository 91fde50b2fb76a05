"""Linear layers on the CPU with weights packed once.

In bfloat16, oneDNN lays a weight out anew at every call unless it was packed before; at small batches that takes longer
than the product. Packed, decoding runs at the speed at which the weights can be read.
"""

from __future__ import annotations

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


def can_pack() -> bool:
    """Whether this build of torch and this processor have what it takes."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def is_plain(weight: Tensor) -> bool:
    """Whether a weight is numbers in bfloat16 on the CPU, and not some quantised form of them."""
    return type(weight) is nn.Parameter and weight.dtype == torch.bfloat16 and weight.device.type == "cpu"


def pack_linears(model: nn.Module) -> int:
    """Replace every bfloat16 linear layer of a CPU model by its packed form. Returns how many were replaced.

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
    return replaced
