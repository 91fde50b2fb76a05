"""Linear layers that read the same input, computed as one: a weight read in one piece, and fewer calls."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

GROUPS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""The names that transformers gives to layers which read the same input."""


class Joined:
    """One layer in place of several: `layer` gives [..., widths together] for the input that all of them get."""

    def __init__(self, layer: nn.Module, widths: list[int]) -> None:
        self._layer = layer
        self._widths = widths
        self._input: Tensor | None = None
        self._results: list[Tensor] = []
        self._left = 0

    def part(self, index: int, x: Tensor) -> Tensor:
        """What layer number `index` gives for `x`; computed with the others when the first one is asked, let go with
        the last."""
        if x is not self._input:
            self._input, self._left = x, len(self._widths)
            self._results = list(self._layer(x).split(self._widths, -1))
        result = self._results[index]
        self._left -= 1
        if not self._left:
            self._input, self._results = None, []
        return result


class Part(nn.Module):
    """A linear layer that is computed with others. Input [..., in_features], output [..., out_features]."""

    def __init__(self, joined: Joined, index: int, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features = linear.in_features
        self.out_features = linear.out_features
        self._joined = joined
        self._index = index

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        return self._joined.part(self._index, x)


def groups_of(module: nn.Module) -> list[dict[str, nn.Linear]]:
    """The plain linear layers of a module that can be joined, by name."""
    found = []
    for names in GROUPS:
        layers = {name: layer for name in names if type(layer := getattr(module, name, None)) is nn.Linear}
        one_input = len({layer.in_features for layer in layers.values()}) == 1
        if len(layers) == len(names) and one_input and len({layer.bias is None for layer in layers.values()}) == 1:
            found.append(layers)
    return found


def together(layers: Sequence[nn.Linear]) -> nn.Linear:
    """One plain layer with the rows of all."""
    weight = torch.cat([layer.weight.detach() for layer in layers])
    joint = nn.Linear(weight.shape[1], len(weight), bias=False, device="meta")
    joint.weight = nn.Parameter(weight, requires_grad=False)
    biases = [layer.bias.detach() for layer in layers if layer.bias is not None]
    if biases:
        joint.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    return joint


def parts(layer: nn.Module, layers: dict[str, nn.Linear]) -> dict[str, Part]:
    """What takes the place of the `layers`, whose rows together are those of `layer`."""
    joined = Joined(layer, [linear.out_features for linear in layers.values()])
    return {name: Part(joined, index, linear) for index, (name, linear) in enumerate(layers.items())}
