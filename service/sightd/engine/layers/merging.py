"""Linear layers that take the same input as one product: a weight is read in one piece, and there are fewer calls. On a
card that decodes a few sequences, each further layer costs a launch and a read that is too short to reach the memory's
bandwidth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

TOGETHER = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Names of layers that transformers' modules call one after another with the same input."""


@dataclass
class Computed:
    """The parts of a product and the input that they are of. Beside the module, which takes its time to set an
    attribute of its own."""

    input: Tensor | None = None
    parts: tuple[Tensor, ...] = ()


class Product(nn.Module):
    """The product of an input with the weights of several layers, which are the rows of `layer`, handed out part by
    part."""

    def __init__(self, layers: list[nn.Linear]) -> None:
        super().__init__()
        self.layer = joined(layers)
        self._sizes = [layer.out_features for layer in layers]
        self._computed = Computed()

    def part(self, index: int, x: Tensor) -> Tensor:
        """What layer `index` gives for `x` [..., in_features]. The product is computed when it is asked of a new input,
        and let go with the last part."""
        computed = self._computed
        if x is not computed.input:
            computed.input, computed.parts = x, self.layer(x).split(self._sizes, -1)
        part = computed.parts[index]
        if index == len(self._sizes) - 1:
            computed.input, computed.parts = None, ()
        return part


class PartLinear(nn.Module):
    """A linear layer that is part of a product. Input [..., in_features], output [..., out_features]."""

    def __init__(self, linear: nn.Linear, product: Product, index: int) -> None:
        super().__init__()
        self.in_features = linear.in_features
        self.out_features = linear.out_features
        self.product = product
        self._index = index

    def forward(self, x: Tensor) -> Tensor:
        """The layer's part."""
        return self.product.part(self._index, x)

    # A module's own call looks for hooks, which takes longer than handing out a part.
    __call__ = forward


def merge_linears(model: nn.Module) -> int:
    """Replace layers that belong together by parts of one product, where all of them are plain. Returns how many were
    replaced."""
    replaced = 0
    for module in list(model.modules()):
        for names in TOGETHER:
            layers = [getattr(module, name, None) for name in names]
            linears = [layer for layer in layers if type(layer) is nn.Linear and type(layer.weight) is nn.Parameter]
            if len(linears) < len(names) or not alike(linears):
                continue
            product = Product(linears)
            for index, (name, linear) in enumerate(zip(names, linears, strict=True)):
                setattr(module, name, PartLinear(linear, product, index))
            replaced += len(names)
    return replaced


def alike(layers: list[nn.Linear]) -> bool:
    """Whether the layers can be one product."""
    kinds = {(one.in_features, one.weight.dtype, one.weight.device, one.bias is None) for one in layers}
    return len(kinds) == 1


def joined(layers: list[nn.Linear]) -> nn.Linear:
    """One plain layer with the rows of all."""
    weight = torch.cat([layer.weight.detach() for layer in layers])
    one = nn.Linear(weight.shape[1], len(weight), bias=False, device="meta")
    one.weight = nn.Parameter(weight, requires_grad=False)
    biases = [layer.bias.detach() for layer in layers if layer.bias is not None]
    if biases:
        one.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    return one
