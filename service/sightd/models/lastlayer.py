"""The last layer of a language model: nothing comes after it but the norm and the head, so what it adds to a token is
needed only where logits are wanted, of a whole prompt at its end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class WantedRows:
    """Lets a module compute the tokens `rows` int64 [wanted] alone (None: all). Its input and output are
    [1, tokens, width]; the others get zeros. The module keeps its place and its weights their names."""

    def __init__(self, module: nn.Module) -> None:
        self.rows: Tensor | None = None
        self._compute = module.forward
        module.forward = self.forward

    def forward(self, x: Tensor) -> Tensor:
        """The module's output."""
        if self.rows is None or len(self.rows) == x.shape[1]:
            whole: Tensor = self._compute(x)
            return whole
        result = torch.zeros_like(x)
        if len(self.rows):
            result[:, self.rows] = self._compute(x[:, self.rows])
        return result


def limited(text: Any) -> WantedRows:
    """Let the last layer of a language model of transformers' compute what is wanted of it."""
    return WantedRows(text.layers[-1].mlp)
